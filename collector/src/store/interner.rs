//! Values that many records share, each kept once, with the number of records that hold it.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use crate::model::{Metric, Resource, Scope};

/// What the records of one service share.
#[derive(Debug, Default)]
pub(crate) struct Interners {
    pub(crate) resources: Interner<Resource>,
    pub(crate) scopes: Interner<Scope>,
    pub(crate) metrics: Interner<Metric>,
}

/// A set of shared values of one type.
#[derive(Debug)]
pub(crate) struct Interner<T> {
    holders: HashMap<Arc<T>, usize>,
}

impl<T> Default for Interner<T> {
    fn default() -> Self {
        Self { holders: HashMap::new() }
    }
}

impl<T: Eq + Hash> Interner<T> {
    /// Replaces `value` by the one that is kept, and says whether it is new.
    pub(crate) fn acquire(&mut self, value: &mut Arc<T>) -> bool {
        if let Some((kept, _)) = self.holders.get_key_value(value) {
            *value = Arc::clone(kept);
        }
        let holders = self.holders.entry(Arc::clone(value)).or_default();
        *holders += 1;
        *holders == 1
    }

    /// Lets go of `value`, and says whether that was the last holder.
    pub(crate) fn release(&mut self, value: &Arc<T>) -> bool {
        let Some(holders) = self.holders.get_mut(value) else {
            return false;
        };
        *holders = holders.saturating_sub(1);
        let last = *holders == 0;
        if last {
            self.holders.remove(value);
        }
        last
    }
}
