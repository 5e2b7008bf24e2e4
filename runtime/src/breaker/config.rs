//! What a breaker is told to do, and the check that it can be done. Knows nothing of how.

use std::time::Duration;

use thiserror::Error;

/// What the failure rate looks back on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum BreakerWindow {
    /// The calls that ended within this time, in ten steps: a result counts for nine to ten tenths of it.
    Time(Duration),
    /// The last calls, however long ago they ended.
    Calls(u32),
}

/// The settings of a breaker. Start from [`BreakerConfig::DEFAULT`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BreakerConfig {
    /// Share of failed calls in the window from which the breaker opens, in (0, 1].
    pub failure_rate: f64,
    /// Calls the window must hold before a rate is judged.
    pub min_calls: u32,
    /// What the rates look back on.
    pub window: BreakerWindow,
    /// Failures in a row from which the breaker opens, whatever the rate.
    pub consecutive: Option<u32>,
    /// Duration from which a call is slow.
    pub slow_call: Option<Duration>,
    /// Share of slow calls in the window from which the breaker opens, in (0, 1].
    pub slow_rate: f64,
    /// How long the breaker stays open before it lets probes through.
    pub open_for: Duration,
    /// Factor by which each further opening without a closing between lasts longer, 1 or more.
    pub open_backoff: f64,
    /// The longest opening that `open_backoff` may reach.
    pub open_max: Duration,
    /// Probes let through while half-open; all of them must succeed to close the breaker.
    pub half_open_permits: u32,
    /// How long the probes may take; after that the breaker opens again.
    pub half_open_timeout: Duration,
}

impl BreakerConfig {
    /// Half of at least 20 calls within 30 seconds failed: open for 30 seconds, then one probe.
    pub const DEFAULT: Self = Self {
        failure_rate: 0.5,
        min_calls: 20,
        window: BreakerWindow::Time(Duration::from_secs(30)),
        consecutive: None,
        slow_call: None,
        slow_rate: 1.0,
        open_for: Duration::from_secs(30),
        open_backoff: 1.0,
        open_max: Duration::from_secs(600),
        half_open_permits: 1,
        half_open_timeout: Duration::from_secs(30),
    };

    /// Checks every field.
    ///
    /// # Errors
    /// Names the first field that cannot work.
    pub fn validate(&self) -> Result<(), BreakerConfigError> {
        rate("failure_rate", self.failure_rate)?;
        rate("slow_rate", self.slow_rate)?;
        positive_count("min_calls", self.min_calls)?;
        match self.window {
            BreakerWindow::Time(window) => {
                duration("window", window, Duration::from_millis(10))?;
            }
            BreakerWindow::Calls(window_calls) => {
                positive_count("window_calls", window_calls)?;
                if window_calls > MOST_CALLS {
                    return Err(BreakerConfigError::TooManyCalls { window_calls });
                }
                if self.min_calls > window_calls {
                    return Err(BreakerConfigError::MinCallsBeyondWindow {
                        min_calls: self.min_calls,
                        window_calls,
                    });
                }
            }
        }
        if let Some(consecutive) = self.consecutive {
            positive_count("consecutive", consecutive)?;
        }
        if let Some(slow_call) = self.slow_call {
            duration("slow_call", slow_call, Duration::from_nanos(1))?;
        }
        duration("open_for", self.open_for, Duration::from_millis(1))?;
        if !self.open_backoff.is_finite() || self.open_backoff < 1.0 {
            return Err(BreakerConfigError::Backoff {
                value: self.open_backoff,
            });
        }
        duration("open_max", self.open_max, Duration::from_millis(1))?;
        positive_count("half_open_permits", self.half_open_permits)?;
        duration(
            "half_open_timeout",
            self.half_open_timeout,
            Duration::from_millis(1),
        )
    }
}

