//! Who goes where: a share of the keys, or of the calls. Pure, and the same in every process and release, so that a
//! tenant stays where it is whichever instance answers.

use std::fmt::{self, Display, Write};

use super::config::STEPS;

/// FNV-1a: stable, and fed without allocating.
struct Fnv(u64);

impl Fnv {
    const fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    fn feed(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
}

impl Write for Fnv {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.feed(text.as_bytes());
        Ok(())
    }
}

/// The place of a key. The route's name is part of it, so that not the same keys go first everywhere.
pub(super) fn key(route: &str, key: &(impl Display + ?Sized)) -> u64 {
    let mut hash = Fnv::new();
    hash.feed(route.as_bytes());
    hash.feed(&[0xff]);
    // Fails only if the key's own `Display` does; what it wrote until then is its key.
    let _ = write!(hash, "{key}");
    mix(hash.0)
}

/// Spreads neighbouring hashes over all places (the finalizer of SplitMix64).
fn mix(mut hash: u64) -> u64 {
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

/// The place of the n-th call: neighbours are far apart, so that every stretch of calls has its share (a Weyl sequence
/// on the golden ratio).
pub(super) const fn turn(n: u64) -> u64 {
    n.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Whether a place is within a share. Raising the share only adds places.
pub(super) fn within(place: u64, steps: u32) -> bool {
    (u128::from(place) * u128::from(STEPS)) >> 64 < u128::from(steps)
}

/// A route's key, told by method resolution: one that may be missing, or one that is there.
#[derive(Debug)]
pub struct RouteKeyOf<'k, K: ?Sized>(pub &'k K);

/// A key that may be missing, such as a header.
pub trait MissingKey {
    /// The place of the key, if there is one.
    fn __otelgen_place(&self, route: &str) -> Option<u64>;
}

impl<K: Display> MissingKey for &RouteKeyOf<'_, Option<K>> {
    fn __otelgen_place(&self, route: &str) -> Option<u64> {
        self.0.as_ref().map(|found| key(route, found))
    }
}

/// A key that is there.
pub trait GivenKey {
    /// The place of the key.
    fn __otelgen_place(&self, route: &str) -> Option<u64>;
}

impl<K: Display + ?Sized> GivenKey for RouteKeyOf<'_, K> {
    fn __otelgen_place(&self, route: &str) -> Option<u64> {
        Some(key(route, self.0))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_hundred_calls_have_their_share() {
        for percent in [1_u32, 10, 37, 50, 99] {
            for start in [0_u64, 12_345, u64::MAX - 50] {
                let count = (0..100)
                    .filter(|n| within(turn(start.wrapping_add(*n)), percent * 100))
                    .count();
                assert!(
                    count.abs_diff(percent as usize) <= 2,
                    "{count} of {percent}"
                );
            }
        }
    }

    #[test]
    fn a_share_of_the_keys_is_that_share() {
        let count = (0..100_000)
            .filter(|tenant| within(key("pricing", tenant), 2_500))
            .count();
        assert!(count.abs_diff(25_000) < 600, "{count}");
    }

    #[test]
    fn a_key_keeps_its_place_from_release_to_release() {
        assert_eq!(
            key("pricing", "tenant-7"),
            key("pricing", &String::from("tenant-7"))
        );
        assert_ne!(key("pricing", "tenant-7"), key("stock", "tenant-7"));
        assert_eq!(key("pricing", "tenant-7"), PLACE_OF_TENANT_7);
    }

    /// Written down: a change would move every user's customers.
    const PLACE_OF_TENANT_7: u64 = 0x71da_417c_d65e_74e5;

    #[test]
    #[expect(
        clippy::needless_borrow,
        reason = "as the attribute writes it, for every type of key"
    )]
    fn a_header_may_be_missing() {
        let header: Option<&str> = None;
        assert_eq!((&&RouteKeyOf(&header)).__otelgen_place("pricing"), None);
        let header = Some("tenant-7");
        let place = Some(key("pricing", "tenant-7"));
        assert_eq!((&&RouteKeyOf(&header)).__otelgen_place("pricing"), place);
        assert_eq!((&&RouteKeyOf("tenant-7")).__otelgen_place("pricing"), place);
    }

    proptest! {
        #[test]
        fn whoever_was_moved_stays_moved_when_the_share_grows(
            place in any::<u64>(), less in 0..=STEPS, more in 0..=STEPS,
        ) {
            let (less, more) = (less.min(more), less.max(more));
            prop_assert!(!within(place, less) || within(place, more));
        }

        #[test]
        fn nobody_is_in_nothing_and_all_are_in_everything(place in any::<u64>()) {
            prop_assert!(!within(place, 0));
            prop_assert!(within(place, STEPS));
        }
    }
}
