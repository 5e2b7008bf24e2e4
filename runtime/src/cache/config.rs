//! What a cache is told to do, and the check that it can be done.

use std::time::Duration;

use crate::pattern::{Check, PatternConfigError};

pub(crate) const CHECK: Check = Check("cache");

/// The settings of a cache. Start from [`CacheConfig::DEFAULT`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CacheConfig {
    /// How long a value is fresh; for ever unless set.
    pub ttl: Option<Duration>,
    /// How long a value stays that nobody asks for.
    pub tti: Option<Duration>,
    /// Entries that are kept at most; those that are used least go first.
    pub max_entries: u64,
    /// Whether calls that miss the same key at the same time share one load.
    pub single_flight: bool,
    /// How long after its `ttl` a value may still be returned when loading fails.
    pub stale_if_error: Option<Duration>,
    /// How long before the end of its `ttl` a value is loaded anew: the first call to come then loads,
    /// and the others go on with the value that is there.
    pub refresh_ahead: Option<Duration>,
    /// By up to which share of it the `ttl` of each value is shortened at random, so that values that were
    /// loaded together do not expire together.
    pub ttl_jitter: f64,
}

impl CacheConfig {
    /// At most 10,000 entries that never expire, one load for each miss.
    pub const DEFAULT: Self = Self {
        ttl: None,
        tti: None,
        max_entries: 10_000,
        single_flight: true,
        stale_if_error: None,
        refresh_ahead: None,
        ttl_jitter: 0.1,
    };

    /// Checks every field.
    ///
    /// # Errors
    /// Names the first field that cannot work.
    pub fn validate(&self) -> Result<(), PatternConfigError> {
        for (field, value) in [
            ("ttl", self.ttl),
            ("tti", self.tti),
            ("stale_if_error", self.stale_if_error),
            ("refresh_ahead", self.refresh_ahead),
        ] {
            if let Some(value) = value {
                CHECK.duration(field, value)?;
            }
        }
        CHECK.within(
            "max_entries",
            self.max_entries,
            1..=1_000_000_000,
            "from 1 to 1000000000",
        )?;
        CHECK.within("ttl_jitter", self.ttl_jitter, 0.0..=0.9, "from 0 to 0.9")?;
        let Some(ttl) = self.ttl else {
            if self.stale_if_error.is_some() {
                let problem = "has no effect without `ttl`: values never get stale";
                return Err(CHECK.conflict("stale_if_error", problem));
            }
            if self.refresh_ahead.is_some() {
                let problem = "has no effect without `ttl`: values never expire";
                return Err(CHECK.conflict("refresh_ahead", problem));
            }
            return Ok(());
        };
        let shortest = ttl.mul_f64(1.0 - self.ttl_jitter);
        if self.refresh_ahead.is_some_and(|ahead| ahead >= shortest) {
            let problem =
                "must be less than the shortest `ttl`, which is `ttl` × (1 - `ttl_jitter`)";
            return Err(CHECK.conflict("refresh_ahead", problem));
        }
        Ok(())
    }
}

impl Default for CacheConfig {
    fn default() -> Self {
        Self::DEFAULT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_valid() {
        assert_eq!(CacheConfig::DEFAULT.validate(), Ok(()));
    }

    #[test]
    fn what_cannot_work_is_named() {
        type Change = fn(&mut CacheConfig);
        let cases: [(&str, Change); 9] = [
            ("ttl", |config| config.ttl = Some(Duration::ZERO)),
            ("ttl", |config| config.ttl = Some(Duration::MAX)),
            ("tti", |config| config.tti = Some(Duration::ZERO)),
            ("max_entries", |config| config.max_entries = 0),
            ("ttl_jitter", |config| config.ttl_jitter = f64::NAN),
            ("ttl_jitter", |config| config.ttl_jitter = 1.0),
            ("stale_if_error", |config| {
                config.stale_if_error = Some(Duration::from_secs(1));
            }),
            ("refresh_ahead", |config| {
                config.refresh_ahead = Some(Duration::from_secs(1));
            }),
            ("refresh_ahead", |config| {
                config.ttl = Some(Duration::from_secs(10));
                config.refresh_ahead = Some(Duration::from_secs(9));
            }),
        ];
        for (field, change) in cases {
            let mut config = CacheConfig::DEFAULT;
            change(&mut config);
            let error = config.validate().expect_err(field);
            assert!(error.to_string().contains(&format!("`{field}`")), "{error}");
        }
    }
}
