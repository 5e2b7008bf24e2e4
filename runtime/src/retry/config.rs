//! What a retry is told to do, and the check that it can be done.

use std::time::Duration;

use crate::pattern::{Check, LONGEST, PatternConfigError};

pub(crate) const CHECK: Check = Check("retry");

/// How waits are spread, so that callers that failed together do not come back together.
/// The names and formulas are those of AWS, "Exponential Backoff And Jitter".
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Jitter {
    /// The exponential delay itself.
    None,
    /// Anything from zero to the exponential delay.
    Full,
    /// Anything from half the exponential delay to all of it.
    Equal,
    /// Anything from `base` to three times the last wait; `factor` plays no part.
    Decorrelated,
}

/// The settings of a retry. Start from [`RetryConfig::DEFAULT`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RetryConfig {
    /// Attempts in all, the first one included.
    pub attempts: u32,
    /// The delay after the first attempt, before jitter.
    pub base: Duration,
    /// What each delay is multiplied by to make the next.
    pub factor: f64,
    /// The longest delay.
    pub max_delay: Duration,
    /// How delays are spread.
    pub jitter: Jitter,
    /// No attempt starts later than this after the call. An attempt that runs is not stopped.
    pub deadline: Option<Duration>,
    /// How long each attempt of an asynchronous call may take.
    pub attempt_timeout: Option<Duration>,
    /// Retries for each call, once a reserve of [`BUDGET_RESERVE`](Self::BUDGET_RESERVE) is spent.
    pub budget: Option<f64>,
}

impl RetryConfig {
    /// Three attempts, 100 ms and 200 ms apart, each wait anything from zero to that.
    pub const DEFAULT: Self = Self {
        attempts: 3,
        base: Duration::from_millis(100),
        factor: 2.0,
        max_delay: Duration::from_secs(10),
        jitter: Jitter::Full,
        deadline: None,
        attempt_timeout: None,
        budget: None,
    };

    /// Retries that a budget of its own starts with.
    pub const BUDGET_RESERVE: u32 = 10;

    /// Checks every field.
    ///
    /// # Errors
    /// Names the first field that cannot work.
    pub fn validate(&self) -> Result<(), PatternConfigError> {
        CHECK.within("attempts", self.attempts, 1..=1_000, "from 1 to 1000")?;
        CHECK.duration("base", self.base)?;
        CHECK.within("factor", self.factor, 1.0..=100.0, "from 1 to 100")?;
        CHECK.within(
            "max_delay",
            self.max_delay,
            self.base..=LONGEST,
            "at least `base` and at most 366 days",
        )?;
        if let Some(deadline) = self.deadline {
            CHECK.duration("deadline", deadline)?;
        }
        if let Some(attempt_timeout) = self.attempt_timeout {
            CHECK.duration("attempt_timeout", attempt_timeout)?;
        }
        if let Some(budget) = self.budget {
            CHECK.within("budget", budget, 0.001..=1.0, "from 0.001 to 1")?;
        }
        Ok(())
    }
}

impl Default for RetryConfig {
    fn default() -> Self {
        Self::DEFAULT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_valid() {
        assert_eq!(RetryConfig::DEFAULT.validate(), Ok(()));
    }

    #[test]
    fn what_cannot_work_is_named() {
        type Change = fn(&mut RetryConfig);
        let cases: [(&str, Change); 9] = [
            ("attempts", |config| config.attempts = 0),
            ("base", |config| config.base = Duration::ZERO),
            ("factor", |config| config.factor = f64::NAN),
            ("factor", |config| config.factor = 0.5),
            ("max_delay", |config| {
                config.max_delay = Duration::from_millis(1)
            }),
            ("max_delay", |config| config.max_delay = Duration::MAX),
            ("deadline", |config| config.deadline = Some(Duration::ZERO)),
            ("attempt_timeout", |config| {
                config.attempt_timeout = Some(Duration::MAX)
            }),
            ("budget", |config| config.budget = Some(f64::INFINITY)),
        ];
        for (field, change) in cases {
            let mut config = RetryConfig::DEFAULT;
            change(&mut config);
            let error = config.validate().expect_err(field);
            assert!(error.to_string().contains(&format!("`{field}`")), "{error}");
        }
    }
}
