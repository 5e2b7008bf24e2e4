//! Single flight: of the calls that want one key at one time, one leads and the others wait for what it
//! lands with. If the leader is dropped or unwinds, the next in line leads. Model-checked below.
//! Knows nothing of caches, time or telemetry.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, Hash, RandomState};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};

use crate::bulkhead::gate::Unpark;
use crate::sync::{Mutex, lock};

const SHARDS: usize = 16;

/// The flights of one cache, by key.
#[derive(Debug)]
pub(crate) struct Flights<K, R> {
    shards: Box<[Shard<K, R>]>,
    seed: RandomState,
}

type Shard<K, R> = Mutex<HashMap<K, Arc<Flight<R>>>>;

#[derive(Debug)]
struct Flight<R> {
    state: Mutex<State<R>>,
    /// The key was invalidated: later calls do not join, and what is landed must not be kept.
    detached: AtomicBool,
}

#[derive(Debug)]
struct State<R> {
    phase: Phase<R>,
    next: u64,
    waiting: BTreeMap<u64, Waker>,
}

#[derive(Debug)]
enum Phase<R> {
    Led,
    /// The leader left; whoever comes first leads.
    Vacant,
    Landed(Arc<R>),
}

/// What a call does after it has joined.
pub(crate) enum Role<'f, K: Hash + Eq + Clone, R> {
    Leads(Leading<'f, K, R>),
    Waits(Waiting<'f, K, R>),
}

/// What a wait ends in.
pub(crate) enum Arrival<'f, K: Hash + Eq + Clone, R> {
    Leads(Leading<'f, K, R>),
    Landed(Arc<R>),
}

impl<K: Hash + Eq + Clone, R> Flights<K, R> {
    pub(crate) fn new() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::new(HashMap::new())).collect(),
            seed: RandomState::new(),
        }
    }

    fn shard<Q: Hash + ?Sized>(&self, key: &Q) -> Option<&Shard<K, R>> {
        let index = self.seed.hash_one(key) as usize % self.shards.len().max(1);
        self.shards.get(index)
    }

    /// Joins the flight of that key, or starts it.
    pub(crate) fn join(&self, key: K) -> Role<'_, K, R> {
        let Some(shard) = self.shard(&key) else {
            return Role::Leads(self.leading(key, Flight::new()));
        };
        let mut flights = lock(shard);
        let Some(flight) = flights.get(&key).map(Arc::clone) else {
            let flight = Flight::new();
            flights.insert(key.clone(), Arc::clone(&flight));
            drop(flights);
            return Role::Leads(self.leading(key, flight));
        };
        // With the map locked, as in `vacate`: a flight that is led stays in the map.
        let vacant = {
            let mut state = lock(&flight.state);
            let vacant = matches!(state.phase, Phase::Vacant);
            if vacant {
                state.phase = Phase::Led;
            }
            vacant
        };
        drop(flights);
        if vacant {
            return Role::Leads(self.leading(key, flight));
        }
        Role::Waits(Waiting {
            flights: self,
            flight,
            key: Some(key),
            number: None,
        })
    }

    /// Starts the flight of that key, unless there is one.
    pub(crate) fn try_lead(&self, key: K) -> Option<Leading<'_, K, R>> {
        let shard = self.shard(&key)?;
        let mut flights = lock(shard);
        if flights.contains_key(&key) {
            return None;
        }
        let flight = Flight::new();
        flights.insert(key.clone(), Arc::clone(&flight));
        drop(flights);
        Some(self.leading(key, flight))
    }

    fn leading(&self, key: K, flight: Arc<Flight<R>>) -> Leading<'_, K, R> {
        Leading {
            flights: self,
            flight,
            key,
            landed: false,
        }
    }

    /// From here on calls do not join the flight of that key that is under way.
    pub(crate) fn detach<Q>(&self, key: &Q)
    where
        Q: Hash + Eq + ?Sized,
        K: std::borrow::Borrow<Q>,
    {
        let flight = self.shard(key).and_then(|shard| lock(shard).remove(key));
        if let Some(flight) = flight {
            flight.detached.store(true, Ordering::SeqCst);
        }
    }

    /// As [`Self::detach`] for every key.
    pub(crate) fn detach_all(&self) {
        for shard in &self.shards {
            for (_, flight) in lock(shard).drain() {
                flight.detached.store(true, Ordering::SeqCst);
            }
        }
    }

    /// Flights that are under way.
    #[cfg(test)]
    fn under_way(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).len()).sum()
    }

    /// Takes a flight that is over out of the map, unless another one of that key is there.
    fn forget(&self, key: &K, flight: &Arc<Flight<R>>) {
        let Some(shard) = self.shard(key) else {
            return;
        };
        let mut flights = lock(shard);
        if flights
            .get(key)
            .is_some_and(|known| Arc::ptr_eq(known, flight))
        {
            flights.remove(key);
        }
    }

    /// The leader leaves: the next in line leads, or the flight is over.
    fn vacate(&self, key: &K, flight: &Arc<Flight<R>>) {
        lock(&flight.state).phase = Phase::Vacant;
        self.pass_on(key, flight);
    }

    /// If nobody leads, the next in line may, and if nobody is in line either, the flight is over.
    fn pass_on(&self, key: &K, flight: &Arc<Flight<R>>) {
        let mut flights = self.shard(key).map(lock);
        let next = {
            let mut state = lock(&flight.state);
            if !matches!(state.phase, Phase::Vacant) {
                return;
            }
            state.waiting.pop_first()
        };
        if let Some((_, waker)) = next {
            drop(flights);
            waker.wake();
        } else if let Some(flights) = &mut flights
            && flights
                .get(key)
                .is_some_and(|known| Arc::ptr_eq(known, flight))
        {
            flights.remove(key);
        }
    }
}

