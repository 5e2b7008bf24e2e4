//! Whether a circuit breaker refused a call during the work of this thread: how a retry round it knows,
//! whatever error the refusal was turned into.

use std::cell::Cell;

thread_local! {
    static REJECTIONS: Cell<u64> = const { Cell::new(0) };
}

/// A breaker refused a call, and the refusal becomes an error.
#[inline]
pub(crate) fn note() {
    REJECTIONS.with(|count| count.set(count.get().wrapping_add(1)));
}

/// How many refusals this thread has noted.
#[cfg(feature = "retry")]
#[inline]
pub(crate) fn noted() -> u64 {
    REJECTIONS.with(Cell::get)
}
