//! A value that is made again for each binding epoch and read without a lock.

use std::sync::OnceLock;

/// A list with one element an epoch. Providers are set once or twice in the life of a process, so the
/// list stays short; old elements stay until the owner goes.
#[derive(Debug)]
pub(super) struct Rebindable<T> {
    this: OnceLock<(u32, T)>,
    next: OnceLock<Box<Self>>,
}

impl<T> Rebindable<T> {
    pub(super) const fn new() -> Self {
        Self {
            this: OnceLock::new(),
            next: OnceLock::new(),
        }
    }

    /// The value of `epoch` or later, made with `make` if there is none yet.
    #[inline]
    pub(super) fn get(&self, epoch: u32, make: impl Fn() -> T) -> &T {
        let mut node = self;
        loop {
            let (made_in, value) = node.this.get_or_init(|| (epoch, make()));
            if *made_in >= epoch {
                return value;
            }
            node = node.next.get_or_init(|| Box::new(Self::new()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Rebindable;

    #[test]
    fn each_epoch_makes_its_value_once() {
        let value = Rebindable::new();
        assert_eq!(*value.get(1, || 10), 10);
        assert_eq!(*value.get(1, || 11), 10);
        assert_eq!(*value.get(3, || 30), 30);
        assert_eq!(
            *value.get(2, || 20),
            30,
            "an older epoch is served by a newer value"
        );
    }
}