impl<R> Flight<R> {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State {
                phase: Phase::Led,
                next: 0,
                waiting: BTreeMap::new(),
            }),
            detached: AtomicBool::new(false),
        })
    }
}

/// The call that does the work. Dropped without landing, it hands the lead on.
#[must_use]
pub(crate) struct Leading<'f, K: Hash + Eq + Clone, R> {
    flights: &'f Flights<K, R>,
    flight: Arc<Flight<R>>,
    key: K,
    landed: bool,
}

impl<K: Hash + Eq + Clone, R> Leading<'_, K, R> {
    /// Whether the key was invalidated since the flight began.
    pub(crate) fn is_detached(&self) -> bool {
        self.flight.detached.load(Ordering::SeqCst)
    }

    /// Ends the flight: everybody who waits gets the result.
    pub(crate) fn land(mut self, result: R) {
        self.landed = true;
        self.flights.forget(&self.key, &self.flight);
        let waiting = {
            let mut state = lock(&self.flight.state);
            state.phase = Phase::Landed(Arc::new(result));
            std::mem::take(&mut state.waiting)
        };
        for waker in waiting.into_values() {
            waker.wake();
        }
    }
}

impl<K: Hash + Eq + Clone, R> Drop for Leading<'_, K, R> {
    fn drop(&mut self) {
        if !self.landed {
            self.flights.vacate(&self.key, &self.flight);
        }
    }
}

/// The future of what the leader lands with, or of the lead.
#[must_use = "futures do nothing unless polled"]
pub(crate) struct Waiting<'f, K: Hash + Eq + Clone, R> {
    flights: &'f Flights<K, R>,
    flight: Arc<Flight<R>>,
    /// Taken when the wait is over.
    key: Option<K>,
    number: Option<u64>,
}

impl<K: Hash + Eq + Clone, R> Unpin for Waiting<'_, K, R> {}

impl<'f, K: Hash + Eq + Clone, R> Waiting<'f, K, R> {
    /// Waits with the thread.
    pub(crate) fn block(mut self) -> Arrival<'f, K, R> {
        let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
        let mut context = Context::from_waker(&waker);
        loop {
            if let Poll::Ready(arrival) = Pin::new(&mut self).poll(&mut context) {
                return arrival;
            }
            std::thread::park();
        }
    }
}

