//! What a breaker does with calls, through the explicit API and a clock moved by hand.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use otelgen::{
    BreakerConfig, BreakerConfigError, BreakerState, BreakerVerdict, BreakerWindow,
    CircuitBreakerError, Clock, ManualTime, TracedCircuitBreaker, TracedCircuitBreakerBuilder,
};

fn builder() -> (TracedCircuitBreakerBuilder, ManualTime) {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let name = format!("behaviour-{}", COUNT.fetch_add(1, Ordering::Relaxed));
    let (clock, time) = Clock::manual();
    (TracedCircuitBreaker::builder(name).clock(clock), time)
}

fn built(
    set: impl FnOnce(TracedCircuitBreakerBuilder) -> TracedCircuitBreakerBuilder,
) -> (TracedCircuitBreaker, ManualTime) {
    let (builder, time) = builder();
    (set(builder).build().expect("the settings are valid"), time)
}

fn fail(breaker: &TracedCircuitBreaker) -> CircuitBreakerError<&'static str> {
    breaker
        .call(|| Err::<(), _>("down"))
        .expect_err("a failing operation fails")
}

fn succeed(breaker: &TracedCircuitBreaker) -> bool {
    breaker.call(|| Ok::<(), &str>(())).is_ok()
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn it_opens_at_the_failure_rate_and_not_before_min_calls() {
    let (breaker, _time) = built(|builder| builder.failure_rate(0.5).min_calls(4));
    fail(&breaker);
    fail(&breaker);
    fail(&breaker);
    assert_eq!(breaker.handle().state(), BreakerState::Closed);
    // Even a success completes `min_calls`: three of four failed.
    assert!(succeed(&breaker));
    assert_eq!(breaker.handle().state(), BreakerState::Open);
    assert!(fail(&breaker).is_open());
}

#[test]
fn it_stays_closed_below_the_rate() {
    let (breaker, _time) = built(|builder| builder.failure_rate(0.5).min_calls(4));
    for _ in 0..100 {
        assert!(succeed(&breaker));
        assert!(succeed(&breaker));
        fail(&breaker);
    }
    assert_eq!(breaker.handle().state(), BreakerState::Closed);
    assert_eq!(breaker.handle().snapshot().failures, 100);
}

#[test]
fn failures_leave_the_time_window_as_time_passes() {
    let (breaker, time) = built(|builder| builder.min_calls(4).window(10 * SECOND));
    fail(&breaker);
    fail(&breaker);
    fail(&breaker);
    time.advance(10 * SECOND);
    fail(&breaker);
    assert_eq!(breaker.handle().state(), BreakerState::Closed);
    let snapshot = breaker.handle().snapshot();
    assert_eq!((snapshot.calls, snapshot.failures), (1, 1));
    time.advance(10 * SECOND);
    assert_eq!(breaker.handle().snapshot().calls, 0, "without a call too");
}

#[test]
fn a_success_after_old_successes_were_evicted_opens_it() {
    let (breaker, time) = built(|builder| builder.min_calls(3).window(10 * SECOND));
    for _ in 0..4 {
        assert!(succeed(&breaker));
    }
    time.advance(5 * SECOND);
    fail(&breaker);
    fail(&breaker);
    assert_eq!(breaker.handle().state(), BreakerState::Closed, "two of six");
    time.advance(5 * SECOND);
    assert!(succeed(&breaker));
    assert_eq!(breaker.handle().state(), BreakerState::Open, "two of three");
}

#[test]
fn a_call_window_forgets_by_calls_and_never_by_time() {
    let (breaker, time) = built(|builder| builder.min_calls(4).window_calls(4));
    fail(&breaker);
    time.advance(1_000_000 * SECOND);
    assert_eq!(breaker.handle().snapshot().failures, 1);
    for _ in 0..4 {
        assert!(succeed(&breaker));
    }
    assert_eq!(breaker.handle().snapshot().failures, 0);
    fail(&breaker);
    assert_eq!(breaker.handle().state(), BreakerState::Closed);
    fail(&breaker);
    assert_eq!(breaker.handle().state(), BreakerState::Open);
}

#[test]
fn consecutive_failures_open_it_whatever_the_rate() {
    let (breaker, _time) = built(|builder| builder.consecutive(3));
    for _ in 0..50 {
        assert!(succeed(&breaker));
    }
    fail(&breaker);
    fail(&breaker);
    assert!(succeed(&breaker), "a success ends the row");
    fail(&breaker);
    fail(&breaker);
    assert_eq!(breaker.handle().state(), BreakerState::Closed);
    fail(&breaker);
    assert_eq!(breaker.handle().state(), BreakerState::Open);
}

#[test]
fn slow_calls_open_it_though_they_succeed() {
    let (breaker, time) =
        built(|builder| builder.min_calls(4).slow_call(2 * SECOND).slow_rate(0.75));
    let slow_call = || {
        time.advance(2 * SECOND);
        Ok::<(), &str>(())
    };
    assert!(breaker.call(slow_call).is_ok());
    assert!(succeed(&breaker));
    assert!(breaker.call(slow_call).is_ok());
    assert_eq!(breaker.handle().state(), BreakerState::Closed);
    assert!(breaker.call(slow_call).is_ok());
    let snapshot = breaker.handle().snapshot();
    assert_eq!(snapshot.state, BreakerState::Open);
    assert_eq!((snapshot.slow_calls, snapshot.calls), (3, 4));
    time.advance(30 * SECOND);
    assert!(breaker.call(slow_call).is_ok());
    assert_eq!(breaker.handle().state(), BreakerState::Open, "a slow probe");
}

#[test]
fn it_probes_after_open_for_and_closes_when_the_probe_succeeds() {
    let (breaker, time) = built(|builder| builder.min_calls(1).open_for(10 * SECOND));
    fail(&breaker);
    match fail(&breaker) {
        CircuitBreakerError::Open(open) => {
            assert_eq!(open.retry_after(), Some(10 * SECOND));
            assert_eq!(open.name(), breaker.name());
        }
        CircuitBreakerError::Inner(_) => panic!("the operation ran"),
    }
    time.advance(10 * SECOND);
    assert!(succeed(&breaker));
    assert_eq!(breaker.handle().state(), BreakerState::Closed);
    assert_eq!(breaker.handle().snapshot().calls, 0, "with an empty window");
}

#[test]
fn a_rejected_operation_is_never_started() {
    let (breaker, _time) = built(|builder| builder.min_calls(1));
    fail(&breaker);
    let started = breaker.call(|| -> Result<(), ()> { panic!("it was started") });
    assert!(started.is_err_and(|error| error.is_open()));
}

#[test]
fn the_judge_decides_what_counts() {
    let (breaker, _time) = built(|builder| builder.min_calls(1));
    let judge = |result: &Result<u16, &str>| match result {
        Ok(503) => BreakerVerdict::Failure,
        Err("not found") => BreakerVerdict::Success,
        Err("shutting down") => BreakerVerdict::Ignored,
        _ => BreakerVerdict::Success,
    };
    assert!(breaker.call_judged(|| Err("not found"), judge).is_err());
    assert!(breaker.call_judged(|| Err("shutting down"), judge).is_err());
    let totals = breaker.handle().snapshot().totals;
    assert_eq!((totals.success, totals.ignored), (1, 1));
    assert_eq!(breaker.call_judged(|| Ok(503), judge), Ok(503));
    assert_eq!(breaker.handle().snapshot().totals.failure, 1);
}

#[test]
fn a_panic_counts_as_a_failure_and_gives_its_permit_back() {
    let (breaker, time) = built(|builder| builder.min_calls(1).open_for(SECOND));
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        breaker.call(|| -> Result<(), ()> { panic!("inside the operation") })
    }));
    assert!(panicked.is_err());
    assert_eq!(breaker.handle().state(), BreakerState::Open);
    time.advance(SECOND);
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        breaker.call(|| -> Result<(), ()> { panic!("inside the probe") })
    }));
    assert!(panicked.is_err());
    let snapshot = breaker.handle().snapshot();
    assert_eq!((snapshot.state, snapshot.probes), (BreakerState::Open, 0));
    assert_eq!(snapshot.totals.failure, 2);
}

