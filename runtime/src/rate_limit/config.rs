//! What a rate limit is told to do, and the check that it can be done.

use std::time::Duration;

use crate::pattern::{Check, LONGEST, PatternConfigError};

pub(crate) const CHECK: Check = Check("rate limit");

/// The settings of a rate limit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RateLimitConfig {
    /// Requests for each second in the long run; may be less than one.
    pub per_second: f64,
    /// Requests that may come at once after a pause; as many as come in a second unless set.
    pub burst: Option<u32>,
    /// How long a request may wait for its turn; `None` rejects it at once.
    pub max_wait: Option<Duration>,
    /// With a limit for each key: how many keys are kept at most.
    pub max_keys: Option<u32>,
}

impl RateLimitConfig {
    /// How long a waiting request waits unless something else is said.
    pub const MAX_WAIT: Duration = Duration::from_secs(1);

    /// Checks every field.
    ///
    /// # Errors
    /// Names the first field that cannot work.
    pub fn validate(&self) -> Result<(), PatternConfigError> {
        CHECK.within(
            "per_second",
            self.per_second,
            0.001..=1_000_000_000.0,
            "from 0.001 to 1000000000",
        )?;
        if let Some(burst) = self.burst {
            CHECK.within("burst", burst, 1..=1_000_000, "from 1 to 1000000")?;
        }
        if let Some(wait) = self.max_wait {
            let range = Duration::from_millis(1)..=LONGEST;
            CHECK.within("max_wait", wait, range, "from 1ms to 366 days")?;
        }
        if let Some(max_keys) = self.max_keys {
            CHECK.within("max_keys", max_keys, 1..=10_000_000, "from 1 to 10000000")?;
        }
        Ok(())
    }

    /// How long one request occupies the limit.
    pub(crate) fn period(&self) -> Duration {
        Duration::from_secs_f64(1.0 / self.per_second).max(Duration::from_nanos(1))
    }

    pub(crate) fn burst(&self) -> u32 {
        let in_a_second = self.per_second.ceil().clamp(1.0, 1_000_000.0);
        self.burst.unwrap_or(in_a_second as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALID: RateLimitConfig = RateLimitConfig {
        per_second: 0.5,
        burst: None,
        max_wait: None,
        max_keys: None,
    };

    #[test]
    fn less_than_one_a_second_is_a_rate_too() {
        assert_eq!(VALID.validate(), Ok(()));
        assert_eq!(VALID.period(), Duration::from_secs(2));
        assert_eq!(VALID.burst(), 1);
    }

    #[test]
    fn what_cannot_work_is_named() {
        type Change = fn(&mut RateLimitConfig);
        let cases: [(&str, Change); 7] = [
            ("per_second", |config| config.per_second = 0.0),
            ("per_second", |config| config.per_second = f64::NAN),
            ("per_second", |config| config.per_second = f64::INFINITY),
            ("burst", |config| config.burst = Some(0)),
            ("max_wait", |config| config.max_wait = Some(Duration::ZERO)),
            ("max_wait", |config| config.max_wait = Some(Duration::MAX)),
            ("max_keys", |config| config.max_keys = Some(0)),
        ];
        for (field, change) in cases {
            let mut config = VALID;
            change(&mut config);
            let error = config.validate().expect_err(field);
            assert!(error.to_string().contains(&format!("`{field}`")), "{error}");
        }
    }
}
