use super::*;
use std::time::Duration;

fn machine(change: impl FnOnce(&mut BreakerConfig)) -> Machine {
    let mut config = BreakerConfig {
        open_for: Duration::from_nanos(100),
        half_open_timeout: Duration::from_nanos(50),
        ..BreakerConfig::DEFAULT
    };
    change(&mut config);
    Machine::new(&config)
}

fn counted(machine: &Machine) -> Ticket {
    match machine.admit(|| 0) {
        (Admission::Passed(ticket), None) if ticket.is_closed() => ticket,
        other => panic!("a closed breaker counts calls, this one said {other:?}"),
    }
}

fn probe(machine: &Machine, now: u64) -> Ticket {
    match machine.admit(|| now).0 {
        Admission::Passed(ticket) if is_probe(ticket) => ticket,
        other => panic!("expected a probe, got {other:?}"),
    }
}

fn is_probe(ticket: Ticket) -> bool {
    ticket.state() == BreakerState::HalfOpen
}

fn settle(machine: &Machine, ticket: Ticket, probed: Probed, now: u64) -> Option<BreakerState> {
    machine
        .settle_probe(ticket, probed, now, |_| {})
        .map(|transition| transition.to)
}

const SUCCEEDED: Probed = Probed::Succeeded { slow: false };

#[cfg(not(loom))]
mod in_sequence {
    use super::*;

    fn opened(change: impl FnOnce(&mut BreakerConfig)) -> Machine {
        let machine = machine(change);
        let ticket = counted(&machine);
        assert!(machine.trip(ticket, 0, Reason::FailureRate).is_some());
        machine
    }

    #[test]
    fn a_closed_breaker_opens_once_for_all_calls_of_a_generation() {
        let machine = machine(|_| {});
        let (first, second) = (counted(&machine), counted(&machine));
        let transition = machine.trip(first, 0, Reason::FailureRate);
        assert_eq!(
            transition.map(|transition| transition.to),
            Some(BreakerState::Open)
        );
        assert_eq!(machine.trip(second, 0, Reason::FailureRate), None);
    }

    #[test]
    fn an_open_breaker_rejects_until_its_time_is_over_and_says_for_how_long() {
        let machine = opened(|_| {});
        assert_eq!(machine.admit(|| 60), (Admission::Rejected(Some(40)), None));
        assert_eq!(machine.opens_in(60), Some(40));
        let (admission, transition) = machine.admit(|| 100);
        assert!(matches!(admission, Admission::Passed(ticket) if is_probe(ticket)));
        assert_eq!(
            transition.map(|transition| transition.reason),
            Some(Reason::OpenElapsed)
        );
    }

    #[test]
    fn probes_are_limited_and_a_released_permit_is_free_again() {
        let machine = opened(|config| config.half_open_permits = 2);
        let first = probe(&machine, 100);
        let _second = probe(&machine, 100);
        assert_eq!(machine.admit(|| 100), (Admission::Rejected(None), None));
        assert_eq!(machine.probes_under_way(), 2);
        assert_eq!(settle(&machine, first, Probed::Released, 101), None);
        assert_eq!(machine.probes_under_way(), 1);
        let _third = probe(&machine, 101);
    }

    #[test]
    fn all_probes_must_succeed_and_one_failure_opens_again() {
        let machine = opened(|config| config.half_open_permits = 2);
        let (first, second) = (probe(&machine, 100), probe(&machine, 100));
        assert_eq!(settle(&machine, first, SUCCEEDED, 101), None);
        assert_eq!(machine.admit(|| 102).0, Admission::Rejected(None));
        assert_eq!(
            settle(&machine, second, SUCCEEDED, 103),
            Some(BreakerState::Closed)
        );

        let machine = opened(|config| config.half_open_permits = 2);
        let (first, second) = (probe(&machine, 100), probe(&machine, 100));
        assert_eq!(
            settle(&machine, first, Probed::Failed, 101),
            Some(BreakerState::Open)
        );
        assert_eq!(settle(&machine, second, SUCCEEDED, 102), None);
        assert_eq!(machine.current().state(), BreakerState::Open);
        assert_eq!(machine.admit(|| 102).0, Admission::Rejected(Some(99)));
    }

    #[test]
    fn slow_probes_open_again() {
        let machine = opened(|_| {});
        let ticket = probe(&machine, 100);
        let slow = Probed::Succeeded { slow: true };
        assert_eq!(
            settle(&machine, ticket, slow, 101),
            Some(BreakerState::Open)
        );
    }