impl<'f, K: Hash + Eq + Clone, R> Future for Waiting<'f, K, R> {
    type Output = Arrival<'f, K, R>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let mut guard = lock(&this.flight.state);
        let state = &mut *guard;
        match &state.phase {
            Phase::Landed(result) => {
                let result = Arc::clone(result);
                drop(guard);
                this.key = None;
                Poll::Ready(Arrival::Landed(result))
            }
            Phase::Vacant => {
                if let Some(number) = this.number.take() {
                    state.waiting.remove(&number);
                }
                state.phase = Phase::Led;
                drop(guard);
                match this.key.take() {
                    Some(key) => {
                        let flight = Arc::clone(&this.flight);
                        Poll::Ready(Arrival::Leads(this.flights.leading(key, flight)))
                    }
                    // Polled after it was over.
                    None => Poll::Pending,
                }
            }
            Phase::Led => {
                let number = *this.number.get_or_insert_with(|| {
                    state.next += 1;
                    state.next
                });
                state.waiting.insert(number, context.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl<K: Hash + Eq + Clone, R> Drop for Waiting<'_, K, R> {
    fn drop(&mut self) {
        let Some(key) = self.key.take() else {
            return;
        };
        if let Some(number) = self.number {
            lock(&self.flight.state).waiting.remove(&number);
        }
        // It may have been this call's turn to lead.
        self.flights.pass_on(&key, &self.flight);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn leads(flights: &Flights<u8, u32>) -> Leading<'_, u8, u32> {
        match flights.join(1) {
            Role::Leads(leading) => leading,
            Role::Waits(_) => panic!("nobody else leads"),
        }
    }

    fn waits(flights: &Flights<u8, u32>) -> Waiting<'_, u8, u32> {
        match flights.join(1) {
            Role::Waits(waiting) => waiting,
            Role::Leads(_) => panic!("somebody leads already"),
        }
    }

    fn poll<'f>(waiting: &mut Waiting<'f, u8, u32>) -> Option<Arrival<'f, u8, u32>> {
        match Pin::new(waiting).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(arrival) => Some(arrival),
            Poll::Pending => None,
        }
    }

    #[test]
    fn everybody_who_waits_gets_what_the_leader_lands_with() {
        let flights = Flights::new();
        let leading = leads(&flights);
        let mut waiting = [waits(&flights), waits(&flights), waits(&flights)];
        assert!(waiting.iter_mut().all(|waiting| poll(waiting).is_none()));
        leading.land(7);
        for waiting in &mut waiting {
            assert!(matches!(poll(waiting), Some(Arrival::Landed(value)) if *value == 7));
        }
        assert_eq!(flights.under_way(), 0);
    }

    #[test]
    fn a_leader_that_is_dropped_hands_the_lead_to_one_that_waits() {
        let flights = Flights::new();
        let leading = leads(&flights);
        let (mut first, mut second) = (waits(&flights), waits(&flights));
        assert!(poll(&mut first).is_none());
        assert!(poll(&mut second).is_none());
        drop(leading);
        let Some(Arrival::Leads(leading)) = poll(&mut first) else {
            panic!("the first in line leads");
        };
        assert!(poll(&mut second).is_none(), "one leader at a time");
        leading.land(9);
        assert!(matches!(poll(&mut second), Some(Arrival::Landed(value)) if *value == 9));
    }

    #[test]
    fn the_lead_is_not_lost_with_the_one_that_was_to_have_it() {
        let flights = Flights::new();
        let leading = leads(&flights);
        let (mut first, mut second) = (waits(&flights), waits(&flights));
        assert!(poll(&mut first).is_none());
        assert!(poll(&mut second).is_none());
        drop(leading);
        drop(first);
        assert!(matches!(poll(&mut second), Some(Arrival::Leads(_))));
        drop(second);
        assert_eq!(flights.under_way(), 0);
    }

    #[test]
    fn after_an_invalidation_calls_start_a_flight_of_their_own() {
        let flights = Flights::new();
        let before = leads(&flights);
        flights.detach(&1);
        assert!(before.is_detached());
        let after = leads(&flights);
        assert!(!after.is_detached());
        before.land(1);
        assert_eq!(flights.under_way(), 1, "the later flight is still there");
        after.land(2);
        assert_eq!(flights.under_way(), 0);
    }
}

/// Every interleaving of leaders that land, leaders that leave, and those who wait for them.
/// `RUSTFLAGS="--cfg loom" cargo test -p otelgen --features cache --lib --release loom_`
#[cfg(all(test, loom))]
mod loom_tests {
    use loom::sync::atomic::{AtomicUsize, Ordering as Order};
    use loom::thread;

    use super::*;

    fn call(flights: &Flights<u8, usize>, loads: &AtomicUsize) -> usize {
        let load = |leading: Leading<'_, u8, usize>| {
            let loaded = 10 + loads.fetch_add(1, Order::SeqCst);
            leading.land(loaded);
            loaded
        };
        match flights.join(1) {
            Role::Leads(leading) => load(leading),
            Role::Waits(waiting) => match loom::future::block_on(waiting) {
                Arrival::Leads(leading) => load(leading),
                Arrival::Landed(loaded) => *loaded,
            },
        }
    }

    #[test]
    fn loom_whoever_waits_gets_what_was_landed_and_nothing_stays_behind() {
        loom::model(|| {
            let flights = Arc::new(Flights::new());
            let loads = loom::sync::Arc::new(AtomicUsize::new(0));
            let other = {
                let (flights, loads) = (Arc::clone(&flights), loads.clone());
                thread::spawn(move || call(&flights, &loads))
            };
            let mine = call(&flights, &loads);
            let theirs = other.join().expect("no thread panics");
            let loaded = loads.load(Order::SeqCst);
            assert!(loaded == 1 && mine == theirs || loaded == 2 && mine != theirs);
            assert_eq!(flights.under_way(), 0);
        });
    }

    #[test]
    fn loom_a_leader_that_leaves_is_replaced() {
        loom::model(|| {
            let flights = Arc::new(Flights::new());
            let loads = loom::sync::Arc::new(AtomicUsize::new(0));
            let Role::Leads(leading) = flights.join(1) else {
                panic!("nobody else leads");
            };
            let other = {
                let (flights, loads) = (Arc::clone(&flights), loads.clone());
                thread::spawn(move || call(&flights, &loads))
            };
            drop(leading);
            assert_eq!(other.join().expect("no thread panics"), 10);
            assert_eq!(flights.under_way(), 0);
        });
    }
}
