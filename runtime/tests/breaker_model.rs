//! The breaker against a naive one that keeps every result and judges after each: whatever the calls
//! and the time between them, both open at the same call.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use otelgen::{BreakerConfig, BreakerState, BreakerWindow, Clock, TracedCircuitBreaker};
use proptest::prelude::*;

/// One call: milliseconds before it, whether it fails, whether it is slow.
type Call = (u64, bool, bool);

const SLOW: Duration = Duration::from_millis(500);

struct Naive {
    config: BreakerConfig,
    /// When each call ended, and how.
    results: Vec<(u64, bool, bool)>,
}

impl Naive {
    fn opens(&self) -> bool {
        let now = self.results.last().map_or(0, |result| result.0);
        let window: Vec<_> = match self.config.window {
            BreakerWindow::Calls(calls) => {
                let start = self.results.len().saturating_sub(calls as usize);
                self.results[start..].to_vec()
            }
            BreakerWindow::Time(length) => {
                let step = length.as_millis() as u64 / 10;
                let oldest = (now / step).saturating_sub(9);
                let in_window = |result: &&(u64, bool, bool)| result.0 / step >= oldest;
                self.results.iter().filter(in_window).copied().collect()
            }
        };
        let failed = window.iter().filter(|result| result.1).count() as f64;
        let slow = window.iter().filter(|result| result.2).count() as f64;
        let calls = window.len() as f64;
        let row = self
            .results
            .iter()
            .rev()
            .take_while(|result| result.1)
            .count();
        let in_a_row = self
            .config
            .consecutive
            .is_some_and(|limit| row >= limit as usize);
        let enough = window.len() >= self.config.min_calls as usize;
        in_a_row
            || enough && failed > 0.0 && failed / calls >= self.config.failure_rate
            || enough && slow > 0.0 && slow / calls >= self.config.slow_rate
    }
}

fn configs() -> impl Strategy<Value = BreakerConfig> {
    let windows = prop_oneof![
        (1_u64..20).prop_map(|tenths| BreakerWindow::Time(Duration::from_millis(tenths * 1_000))),
        (12_u32..30).prop_map(BreakerWindow::Calls),
    ];
    let rates = prop_oneof![Just(0.25), Just(0.5), Just(0.75), Just(1.0)];
    (
        windows,
        1_u32..12,
        rates.clone(),
        rates,
        proptest::option::of(2_u32..6),
    )
        .prop_map(
            |(window, min_calls, failure_rate, slow_rate, consecutive)| BreakerConfig {
                failure_rate,
                min_calls,
                window,
                consecutive,
                slow_call: Some(SLOW),
                slow_rate,
                ..BreakerConfig::DEFAULT
            },
        )
}

fn calls() -> impl Strategy<Value = Vec<Call>> {
    let waits = prop_oneof![4 => 0_u64..50, 2 => 50_u64..3_000, 1 => 3_000_u64..40_000];
    let call = (
        waits,
        proptest::bool::weighted(0.3),
        proptest::bool::weighted(0.2),
    );
    proptest::collection::vec(call, 1..120)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn both_open_at_the_same_call(config in configs(), calls in calls()) {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("model-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let (clock, time) = Clock::manual();
        let breaker = TracedCircuitBreaker::builder(name).config(config).clock(clock).build();
        let breaker = breaker.expect("the settings are valid");
        let handle = breaker.handle();
        let mut naive = Naive { config, results: Vec::new() };
        let mut now = 0;
        for (wait, failed, slow) in calls {
            time.advance(Duration::from_millis(wait));
            now += wait;
            let result = breaker.call(|| {
                if slow {
                    time.advance(SLOW);
                }
                if failed { Err("down") } else { Ok(()) }
            });
            prop_assert_eq!(result.is_err(), failed);
            now += if slow { SLOW.as_millis() as u64 } else { 0 };
            naive.results.push((now, failed, slow));
            let opened = handle.state() == BreakerState::Open;
            prop_assert_eq!(opened, naive.opens(), "after call {}", naive.results.len());
            if opened {
                break;
            }
        }
    }
}
