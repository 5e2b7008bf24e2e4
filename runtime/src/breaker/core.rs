//! One breaker: the state machine, its window and its counters put together.
//! Decides and counts; how calls are run and what is reported stands in `call` and `telemetry`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use crate::breaker::config::{BreakerConfig, BreakerWindow};
use crate::breaker::error::BreakerOpen;
use crate::breaker::machine::{Admission, Machine, Probed};
use crate::breaker::outcome::{Outcome, Timing};
use crate::breaker::state::{BreakerState, Reason, Ticket, Transition};
use crate::breaker::telemetry::BreakerMeter;
use crate::breaker::window::{CallWindow, TimeWindow, Totals};
use crate::clock::{Clock, nanos};
use crate::recorder;
use crate::shard::Counters;

/// Cells of the sharded counters: what each closed period counted (by parity), then everything else.
const CELLS: usize = 11;
const SUCCEEDED: usize = 0;
const FAILED: usize = 1;
const SLOW: usize = 2;
const PERIOD_CELLS: usize = 3;
/// Outcomes that are not in a window, at `BESIDE + outcome`.
const BESIDE: usize = 2 * PERIOD_CELLS;

#[derive(Debug)]
enum Window {
    Time(TimeWindow),
    /// One for each parity.
    Calls([CallWindow; 2]),
}

/// One breaker.
#[derive(Debug)]
pub struct Core {
    machine: Machine,
    /// When the window rolls next, or the recorder is looked at again; nanoseconds.
    wake: AtomicU64,
    window: Window,
    /// What the rates and times are measured against.
    pub(crate) config: BreakerConfig,
    slow_call: Option<u64>,
    /// Whether some duration is too short for the coarse clock.
    fine: bool,
    consecutive: AtomicU32,
    counters: Counters<CELLS>,
    pub(crate) clock: Clock,
    pub(crate) meter: Arc<BreakerMeter>,
}

/// Durations below this are measured with the fine clock.
const COARSE_ENOUGH: Duration = Duration::from_millis(100);

impl Core {
    /// A breaker of a valid configuration.
    pub(crate) fn new(
        config: BreakerConfig,
        clock: Clock,
        counters: Counters<CELLS>,
        meter: Arc<BreakerMeter>,
    ) -> Self {
        let window = match config.window {
            BreakerWindow::Time(length) => Window::Time(TimeWindow::new(nanos(length))),
            BreakerWindow::Calls(calls) => {
                Window::Calls([CallWindow::new(calls), CallWindow::new(calls)])
            }
        };
        let shortest = [config.open_for, config.half_open_timeout]
            .into_iter()
            .chain(config.slow_call)
            .chain(match config.window {
                BreakerWindow::Time(length) => Some(length / 10),
                BreakerWindow::Calls(_) => None,
            })
            .min()
            .unwrap_or_default();
        Self {
            machine: Machine::new(&config),
            wake: AtomicU64::new(0),
            window,
            slow_call: config.slow_call.map(nanos),
            fine: shortest < COARSE_ENOUGH,
            config,
            consecutive: AtomicU32::new(0),
            counters,
            clock,
            meter,
        }
    }

