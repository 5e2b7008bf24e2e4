use super::*;
use std::collections::VecDeque;

use proptest::prelude::*;

/// One result after some time: nanoseconds, failed, slow.
fn results() -> impl Strategy<Value = Vec<(u64, bool, bool)>> {
    proptest::collection::vec((0u64..40, any::<bool>(), any::<bool>()), 1..200)
}

fn count(results: impl Iterator<Item = (bool, bool)>) -> Totals {
    results.fold(Totals::default(), |totals, (failed, slow)| Totals {
        succeeded: totals.succeeded + u64::from(!failed),
        failed: totals.failed + u64::from(failed),
        slow: totals.slow + u64::from(slow),
    })
}

proptest! {
    #[test]
    fn a_time_window_holds_the_results_of_its_last_steps(results in results()) {
        // Ten steps of 10 ns.
        let window = TimeWindow::new(100);
        let mut now = 1_000;
        let mut totals = Totals::default();
        window.clear(now, totals);
        let mut seen: Vec<(u64, bool, bool)> = Vec::new();
        for (wait, failed, slow) in results {
            now += wait;
            let next = window.roll(now, totals);
            prop_assert!(next > now && next <= now + 10);
            seen.push((now, failed, slow));
            totals = count(seen.iter().map(|(_, failed, slow)| (*failed, *slow)));
            let oldest_step = now / 10 - 9;
            let expected = count(
                seen.iter()
                    .filter(|(at, _, _)| at / 10 >= oldest_step)
                    .map(|(_, failed, slow)| (*failed, *slow)),
            );
            prop_assert_eq!(window.sum(totals), expected);
        }
    }

    #[test]
    fn nothing_older_than_the_window_and_everything_younger_than_nine_tenths_counts(
        age in 0u64..300,
        start in 0u64..1_000,
    ) {
        let window = TimeWindow::new(100);
        let start = start + 1_000;
        window.clear(start, Totals::default());
        let failure = Totals { failed: 1, ..Totals::default() };
        window.roll(start + age, failure);
        let counted = window.sum(failure).failed;
        if age >= 100 {
            prop_assert_eq!(counted, 0);
        } else if age <= 90 {
            prop_assert_eq!(counted, 1);
        }
    }

    #[test]
    fn a_call_window_holds_its_last_results(results in results(), size in 1u32..50) {
        let window = CallWindow::new(size);
        let mut last: VecDeque<(bool, bool)> = VecDeque::new();
        for (_, failed, slow) in results {
            window.push(failed, slow);
            last.push_back((failed, slow));
            if last.len() > size as usize {
                last.pop_front();
            }
            prop_assert_eq!(window.sum(), count(last.iter().copied()));
        }
        window.clear();
        prop_assert_eq!(window.sum(), Totals::default());
    }
}

#[test]
fn a_cleared_time_window_forgets_and_keeps_rolling() {
    let window = TimeWindow::new(100);
    let failures = Totals {
        failed: 7,
        ..Totals::default()
    };
    window.roll(500, Totals::default());
    assert_eq!(window.sum(failures).failed, 7);
    window.clear(505, failures);
    assert_eq!(window.sum(failures).failed, 0);
}

#[test]
fn rates_of_nothing_are_zero() {
    assert_eq!(Totals::default().failure_rate(), 0.0);
    assert_eq!(Totals::default().slow_rate(), 0.0);
}
