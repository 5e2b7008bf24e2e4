//! One rate limit: governor's generic cell rate algorithm over our clock, and the queue in front of it.
//! Knows no telemetry.

use std::hash::Hash;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use governor::clock::Clock as GovernorClock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::time::Instant;

use crate::bulkhead::gate::Gate;
use crate::clock::{Clock, nanos};
use crate::rate_limit::config::RateLimitConfig;
use crate::rate_limit::keys::{Keys, SharedKeys};

/// Our clock as governor's: nanoseconds since the limit was made.
#[derive(Clone, Debug)]
struct Since {
    clock: Clock,
    start: u64,
}

impl GovernorClock for Since {
    type Instant = Nanos;

    #[inline]
    fn now(&self) -> Nanos {
        Nanos::from(self.clock.since(self.start))
    }
}

type Governor<K, S> = RateLimiter<K, S, Since, NoOpMiddleware<Nanos>>;

#[derive(Debug)]
pub(crate) struct Limiter {
    state: State,
    period: Duration,
    since: Since,
    /// When whoever is first in line will be served; nanoseconds.
    first_served: AtomicU64,
}

#[derive(Debug)]
enum State {
    One {
        governor: Governor<NotKeyed, InMemoryState>,
        /// Whoever waits has the gate, the others stand in line for it.
        line: Gate,
    },
    Keyed {
        governor: Governor<u64, SharedKeys>,
        keys: Arc<Keys>,
    },
}

/// What a limit said.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Answer {
    Allowed,
    /// Allowed after a wait.
    Delayed,
    /// Not before that time has passed.
    Rejected(Duration),
}

impl Limiter {
    /// A limit of valid settings.
    pub(crate) fn new(config: &RateLimitConfig, clock: Clock) -> Self {
        let period = config.period();
        let burst = NonZeroU32::new(config.burst()).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::with_period(period)
            .unwrap_or_else(|| Quota::per_second(burst))
            .allow_burst(burst);
        let since = Since {
            start: clock.stamp(),
            clock,
        };
        let state = match config.max_keys {
            None => State::One {
                governor: RateLimiter::new(quota, InMemoryState::default(), since.clone()),
                line: Gate::new(1),
            },
            Some(max_keys) => {
                let keys = Arc::new(Keys::new(max_keys as usize, nanos(period)));
                let state = SharedKeys(Arc::clone(&keys));
                State::Keyed {
                    governor: RateLimiter::new(quota, state, since.clone()),
                    keys,
                }
            }
        };
        Self {
            state,
            period,
            since,
            first_served: AtomicU64::new(0),
        }
    }

    /// What stands for the key from here on; 0 where there are none.
    #[inline]
    pub(crate) fn hash<K: Hash + ?Sized>(&self, key: &K) -> u64 {
        match &self.state {
            State::One { .. } => 0,
            State::Keyed { keys, .. } => keys.hash(key),
        }
    }

    /// Keys that are kept now.
    pub(crate) fn keys(&self) -> usize {
        match &self.state {
            State::One { .. } => 0,
            State::Keyed { keys, .. } => keys.len(),
        }
    }

    /// Lets the request pass, or says in how long it may.
    #[inline]
    pub(crate) fn check(&self, key: u64) -> Result<(), Duration> {
        match &self.state {
            State::One { governor, .. } => governor
                .check()
                .map_err(|until| until.wait_time_from(governor.clock().now())),
            State::Keyed { governor, .. } => governor
                .check_key(&key)
                .map_err(|until| until.wait_time_from(governor.clock().now())),
        }
    }

    fn line(&self) -> Option<&Gate> {
        match &self.state {
            State::One { line, .. } => Some(line),
            State::Keyed { .. } => None,
        }
    }

    /// Lets the request pass unless others wait already, which were here first.
    #[inline]
    pub(crate) fn pass(&self, key: u64) -> Result<(), Duration> {
        match self.line() {
            Some(line) if line.in_flight() > 0 => Err(self.behind(line)),
            _ => self.check(key),
        }
    }

    /// About how long it takes until the line is served.
    fn behind(&self, line: &Gate) -> Duration {
        let ahead = u32::try_from(line.waiting()).unwrap_or(u32::MAX);
        let first = self.first_served.load(Ordering::Relaxed);
        let first = Duration::from_nanos(first.saturating_sub(self.since.now().as_u64()));
        first.saturating_add(self.period.saturating_mul(ahead.saturating_add(1)))
    }

    /// Tells the line when its first one will be served.
    fn will_serve_in(&self, wait: Duration) {
        if self.line().is_some() {
            let served = self.since.now().as_u64().saturating_add(nanos(wait));
            self.first_served.store(served, Ordering::Relaxed);
        }
    }

    /// Waits for `wait` and on until the request may pass, at most `at_most` in all.
    pub(crate) async fn wait(&self, key: u64, wait: Duration, at_most: Duration) -> Answer {
        if wait > at_most {
            return Answer::Rejected(wait);
        }
        let deadline = Instant::now() + at_most;
        let _turn = match self.line() {
            None => None,
            Some(line) => match tokio::time::timeout_at(deadline, line.enter()).await {
                Ok(turn) => Some(turn),
                Err(_) => return Answer::Rejected(self.behind(line)),
            },
        };
        loop {
            let Err(wait) = self.check(key) else {
                return Answer::Delayed;
            };
            if Instant::now() + wait > deadline {
                return Answer::Rejected(wait);
            }
            self.will_serve_in(wait);
            // Below tokio's resolution a sleep is no sleep.
            tokio::time::sleep(wait.max(Duration::from_millis(1))).await;
        }
    }

    /// As [`Self::wait`], with the thread.
    pub(crate) fn wait_blocking(&self, key: u64, wait: Duration, at_most: Duration) -> Answer {
        if wait > at_most {
            return Answer::Rejected(wait);
        }
        let deadline = std::time::Instant::now() + at_most;
        let _turn = match self.line() {
            None => None,
            Some(line) => match line.enter_blocking(at_most) {
                Some(turn) => Some(turn),
                None => return Answer::Rejected(self.behind(line)),
            },
        };
        loop {
            let Err(wait) = self.check(key) else {
                return Answer::Delayed;
            };
            if std::time::Instant::now() + wait > deadline {
                return Answer::Rejected(wait);
            }
            self.will_serve_in(wait);
            std::thread::sleep(wait);
        }
    }
}
