//! What attributes expand into. No public API: it changes with the macros, which come in step.

pub use tracing;

pub use crate::breaker::private::*;
pub use crate::bulkhead::private::*;
#[cfg(feature = "cache")]
pub use crate::cache::private::*;
pub use crate::function::{
    AnyReturned, FunctionSite, ResultReturned, Returned, report_error, report_return,
};
#[cfg(feature = "messaging")]
pub use crate::messaging::private::*;
pub use crate::pattern::{Pattern, PatternSite, ResolvedPattern};
#[cfg(feature = "rate-limit")]
pub use crate::rate_limit::private::*;
#[cfg(feature = "retry")]
pub use crate::retry::private::*;
#[cfg(feature = "route")]
pub use crate::route::private::*;
pub use crate::settle::{ByFuture, ByValue, Settle};
pub use crate::site::Site;
pub use crate::timeout::private::*;
pub use crate::trace_fields::record_fields;

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

/// A type that is one, so that a `static` in a method of it belongs to it alone.
#[diagnostic::on_unimplemented(
    message = "a default trait method cannot own a breaker, cache or limiter: it would be shared by every type that implements the trait",
    note = "pass the instance to use, such as `breaker = self.breaker()` (`store = …` for a cache), or put the attribute on the methods of the impls"
)]
pub trait OneInstance {
    /// In a generic impl a static would be shared by all of its types: pass the instance to use, such as
    /// `breaker = self.breaker` (`store = …` for a cache).
    const A_GENERIC_IMPL_MUST_PASS_ITS_INSTANCE_AS_IN_BREAKER_EQUALS_SELF_DOT_BREAKER: bool;
}

#[diagnostic::do_not_recommend]
impl<T> OneInstance for T {
    // It looks at `T`, so that it cannot be known where `T` is not.
    const A_GENERIC_IMPL_MUST_PASS_ITS_INSTANCE_AS_IN_BREAKER_EQUALS_SELF_DOT_BREAKER: bool =
        size_of::<T>() == 0;
}