#[test]
fn results_of_an_earlier_state_are_counted_but_not_judged() {
    let (breaker, time) = built(|builder| builder.min_calls(2).open_for(SECOND));
    let late = breaker.call(|| {
        // While this call is under way the breaker opens and closes again.
        fail(&breaker);
        fail(&breaker);
        assert_eq!(breaker.handle().state(), BreakerState::Open);
        time.advance(SECOND);
        assert!(succeed(&breaker));
        assert_eq!(breaker.handle().state(), BreakerState::Closed);
        Err::<(), _>("late")
    });
    assert!(late.is_err());
    let snapshot = breaker.handle().snapshot();
    assert_eq!((snapshot.calls, snapshot.failures), (0, 0));
    assert_eq!(snapshot.totals.failure, 3);
    fail(&breaker);
    assert_eq!(breaker.handle().state(), BreakerState::Closed);
}

#[test]
fn a_handle_forces_resets_and_disables() {
    let (breaker, time) = built(|builder| builder.min_calls(1));
    let handle = breaker.handle();
    handle.force_open();
    time.advance(1_000 * SECOND);
    match fail(&breaker) {
        CircuitBreakerError::Open(open) => assert_eq!(open.retry_after(), None),
        CircuitBreakerError::Inner(_) => panic!("the operation ran"),
    }
    handle.force_close();
    for _ in 0..10 {
        assert!(!fail(&breaker).is_open());
    }
    assert_eq!(handle.state(), BreakerState::ForcedClosed);
    handle.disable();
    assert!(!fail(&breaker).is_open());
    handle.reset();
    assert_eq!(handle.state(), BreakerState::Closed);
    assert_eq!(handle.snapshot().calls, 0);
    fail(&breaker);
    assert_eq!(handle.state(), BreakerState::Open);
    handle.reset();
    assert!(succeed(&breaker));
}

