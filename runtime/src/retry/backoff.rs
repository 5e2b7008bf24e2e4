//! The waits between attempts: backon's exponential sequence, with the jitters that backon has not.
//! Knows no clock and no telemetry.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

use crate::retry::config::{Jitter, RetryConfig};

/// The waits of one call.
pub(crate) struct Backoff {
    delays: ExponentialBackoff,
    jitter: Jitter,
    base: Duration,
    max_delay: Duration,
    previous: Duration,
    random: fastrand::Rng,
}

impl Backoff {
    pub(crate) fn new(config: &RetryConfig) -> Self {
        Self::with_random(config, fastrand::Rng::new())
    }

    fn with_random(config: &RetryConfig, random: fastrand::Rng) -> Self {
        let delays = ExponentialBuilder::new()
            .with_min_delay(config.base)
            .with_max_delay(config.max_delay)
            .with_factor(config.factor as f32)
            .without_max_times()
            .build();
        Self {
            delays,
            jitter: config.jitter,
            base: config.base,
            max_delay: config.max_delay,
            previous: config.base,
            random,
        }
    }

    /// The next wait, never longer than `max_delay`.
    pub(crate) fn next(&mut self) -> Duration {
        let delay = self
            .delays
            .next()
            .unwrap_or(self.max_delay)
            .min(self.max_delay);
        let delay = match self.jitter {
            Jitter::None => delay,
            Jitter::Full => self.between(Duration::ZERO, delay),
            Jitter::Equal => self.between(delay / 2, delay),
            Jitter::Decorrelated => {
                let upper = self.previous.saturating_mul(3).min(self.max_delay);
                self.between(self.base, upper.max(self.base))
            }
        };
        self.previous = delay;
        delay
    }

    fn between(&mut self, low: Duration, high: Duration) -> Duration {
        low + high.saturating_sub(low).mul_f64(self.random.f64())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn config(base: u64, factor: f64, max_delay: u64, jitter: Jitter) -> RetryConfig {
        RetryConfig {
            base: Duration::from_millis(base),
            factor,
            max_delay: Duration::from_millis(base + max_delay),
            jitter,
            ..RetryConfig::DEFAULT
        }
    }

    fn waits(config: &RetryConfig, seed: u64, count: usize) -> Vec<Duration> {
        let mut backoff = Backoff::with_random(config, fastrand::Rng::with_seed(seed));
        (0..count).map(|_| backoff.next()).collect()
    }

    fn jitters() -> impl Strategy<Value = Jitter> {
        prop_oneof![
            Just(Jitter::None),
            Just(Jitter::Full),
            Just(Jitter::Equal),
            Just(Jitter::Decorrelated)
        ]
    }

    proptest! {
        #[test]
        fn no_wait_is_longer_than_the_longest(
            base in 1_u64..5_000,
            factor in 1.0_f64..50.0,
            above in 0_u64..1_000_000,
            jitter in jitters(),
            seed: u64,
        ) {
            let config = config(base, factor, above, jitter);
            for wait in waits(&config, seed, 64) {
                prop_assert!(wait <= config.max_delay, "{wait:?}");
            }
        }

        #[test]
        fn each_jitter_stays_within_its_bounds(
            base in 1_u64..5_000,
            factor in 1.0_f64..50.0,
            above in 0_u64..1_000_000,
            seed: u64,
        ) {
            let plain = waits(&config(base, factor, above, Jitter::None), seed, 32);
            let full = waits(&config(base, factor, above, Jitter::Full), seed, 32);
            let equal = waits(&config(base, factor, above, Jitter::Equal), seed, 32);
            let decorrelated = waits(&config(base, factor, above, Jitter::Decorrelated), seed, 32);
            let mut previous = Duration::from_millis(base);
            for index in 0..plain.len() {
                prop_assert!(full[index] <= plain[index]);
                prop_assert!(equal[index] >= plain[index] / 2 && equal[index] <= plain[index]);
                prop_assert!(decorrelated[index] >= Duration::from_millis(base));
                prop_assert!(decorrelated[index] <= (previous * 3).max(Duration::from_millis(base)));
                previous = decorrelated[index];
            }
        }

        #[test]
        fn without_jitter_waits_grow_by_the_factor_up_to_the_longest(
            base in 1_u64..1_000,
            factor in 1.0_f64..10.0,
            above in 0_u64..100_000,
        ) {
            let config = config(base, factor, above, Jitter::None);
            let waits = waits(&config, 0, 16);
            prop_assert_eq!(waits[0], config.base);
            for pair in waits.windows(2) {
                let grown = pair[0].mul_f64(factor).min(config.max_delay).as_secs_f64();
                let actual = pair[1].as_secs_f64();
                prop_assert!((actual - grown).abs() <= grown * 1e-4, "{actual} for {grown}");
            }
        }
    }

    #[test]
    fn full_jitter_is_spread_evenly() {
        const WAITS: usize = 20_000;
        let config = config(1_000, 1.0, 0, Jitter::Full);
        let mut buckets = [0_usize; 10];
        let mut backoff = Backoff::with_random(&config, fastrand::Rng::with_seed(7));
        for _ in 0..WAITS {
            let share = backoff.next().as_secs_f64();
            buckets[((share * 10.0) as usize).min(9)] += 1;
        }
        // Six standard deviations of a fair draw.
        let expected = WAITS / 10;
        let allowed = (6.0 * (expected as f64 * 0.9).sqrt()) as usize;
        for (tenth, count) in buckets.into_iter().enumerate() {
            assert!(
                count.abs_diff(expected) < allowed,
                "{count} waits in tenth {tenth}"
            );
        }
    }
}