impl Default for BreakerConfig {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// The most calls a counting window may hold: one byte each.
const MOST_CALLS: u32 = 1_000_000;
/// The longest duration that makes sense anywhere here; keeps sums of nanoseconds within 64 bits.
const LONGEST: Duration = Duration::from_secs(366 * 86_400);

fn rate(field: &'static str, value: f64) -> Result<(), BreakerConfigError> {
    if value > 0.0 && value <= 1.0 {
        Ok(())
    } else {
        Err(BreakerConfigError::Rate { field, value })
    }
}

fn positive_count(field: &'static str, value: u32) -> Result<(), BreakerConfigError> {
    if value == 0 {
        return Err(BreakerConfigError::Zero { field });
    }
    Ok(())
}

fn duration(
    field: &'static str,
    value: Duration,
    least: Duration,
) -> Result<(), BreakerConfigError> {
    if value < least || value > LONGEST {
        return Err(BreakerConfigError::Duration {
            field,
            value,
            least,
        });
    }
    Ok(())
}

/// Why a breaker cannot be made.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum BreakerConfigError {
    /// The name is empty or only spaces.
    #[error(
        "a circuit breaker needs a name; give it the dependency it guards, such as \"payments\""
    )]
    EmptyName,
    /// A rate is not a number above 0 and at most 1.
    #[error("circuit breaker setting `{field}` is {value}; it must be above 0 and at most 1")]
    Rate {
        /// The setting.
        field: &'static str,
        /// What it was set to.
        value: f64,
    },
    /// A count is zero.
    #[error("circuit breaker setting `{field}` is 0; it must be at least 1")]
    Zero {
        /// The setting.
        field: &'static str,
    },
    /// A duration is too short or too long.
    #[error(
        "circuit breaker setting `{field}` is {value:?}; it must be from {least:?} to 366 days"
    )]
    Duration {
        /// The setting.
        field: &'static str,
        /// What it was set to.
        value: Duration,
        /// The least it may be.
        least: Duration,
    },
    /// The factor between openings is below 1 or not a number.
    #[error("circuit breaker setting `open_backoff` is {value}; it must be 1 (no growth) or more")]
    Backoff {
        /// What it was set to.
        value: f64,
    },
    /// A counting window is too large.
    #[error(
        "circuit breaker setting `window_calls` is {window_calls}; it must be at most {MOST_CALLS}"
    )]
    TooManyCalls {
        /// What it was set to.
        window_calls: u32,
    },
    /// The rates would never be judged.
    #[error(
        "circuit breaker setting `min_calls` is {min_calls}, but its window holds only {window_calls} calls; lower it or raise `window_calls`"
    )]
    MinCallsBeyondWindow {
        /// Calls asked for.
        min_calls: u32,
        /// Calls the window holds.
        window_calls: u32,
    },
    /// The name belongs to another breaker already.
    #[error(
        "circuit breaker `{name}` exists already with other settings ({existing}, not {requested}); choose another name, or use the same settings in both places"
    )]
    NameTaken {
        /// The name.
        name: String,
        /// The settings of the one that exists.
        existing: String,
        /// The settings asked for.
        requested: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken(change: impl FnOnce(&mut BreakerConfig)) -> BreakerConfigError {
        let mut config = BreakerConfig::DEFAULT;
        change(&mut config);
        config.validate().expect_err("the configuration is broken")
    }

    #[test]
    fn the_default_is_valid() {
        assert_eq!(BreakerConfig::DEFAULT.validate(), Ok(()));
    }

    #[test]
    fn a_rate_that_is_no_share_is_named() {
        for value in [f64::NAN, 0.0, -0.5, 1.5, f64::INFINITY] {
            let error = broken(|config| config.failure_rate = value);
            assert!(error.to_string().contains("`failure_rate`"), "{error}");
            let error = broken(|config| config.slow_rate = value);
            assert!(error.to_string().contains("`slow_rate`"), "{error}");
        }
    }

    #[test]
    fn min_calls_cannot_exceed_what_the_window_holds() {
        let error = broken(|config| {
            config.window = BreakerWindow::Calls(10);
            config.min_calls = 11;
        });
        assert_eq!(
            error,
            BreakerConfigError::MinCallsBeyondWindow {
                min_calls: 11,
                window_calls: 10
            }
        );
    }

    #[test]
    fn zeros_and_endless_durations_are_named() {
        for (error, field) in [
            (broken(|c| c.min_calls = 0), "min_calls"),
            (broken(|c| c.consecutive = Some(0)), "consecutive"),
            (broken(|c| c.half_open_permits = 0), "half_open_permits"),
            (
                broken(|c| c.window = BreakerWindow::Calls(0)),
                "window_calls",
            ),
            (
                broken(|c| c.window = BreakerWindow::Time(Duration::ZERO)),
                "window",
            ),
            (broken(|c| c.open_for = Duration::ZERO), "open_for"),
            (broken(|c| c.open_for = Duration::MAX), "open_for"),
            (
                broken(|c| c.half_open_timeout = Duration::ZERO),
                "half_open_timeout",
            ),
            (broken(|c| c.slow_call = Some(Duration::ZERO)), "slow_call"),
            (broken(|c| c.open_backoff = 0.9), "open_backoff"),
            (broken(|c| c.open_backoff = f64::NAN), "open_backoff"),
        ] {
            assert!(error.to_string().contains(&format!("`{field}`")), "{error}");
        }
    }
}