#[test]
fn one_name_is_one_breaker_and_other_settings_are_an_error() {
    let (builder, _time) = builder();
    let first = builder
        .clone()
        .min_calls(1)
        .build()
        .expect("it is the first");
    let same = builder
        .clone()
        .min_calls(1)
        .build()
        .expect("it is the same");
    fail(&first);
    assert!(!succeed(&same));
    let error = builder
        .min_calls(2)
        .build()
        .expect_err("the settings differ");
    assert!(
        matches!(&error, BreakerConfigError::NameTaken { name, .. } if name == first.name()),
        "{error}"
    );
    assert!(error.to_string().contains("min_calls: 1"), "{error}");
}

#[test]
fn a_name_is_free_again_when_its_breaker_is_gone() {
    let (builder, _time) = builder();
    drop(builder.clone().min_calls(1).build());
    assert!(builder.min_calls(2).build().is_ok());
}

#[test]
fn broken_settings_are_refused_by_name() {
    let (builder, _time) = builder();
    let error = builder.clone().failure_rate(f64::NAN).build();
    assert!(matches!(
        error,
        Err(BreakerConfigError::Rate {
            field: "failure_rate",
            ..
        })
    ));
    let error = builder.clone().window_calls(5).min_calls(6).build();
    assert!(matches!(
        error,
        Err(BreakerConfigError::MinCallsBeyondWindow { .. })
    ));
    let error = TracedCircuitBreaker::builder(" ").build();
    assert_eq!(error.err(), Some(BreakerConfigError::EmptyName));
    let error = builder.build_keyed(0);
    assert!(matches!(
        error,
        Err(BreakerConfigError::Zero { field: "max_keys" })
    ));
}

#[test]
fn a_key_that_fails_opens_only_its_own_breaker() {
    let (builder, _time) = builder();
    let tenants = builder
        .min_calls(1)
        .build_keyed(10)
        .expect("valid settings");
    fail(&tenants.get("acme"));
    assert!(!succeed(&tenants.get("acme")));
    assert!(succeed(&tenants.get("zenith")));
    assert_eq!(tenants.len(), 2);
}

#[test]
fn keys_are_bounded_and_the_least_recently_used_makes_room() {
    let (builder, _time) = builder();
    let tenants = builder.min_calls(1).build_keyed(3).expect("valid settings");
    for tenant in ["a", "b", "c"] {
        fail(&tenants.get(tenant));
    }
    assert!(!succeed(&tenants.get("a")), "a was used last");
    let _ = tenants.get("d");
    assert_eq!(tenants.len(), 3);
    assert!(!succeed(&tenants.get("a")));
    assert!(succeed(&tenants.get("b")), "b was forgotten");
    for tenant in 0..1_000 {
        let _ = tenants.get(tenant.to_string());
    }
    assert_eq!(tenants.len(), 3);
}

#[test]
fn every_breaker_of_the_process_is_listed() {
    let (breaker, _time) = built(|builder| builder.min_calls(1));
    let (keyed, _time) = builder();
    let keyed = keyed.build_keyed(4).expect("valid settings");
    let member = keyed.get("acme");
    fail(&breaker);
    let listed = otelgen::breakers();
    let found = listed.iter().find(|handle| handle.name() == breaker.name());
    assert_eq!(found.map(|handle| handle.state()), Some(BreakerState::Open));
    let found = listed.iter().find(|handle| handle.name() == member.name());
    assert_eq!(found.and_then(|handle| handle.key()), Some("acme"));
    assert!(otelgen::breaker(breaker.name()).is_some());
    assert!(otelgen::breaker("nobody").is_none());
}

#[test]
fn two_threads_count_every_call() {
    let (breaker, _time) = built(|builder| builder.failure_rate(1.0));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for number in 0..20_000 {
                    if number % 10 == 0 {
                        fail(&breaker);
                    } else {
                        succeed(&breaker);
                    }
                }
            });
        }
    });
    let snapshot = breaker.handle().snapshot();
    assert_eq!((snapshot.calls, snapshot.failures), (40_000, 4_000));
    assert_eq!(snapshot.totals.success, 36_000);
}

#[test]
fn the_settings_can_be_seen() {
    let (breaker, _time) = built(|builder| builder.window_calls(50));
    let expected = BreakerConfig {
        window: BreakerWindow::Calls(50),
        ..BreakerConfig::DEFAULT
    };
    assert_eq!(*breaker.handle().config(), expected);
}
