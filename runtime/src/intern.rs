//! Names as `&'static str`: metric attributes and errors carry them without copying.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

/// The same text for the life of the process. Each different name is kept once and never freed, so
/// names must come from code or configuration, never from requests.
pub(crate) fn intern(name: &str) -> &'static str {
    static NAMES: Mutex<Option<HashSet<&'static str>>> = Mutex::new(None);
    let mut guard = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    let names = guard.get_or_insert_default();
    if let Some(known) = names.get(name) {
        return known;
    }
    let kept: &'static str = Box::leak(name.to_owned().into_boxed_str());
    names.insert(kept);
    kept
}
