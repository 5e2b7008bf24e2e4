//! What attributes expand into. No public API: it changes with the macros, which come in step.

pub use tracing;

pub use crate::breaker::private::*;
pub use crate::function::{
    AnyReturned, FunctionSite, ResultReturned, Returned, report_error, report_return,
};
pub use crate::settle::{ByFuture, ByValue, Settle};
pub use crate::site::Site;

/// A value of any type, for code that is never run: it tells the compiler a type.
#[cold]
pub fn never<T>() -> T {
    unreachable!("the expansion never calls this")
}

/// The default of `is_failure`.
#[inline]
pub const fn always<E: ?Sized>(_: &E) -> bool {
    true
}

/// The default of `ignore`.
#[inline]
pub const fn never_matches<E: ?Sized>(_: &E) -> bool {
    false
}

/// The length of an array type, where `T` must be concrete: the compiler refuses generic ones.
pub const fn concrete<T: ?Sized>() -> usize {
    0
}
