//! How many retries there may be for the calls there are, so that a dependency that fails for everybody
//! does not get three times its load. After Finagle's `RetryBudget` and gRPC's retry throttling (A6).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::pattern::PatternConfigError;
use crate::retry::config::CHECK;

/// Retries are a share of calls: each call pays in, each retry takes out. Cheap to clone; clones are the
/// same budget, which may serve several functions that call one dependency.
///
/// ```
/// // One retry for five calls, and ten before there were any.
/// let budget = otelgen::RetryBudget::new(0.2, 10)?;
/// # drop(budget);
/// # Ok::<(), otelgen::PatternConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct RetryBudget(Arc<Balance>);

#[derive(Debug)]
struct Balance {
    /// In thousandths of a retry.
    now: AtomicU64,
    most: u64,
    per_call: u64,
}

const RETRY: u64 = 1_000;

impl RetryBudget {
    /// `ratio` retries for each call, in (0, 1]; `reserve` of them, at least 1, can be saved up and are
    /// there at the start.
    ///
    /// # Errors
    /// Names the number that cannot work.
    pub fn new(ratio: f64, reserve: u32) -> Result<Self, PatternConfigError> {
        CHECK.within("budget", ratio, 0.001..=1.0, "from 0.001 to 1")?;
        CHECK.within(
            "budget reserve",
            reserve,
            1..=1_000_000,
            "from 1 to 1000000",
        )?;
        Ok(Self::checked(ratio, reserve))
    }

    pub(crate) fn checked(ratio: f64, reserve: u32) -> Self {
        let most = u64::from(reserve) * RETRY;
        Self(Arc::new(Balance {
            now: AtomicU64::new(most),
            most,
            per_call: (ratio * RETRY as f64).round() as u64,
        }))
    }

    /// A call pays in.
    #[inline]
    pub(crate) fn deposit(&self) {
        let Balance {
            now,
            most,
            per_call,
        } = &*self.0;
        // A full purse is only looked at.
        let _ = now.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |balance| {
            (balance < *most).then(|| (balance + per_call).min(*most))
        });
    }

    /// Takes a retry out, if there is one.
    pub(crate) fn withdraw(&self) -> bool {
        let taken = self
            .0
            .now
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |balance| {
                balance.checked_sub(RETRY)
            });
        taken.is_ok()
    }

    /// Retries that can be made now.
    #[must_use]
    pub fn available(&self) -> u64 {
        self.0.now.load(Ordering::Relaxed) / RETRY
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_are_a_share_of_calls_once_the_reserve_is_spent() {
        let budget = RetryBudget::new(0.1, 3).expect("the budget is valid");
        let retries = (0..1_000)
            .filter(|_| {
                budget.deposit();
                budget.withdraw()
            })
            .count();
        assert_eq!(retries, 3 + 99);
    }

    #[test]
    fn savings_end_at_the_reserve() {
        let budget = RetryBudget::new(1.0, 2).expect("the budget is valid");
        for _ in 0..100 {
            budget.deposit();
        }
        assert_eq!(budget.available(), 2);
    }

    #[test]
    fn a_ratio_that_is_no_share_is_named() {
        for ratio in [0.0, -1.0, 1.5, f64::NAN] {
            let error = RetryBudget::new(ratio, 1).expect_err("the ratio is no share");
            assert!(error.to_string().contains("`budget`"), "{error}");
        }
    }
}