    #[test]
    fn a_probe_that_never_settles_times_out_and_its_late_result_changes_nothing() {
        let machine = opened(|_| {});
        let lost = probe(&machine, 100);
        assert_eq!(machine.admit(|| 149), (Admission::Rejected(None), None));
        let (admission, transition) = machine.admit(|| 150);
        assert_eq!(admission, Admission::Rejected(Some(100)));
        assert_eq!(
            transition.map(|transition| transition.reason),
            Some(Reason::ProbeTimedOut)
        );
        assert_eq!(settle(&machine, lost, SUCCEEDED, 151), None);
        assert_eq!(machine.current().state(), BreakerState::Open);
    }

    #[test]
    fn each_opening_lasts_longer_up_to_the_longest_and_closing_starts_over() {
        let machine = opened(|config| {
            config.open_backoff = 2.0;
            config.open_max = Duration::from_nanos(350);
        });
        let mut now = 100;
        for length in [200, 350, 350] {
            let ticket = probe(&machine, now);
            settle(&machine, ticket, Probed::Failed, now);
            assert_eq!(machine.opens_in(now), Some(length));
            now += length;
        }
        let ticket = probe(&machine, now);
        assert_eq!(
            settle(&machine, ticket, SUCCEEDED, now),
            Some(BreakerState::Closed)
        );
        let ticket = machine.current();
        assert!(machine.trip(ticket, now, Reason::FailureRate).is_some());
        assert_eq!(machine.opens_in(now), Some(100));
    }

    #[test]
    fn each_closed_period_counts_into_the_other_cells() {
        let machine = opened(|_| {});
        let first = machine.current().parity();
        let ticket = probe(&machine, 100);
        let mut told = None;
        machine.settle_probe(ticket, SUCCEEDED, 101, |next| told = Some(next.parity()));
        assert_eq!(machine.current().parity(), 1 - first);
        assert_eq!(told, Some(1 - first));
    }

    #[test]
    fn what_is_forced_stays_until_it_is_reset() {
        let machine = machine(|_| {});
        assert!(machine.force(BreakerState::ForcedOpen, |_| {}).is_some());
        assert_eq!(machine.admit(|| u64::MAX).0, Admission::Rejected(None));
        assert_eq!(machine.force(BreakerState::ForcedOpen, |_| {}), None);
        assert!(machine.force(BreakerState::Disabled, |_| {}).is_some());
        assert!(matches!(machine.admit(|| 0).0, Admission::Passed(ticket) if !ticket.is_closed()));
        assert!(machine.force(BreakerState::ForcedClosed, |_| {}).is_some());
        assert!(matches!(machine.admit(|| 0).0, Admission::Passed(ticket) if !ticket.is_closed()));
        assert!(machine.force(BreakerState::Closed, |_| {}).is_some());
        let _ = counted(&machine);
    }

    #[test]
    fn a_reset_of_a_closed_breaker_ends_the_generation_without_a_transition() {
        let machine = machine(|_| {});
        let before = counted(&machine);
        assert_eq!(machine.force(BreakerState::Closed, |_| {}), None);
        assert!(!machine.current().same_generation(before));
        assert_eq!(machine.trip(before, 0, Reason::FailureRate), None);
    }

    #[test]
    fn watching_keeps_the_generation_and_marks_the_word() {
        let machine = machine(|_| {});
        let ticket = counted(&machine);
        machine.watch(ticket, true);
        assert_ne!(machine.current(), ticket);
        assert!(machine.current().same_generation(ticket));
        machine.watch(ticket, false);
        assert_eq!(machine.current(), ticket);
    }
}

/// Every interleaving of two threads: `RUSTFLAGS="--cfg loom" cargo test -p otelgen --release --lib loom`.
#[cfg(loom)]
mod loom_models {
    use super::*;
    use loom::sync::Arc;
    use loom::thread;

    fn shared() -> Arc<Machine> {
        Arc::new(machine(|_| {}))
    }

    fn opened() -> Arc<Machine> {
        let machine = shared();
        let ticket = counted(&machine);
        let _ = machine.trip(ticket, 0, Reason::FailureRate);
        machine
    }

    /// Runs both at once and returns what each returned.
    fn race<A, B>(
        machine: &Arc<Machine>,
        left: impl FnOnce(&Machine) -> A + 'static,
        right: impl FnOnce(&Machine) -> B,
    ) -> (A, B)
    where
        A: 'static,
    {
        let shared = Arc::clone(machine);
        let thread = thread::spawn(move || left(&shared));
        let right = right(machine);
        (thread.join().expect("the thread returns"), right)
    }