    pub(crate) fn name(&self) -> &'static str {
        self.meter.name()
    }

    pub(crate) fn state(&self) -> BreakerState {
        self.machine.current().state()
    }

    #[inline]
    fn now(&self) -> u64 {
        if self.fine {
            return self.fine_now();
        }
        self.clock.coarse()
    }

    #[inline(never)]
    fn fine_now(&self) -> u64 {
        self.clock.fine()
    }

    /// Whether a call may pass now; a rejection is counted. A change of state is reported in `span`.
    #[inline]
    pub(crate) fn admit(&self, span: &tracing::Span) -> Result<Ticket, BreakerOpen> {
        let ticket = self.machine.current();
        if ticket.is_closed() {
            return Ok(ticket);
        }
        self.admit_unless_closed(span)
    }

    #[inline(never)]
    fn admit_unless_closed(&self, span: &tracing::Span) -> Result<Ticket, BreakerOpen> {
        let (admission, transition) = self.machine.admit(|| self.now());
        if let Some(transition) = transition {
            span.in_scope(|| self.report(transition));
        }
        match admission {
            Admission::Passed(ticket) => Ok(ticket),
            Admission::Rejected(wait) => {
                self.counters.add(BESIDE + Outcome::Rejected.index());
                self.meter.count(Outcome::Rejected);
                let wait = wait.map(Duration::from_nanos);
                Err(BreakerOpen::new(self.name(), wait))
            }
        }
    }

    /// Starts timing, as far as anybody wants it: how, and the start.
    #[inline]
    pub(crate) fn start(&self, measured: bool) -> (Timing, u64) {
        if measured && recorder::is_active() {
            (Timing::Measured, self.clock.stamp())
        } else if self.slow_call.is_none() {
            (Timing::Untimed, 0)
        } else if self.fine {
            (Timing::Precise, self.clock.stamp())
        } else {
            (Timing::Coarse, self.clock.coarse())
        }
    }

    /// Counts a result and judges what it changes.
    ///
    /// Its arguments are single words on purpose: what is put together from parts and read as a whole
    /// right after costs more than the rest of a closed call.
    #[inline]
    pub(crate) fn settle(&self, ticket: Ticket, outcome: Outcome, timing: Timing, start: u64) {
        let slow = timing != Timing::Untimed && self.measure(outcome, timing, start);
        self.meter.count(outcome);
        let now = self.now();
        if outcome == Outcome::Success
            && !slow
            && ticket.is_plainly_closed()
            && self.machine.current() == ticket
            && now < self.wake.load(Ordering::Relaxed)
        {
            self.counters
                .add(ticket.parity() * PERIOD_CELLS + SUCCEEDED);
            if let Window::Calls(windows) = &self.window
                && let Some(window) = windows.get(ticket.parity())
            {
                window.push(false, false);
            }
            return;
        }
        self.settle_with_care(ticket, outcome, slow, now);
    }

    /// Ends timing; returns whether the call was slow.
    #[inline(never)]
    fn measure(&self, outcome: Outcome, timing: Timing, start: u64) -> bool {
        let elapsed = match timing {
            Timing::Untimed => return false,
            Timing::Coarse => self.clock.coarse().saturating_sub(start),
            Timing::Precise | Timing::Measured => self.clock.since(start),
        };
        if timing == Timing::Measured {
            self.meter.measure(outcome, elapsed);
        }
        self.is_slow(elapsed)
    }

    #[inline]
    fn is_slow(&self, elapsed: u64) -> bool {
        self.slow_call.is_some_and(|slow| elapsed >= slow)
    }

    #[cold]
    #[inline(never)]
    fn settle_with_care(&self, ticket: Ticket, outcome: Outcome, slow: bool, now: u64) {
        let transition = match ticket.state() {
            BreakerState::Closed => self.settle_counted(ticket, outcome, slow, now),
            BreakerState::HalfOpen => {
                self.counters.add(BESIDE + outcome.index());
                let probed = match outcome {
                    Outcome::Success => Probed::Succeeded { slow },
                    Outcome::Failure => Probed::Failed,
                    Outcome::Ignored | Outcome::Cancelled | Outcome::Rejected => Probed::Released,
                };
                self.machine
                    .settle_probe(ticket, probed, now, |next| self.begin_period(next, now))
            }
            _ => {
                self.counters.add(BESIDE + outcome.index());
                None
            }
        };
        if let Some(transition) = transition {
            self.report(transition);
        }
    }

    fn settle_counted(
        &self,
        ticket: Ticket,
        outcome: Outcome,
        slow: bool,
        now: u64,
    ) -> Option<Transition> {
        let current = self.machine.current();
        let failed = match outcome {
            Outcome::Success => false,
            Outcome::Failure => true,
            Outcome::Ignored | Outcome::Rejected | Outcome::Cancelled => {
                self.counters.add(BESIDE + outcome.index());
                return None;
            }
        };
        if !current.same_generation(ticket) {
            // Late: it says something about a time that has been judged.
            self.counters.add(BESIDE + outcome.index());
            return None;
        }
        let parity = ticket.parity();
        if now >= self.wake.load(Ordering::Relaxed) {
            self.wake_up(parity, now);
        }
        let cells = parity * PERIOD_CELLS;
        self.counters
            .add(cells + if failed { FAILED } else { SUCCEEDED });
        if slow {
            self.counters.add(cells + SLOW);
        }
        if let Window::Calls(windows) = &self.window
            && let Some(window) = windows.get(parity)
        {
            window.push(failed, slow);
        }
        let in_a_row = if failed {
            self.consecutive
                .fetch_add(1, Ordering::AcqRel)
                .saturating_add(1)
        } else {
            self.consecutive.store(0, Ordering::Release);
            0
        };
        self.judge(ticket, in_a_row, now)
    }

    /// Opens the breaker if the window says so.
    fn judge(&self, ticket: Ticket, in_a_row: u32, now: u64) -> Option<Transition> {
        let counts_rows = self.config.consecutive.is_some();
        if self
            .config
            .consecutive
            .is_some_and(|limit| in_a_row >= limit)
        {
            return self.machine.trip(ticket, now, Reason::Consecutive);
        }
        let sum = self.windowed(ticket.parity());
        let enough = sum.calls() >= u64::from(self.config.min_calls);
        if enough && sum.failed > 0 && sum.failure_rate() >= self.config.failure_rate {
            return self.machine.trip(ticket, now, Reason::FailureRate);
        }
        if enough && sum.slow > 0 && sum.slow_rate() >= self.config.slow_rate {
            return self.machine.trip(ticket, now, Reason::SlowRate);
        }
        // A success can only lower a rate, except that it may complete `min_calls`; and it ends a row.
        let undecided = !enough && (sum.failed > 0 || sum.slow > 0);
        self.machine
            .watch(ticket, undecided || (counts_rows && in_a_row > 0));
        None
    }

    /// What the window of this parity holds.
    fn windowed(&self, parity: usize) -> Totals {
        match &self.window {
            Window::Time(window) => window.sum(self.period(parity)),
            Window::Calls(windows) => windows.get(parity).map(CallWindow::sum).unwrap_or_default(),
        }
    }

    /// Everything counted under this parity.
    fn period(&self, parity: usize) -> Totals {
        let cells = parity * PERIOD_CELLS;
        Totals {
            succeeded: self.counters.sum(cells + SUCCEEDED),
            failed: self.counters.sum(cells + FAILED),
            slow: self.counters.sum(cells + SLOW),
        }
    }

    fn wake_up(&self, parity: usize, now: u64) {
        let roll_at = match &self.window {
            Window::Time(window) => window.roll(now, self.period(parity)),
            Window::Calls(_) => u64::MAX,
        };
        self.sleep(now, roll_at);
    }

    fn sleep(&self, now: u64, roll_at: u64) {
        let look_again = now.saturating_add(recorder::look());
        self.wake.store(roll_at.min(look_again), Ordering::Relaxed);
    }

    /// Empties the window that the closed period of `next` will use.
    fn begin_period(&self, next: Ticket, now: u64) {
        self.consecutive.store(0, Ordering::Release);
        let parity = next.parity();
        match &self.window {
            Window::Time(window) => window.clear(now, self.period(parity)),
            Window::Calls(windows) => {
                if let Some(window) = windows.get(parity) {
                    window.clear();
                }
            }
        }
        self.wake.store(0, Ordering::Relaxed);
    }

    /// Puts the breaker into `state` by hand.
    pub(crate) fn force(&self, state: BreakerState) {
        let now = self.now();
        let transition = self
            .machine
            .force(state, |next| self.begin_period(next, now));
        if let Some(transition) = transition {
            self.report(transition);
        }
    }

    fn report(&self, transition: Transition) {
        recorder::look();
        self.meter.transition(transition);
        let sum = self.windowed(self.machine.current().parity());
        crate::breaker::telemetry::log(self.name(), transition, sum);
    }

    /// Calls that ended so since the breaker was made.
    pub(crate) fn total(&self, outcome: Outcome) -> u64 {
        let beside = self.counters.sum(BESIDE + outcome.index());
        let cell = match outcome {
            Outcome::Success => SUCCEEDED,
            Outcome::Failure => FAILED,
            Outcome::Ignored | Outcome::Rejected | Outcome::Cancelled => return beside,
        };
        beside
            .wrapping_add(self.counters.sum(cell))
            .wrapping_add(self.counters.sum(PERIOD_CELLS + cell))
    }

    /// What the current window holds, now.
    pub(crate) fn window_now(&self) -> Totals {
        let parity = self.machine.current().parity();
        if let Window::Time(window) = &self.window {
            window.roll(self.now(), self.period(parity));
        }
        self.windowed(parity)
    }

    pub(crate) fn opens_in(&self) -> Option<Duration> {
        self.machine.opens_in(self.now()).map(Duration::from_nanos)
    }

    pub(crate) fn probes_under_way(&self) -> u32 {
        self.machine.probes_under_way()
    }
}
