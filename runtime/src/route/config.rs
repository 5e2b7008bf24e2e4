//! The settings of a route, and what is said when they cannot work.

use std::time::Duration;

use crate::pattern::{Check, PatternConfigError};

pub(super) const CHECK: Check = Check("route");

/// The steps that shares are counted in: hundredths of a percent.
pub(super) const STEPS: u32 = 10_000;

/// One of the two implementations.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RouteSide {
    /// What is to be replaced.
    Legacy,
    /// What replaces it.
    New,
}

impl RouteSide {
    /// The side that this one is not.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Legacy => Self::New,
            Self::New => Self::Legacy,
        }
    }

    /// `legacy` or `new`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Legacy => "legacy",
            Self::New => "new",
        }
    }
}

/// Which side is called in the shadow of the other one's answers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ShadowSide {
    /// The new side, while legacy answers: to see whether it would do.
    New,
    /// The legacy side, while the new one answers: to see whether it still would.
    Legacy,
    /// Whichever does not answer.
    Both,
}

/// How shadow calls are made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ShadowConfig {
    /// Which side is shadowed.
    pub side: ShadowSide,
    /// The share of calls that are shadowed, from 0 to 100.
    pub percent: f64,
    /// Shadow calls that may be under way; further ones are skipped.
    pub max_concurrent: u32,
    /// How long a shadow call may take. One that blocks its thread cannot be stopped.
    pub timeout: Duration,
}

impl ShadowConfig {
    /// All calls that legacy answers, 16 at once, 30 seconds each.
    pub const DEFAULT: Self = Self {
        side: ShadowSide::New,
        percent: 100.0,
        max_concurrent: 16,
        timeout: Duration::from_secs(30),
    };
}

impl Default for ShadowConfig {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// The settings of a route.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RouteConfig {
    /// The share of calls that the new side answers, from 0 to 100, in steps of 0.01. A handle can change it later.
    pub percent: f64,
    /// How shadow calls are made, if at all.
    pub shadow: Option<ShadowConfig>,
}

impl RouteConfig {
    /// Legacy answers everything, without shadows.
    pub const DEFAULT: Self = Self {
        percent: 0.0,
        shadow: None,
    };

    /// Checks every field.
    ///
    /// # Errors
    /// Names the first field that cannot work.
    pub fn validate(&self) -> Result<(), PatternConfigError> {
        percent("percent", self.percent)?;
        let Some(shadow) = &self.shadow else {
            return Ok(());
        };
        percent("shadow.percent", shadow.percent)?;
        CHECK.within(
            "shadow.max_concurrent",
            shadow.max_concurrent,
            1..=100_000,
            "from 1 to 100000",
        )?;
        CHECK.duration("shadow.timeout", shadow.timeout)
    }
}

impl Default for RouteConfig {
    fn default() -> Self {
        Self::DEFAULT
    }
}

pub(super) fn percent(field: &'static str, value: f64) -> Result<(), PatternConfigError> {
    CHECK.within(field, value, 0.0..=100.0, "from 0 to 100")
}

/// A share in steps: never none of something, never all of less than everything.
pub(super) fn steps(percent: f64) -> u32 {
    let rounded = (percent * f64::from(STEPS) / 100.0).round();
    if percent <= 0.0 {
        0
    } else if percent >= 100.0 {
        STEPS
    } else {
        // Within 1..10_000 after clamping, so the cast is exact.
        rounded.clamp(1.0, f64::from(STEPS - 1)) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_share_is_not_none_and_the_largest_not_all() {
        assert_eq!(steps(0.0), 0);
        assert_eq!(steps(0.000_1), 1);
        assert_eq!(steps(12.5), 1_250);
        assert_eq!(steps(99.999_9), 9_999);
        assert_eq!(steps(100.0), 10_000);
    }

    #[test]
    fn settings_that_cannot_work_are_named() {
        let shadowed = |shadow| RouteConfig {
            shadow: Some(shadow),
            ..RouteConfig::DEFAULT
        };
        let message = |config: RouteConfig| config.validate().expect_err("refused").to_string();
        assert_eq!(
            message(RouteConfig {
                percent: f64::NAN,
                shadow: None
            }),
            "route setting `percent` is NaN; it must be from 0 to 100"
        );
        assert_eq!(
            message(shadowed(ShadowConfig {
                max_concurrent: 0,
                ..ShadowConfig::DEFAULT
            })),
            "route setting `shadow.max_concurrent` is 0; it must be from 1 to 100000"
        );
        assert_eq!(
            message(shadowed(ShadowConfig {
                percent: 100.5,
                ..ShadowConfig::DEFAULT
            })),
            "route setting `shadow.percent` is 100.5; it must be from 0 to 100"
        );
        assert_eq!(
            message(shadowed(ShadowConfig {
                timeout: Duration::ZERO,
                ..ShadowConfig::DEFAULT
            })),
            "route setting `shadow.timeout` is 0ns; it must be from 1ms to 366 days"
        );
    }
}