    fn probes(admissions: [&Admission; 2]) -> usize {
        let is_probe = |admission: &&&Admission| matches!(admission, Admission::Passed(ticket) if is_probe(*ticket));
        admissions.iter().filter(is_probe).count()
    }

    #[test]
    fn loom_two_failures_open_once() {
        loom::model(|| {
            let machine = shared();
            let (first, second) = (counted(&machine), counted(&machine));
            let (left, right) = race(
                &machine,
                move |machine| machine.trip(first, 0, Reason::FailureRate),
                |machine| machine.trip(second, 0, Reason::FailureRate),
            );
            assert!(left.is_some() != right.is_some());
            assert_eq!(machine.current().state(), BreakerState::Open);
        });
    }

    #[test]
    fn loom_one_permit_lets_one_probe_through() {
        loom::model(|| {
            let machine = opened();
            let (left, right) = race(
                &machine,
                |machine| machine.admit(|| 100),
                |machine| machine.admit(|| 100),
            );
            assert_eq!(probes([&left.0, &right.0]), 1);
            assert!(
                left.1.is_some() != right.1.is_some(),
                "one of them reports it"
            );
            assert_eq!(machine.probes_under_way(), 1);
        });
    }

    #[test]
    fn loom_a_released_permit_is_never_lost_nor_doubled() {
        loom::model(|| {
            let machine = opened();
            let ticket = probe(&machine, 100);
            let ((), right) = race(
                &machine,
                move |machine| {
                    settle(machine, ticket, Probed::Released, 101);
                },
                |machine| machine.admit(|| 101).0,
            );
            let taken = u32::from(matches!(right, Admission::Passed(ticket) if is_probe(ticket)));
            assert_eq!(machine.probes_under_way(), taken);
        });
    }

    #[test]
    fn loom_a_settled_probe_and_a_timeout_agree_on_one_ending() {
        loom::model(|| {
            let machine = opened();
            let ticket = probe(&machine, 100);
            let (left, right) = race(
                &machine,
                move |machine| settle(machine, ticket, SUCCEEDED, 150),
                |machine| machine.admit(|| 150),
            );
            let timed_out = right.1.is_some();
            assert!(left.is_some() != timed_out);
            let state = machine.current().state();
            assert_eq!(state == BreakerState::Open, timed_out);
            assert_eq!(state == BreakerState::Closed, !timed_out);
        });
    }

    #[test]
    fn loom_an_opening_is_seen_with_its_end() {
        loom::model(|| {
            let machine = shared();
            let ticket = counted(&machine);
            let (_, right) = race(
                &machine,
                move |machine| machine.trip(ticket, 10, Reason::FailureRate),
                |machine| machine.admit(|| 11).0,
            );
            let consistent = matches!(right, Admission::Passed(_) | Admission::Rejected(Some(99)));
            assert!(consistent, "{right:?}");
        });
    }

    #[test]
    fn loom_an_order_by_hand_is_not_undone_by_a_result() {
        loom::model(|| {
            let machine = opened();
            let ticket = probe(&machine, 100);
            let (_, forced) = race(
                &machine,
                move |machine| settle(machine, ticket, SUCCEEDED, 101),
                |machine| machine.force(BreakerState::ForcedOpen, |_| {}),
            );
            assert!(forced.is_some());
            assert_eq!(machine.current().state(), BreakerState::ForcedOpen);
        });
    }

    #[test]
    fn loom_a_watch_mark_never_brings_an_old_state_back() {
        loom::model(|| {
            let machine = shared();
            let ticket = counted(&machine);
            race(
                &machine,
                move |machine| machine.watch(ticket, true),
                |machine| machine.trip(ticket, 0, Reason::FailureRate),
            );
            assert_eq!(machine.current().state(), BreakerState::Open);
        });
    }

    #[test]
    fn loom_a_new_closed_period_is_emptied_before_it_is_seen() {
        loom::model(|| {
            let machine = opened();
            let ticket = probe(&machine, 100);
            let cleared = Arc::new(AtomicU64::new(0));
            let mark = Arc::clone(&cleared);
            let (_, right) = race(
                &machine,
                move |machine| {
                    let clear = |_| mark.store(1, Ordering::Relaxed);
                    machine
                        .settle_probe(ticket, SUCCEEDED, 101, clear)
                        .is_some()
                },
                |machine| machine.admit(|| 101).0,
            );
            if matches!(right, Admission::Passed(ticket) if ticket.is_closed()) {
                assert_eq!(cleared.load(Ordering::Relaxed), 1);
            }
        });
    }
}
