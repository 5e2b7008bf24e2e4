//! A fallback's answer, whether its function is async or not.

use std::future::{Future, Ready, ready};

/// Marks what is awaited.
#[derive(Debug)]
pub struct ByFuture;
/// Marks what is there already.
#[derive(Debug)]
pub struct ByValue;

/// Something that can be awaited for the answer; `How` is inferred.
pub trait Settle<How> {
    /// The answer.
    type Answer;
    /// Awaits the answer.
    type Future: Future<Output = Self::Answer>;

    /// Makes the future.
    fn settle(self) -> Self::Future;
}

impl<F: Future> Settle<ByFuture> for F {
    type Answer = F::Output;
    type Future = F;

    fn settle(self) -> F {
        self
    }
}

impl<T, E> Settle<ByValue> for Result<T, E> {
    type Answer = Self;
    type Future = Ready<Self>;

    fn settle(self) -> Ready<Self> {
        ready(self)
    }
}
