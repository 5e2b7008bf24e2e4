//! A number of permits and a queue for them, first come first served, for threads and tasks alike.
//! Knows nothing of time or telemetry. Model-checked below.
//!
//! Tokio's semaphore takes a lock for every permit that comes back, cannot be waited for by a thread with
//! a time limit, and does not run under loom; while nobody waits, this one is a compare-and-swap each way.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use crate::sync::{AtomicU64, Mutex, Ordering, lock};

/// Set while somebody waits, which is only while all permits are out: then nobody passes by the queue.
const WAITING: u64 = 1 << 63;

#[derive(Debug)]
pub(crate) struct Gate {
    permits: u64,
    /// Permits that are out, and [`WAITING`].
    state: AtomicU64,
    queue: Mutex<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    next: u64,
    /// By number, so the first in line is the first here. Whoever is no longer here was given a permit.
    waiting: BTreeMap<u64, Waker>,
}

/// Permission to run; gives itself back.
#[derive(Debug)]
#[must_use]
pub(crate) struct Permit<'g>(&'g Gate);

impl Drop for Permit<'_> {
    #[inline]
    fn drop(&mut self) {
        self.0.give_back();
    }
}

impl Gate {
    pub(crate) fn new(permits: u32) -> Self {
        Self {
            permits: u64::from(permits),
            state: AtomicU64::new(0),
            queue: Mutex::new(Queue::default()),
        }
    }

    /// A permit, if one is there and nobody waits for it.
    #[inline]
    pub(crate) fn try_enter(&self) -> Option<Permit<'_>> {
        let mut state = self.state.load(Ordering::Relaxed);
        // With WAITING set the number is larger than any number of permits.
        while state < self.permits {
            match self.state.compare_exchange_weak(
                state,
                state + 1,
                Ordering::Acquire,
                Ordering::Relaxed,
            ) {
                Ok(_) => return Some(Permit(self)),
                Err(changed) => state = changed,
            }
        }
        None
    }

    /// Waits in line for a permit; leaving the line is dropping the future.
    pub(crate) fn enter(&self) -> Entering<'_> {
        Entering {
            gate: self,
            place: Place::Outside,
        }
    }

    /// Waits in line for a permit, at most that long.
    pub(crate) fn enter_blocking(&self, at_most: Duration) -> Option<Permit<'_>> {
        let deadline = Instant::now().checked_add(at_most);
        let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
        let mut context = Context::from_waker(&waker);
        let mut entering = self.enter();
        loop {
            if let Poll::Ready(permit) = Pin::new(&mut entering).poll(&mut context) {
                return Some(permit);
            }
            let left = deadline?.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            std::thread::park_timeout(left);
        }
    }

    /// Permits that are out.
    pub(crate) fn in_flight(&self) -> u64 {
        self.state.load(Ordering::Relaxed) & !WAITING
    }

    /// How many wait in line.
    pub(crate) fn waiting(&self) -> usize {
        lock(&self.queue).waiting.len()
    }

    #[inline]
    fn give_back(&self) {
        let mut state = self.state.load(Ordering::Relaxed);
        while state & WAITING == 0 {
            match self.state.compare_exchange_weak(
                state,
                state.saturating_sub(1),
                Ordering::Release,
                Ordering::Relaxed,
            ) {
                Ok(_) => return,
                Err(changed) => state = changed,
            }
        }
        self.hand_over();
    }

    /// Gives the permit to the first in line; the number of permits that are out stays.
    #[cold]
    fn hand_over(&self) {
        let mut queue = lock(&self.queue);
        let first = queue.waiting.pop_first();
        // While WAITING is set the state changes under the lock only.
        if queue.waiting.is_empty() {
            self.state.fetch_and(!WAITING, Ordering::Relaxed);
        }
        if first.is_none() {
            // The last one left the line between the look at the state and the lock.
            self.state.fetch_sub(1, Ordering::Release);
        }
        drop(queue);
        if let Some((_, waker)) = first {
            waker.wake();
        }
    }

    /// A permit after all, or a place in line.
    #[cold]
    fn line_up(&self, waker: &Waker) -> Option<u64> {
        let mut queue = lock(&self.queue);
        let mut state = self.state.load(Ordering::Relaxed);
        while state & WAITING == 0 {
            let next = if state < self.permits {
                state + 1
            } else {
                // All are out, and stay so until somebody sees this bit.
                state | WAITING
            };
            match self
                .state
                .compare_exchange(state, next, Ordering::Acquire, Ordering::Relaxed)
            {
                Ok(_) if next & WAITING == 0 => return None,
                Ok(_) => break,
                Err(changed) => state = changed,
            }
        }
        let number = queue.next;
        queue.next += 1;
        queue.waiting.insert(number, waker.clone());
        Some(number)
    }
}

#[derive(Debug, Eq, PartialEq)]
enum Place {
    Outside,
    InLine(u64),
    Done,
}

/// The future of a permit.
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub(crate) struct Entering<'g> {
    gate: &'g Gate,
    place: Place,
}

impl<'g> Future for Entering<'g> {
    type Output = Permit<'g>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Permit<'g>> {
        let gate = self.gate;
        match self.place {
            Place::Outside => match gate.line_up(context.waker()) {
                Some(number) => {
                    self.place = Place::InLine(number);
                    Poll::Pending
                }
                None => {
                    self.place = Place::Done;
                    Poll::Ready(Permit(gate))
                }
            },
            Place::InLine(number) => {
                if let Some(waker) = lock(&gate.queue).waiting.get_mut(&number) {
                    waker.clone_from(context.waker());
                    return Poll::Pending;
                }
                self.place = Place::Done;
                Poll::Ready(Permit(gate))
            }
            Place::Done => Poll::Pending,
        }
    }
}

impl Drop for Entering<'_> {
    fn drop(&mut self) {
        let Place::InLine(number) = self.place else {
            return;
        };
        let mut queue = lock(&self.gate.queue);
        if queue.waiting.remove(&number).is_none() {
            // The permit was already ours.
            drop(queue);
            self.gate.give_back();
        } else if queue.waiting.is_empty() {
            self.gate.state.fetch_and(!WAITING, Ordering::Relaxed);
        }
    }
}

/// Wakes a thread.
#[derive(Debug)]
pub(crate) struct Unpark(pub(crate) std::thread::Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn poll(entering: &mut Entering<'_>) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        match Pin::new(entering).poll(&mut context) {
            Poll::Ready(permit) => {
                std::mem::forget(permit);
                true
            }
            Poll::Pending => false,
        }
    }

    #[test]
    fn the_line_is_served_in_order_and_nobody_passes_it_by() {
        let gate = Gate::new(1);
        let permit = gate.try_enter();
        assert!(permit.is_some());
        let (mut first, mut second) = (gate.enter(), gate.enter());
        assert!(!poll(&mut first));
        assert!(!poll(&mut second));
        assert_eq!(gate.waiting(), 2);
        drop(permit);
        assert!(
            gate.try_enter().is_none(),
            "the permit belongs to the first in line"
        );
        assert!(!poll(&mut second));
        assert!(poll(&mut first));
        gate.give_back();
        assert!(poll(&mut second));
        gate.give_back();
        assert_eq!(gate.in_flight(), 0);
        assert!(gate.try_enter().is_some());
    }

    #[test]
    fn who_leaves_the_line_after_being_served_gives_the_permit_on() {
        let gate = Gate::new(1);
        let permit = gate.try_enter();
        let (mut first, mut second) = (gate.enter(), gate.enter());
        assert!(!poll(&mut first));
        assert!(!poll(&mut second));
        drop(permit);
        drop(first);
        assert!(poll(&mut second));
        gate.give_back();
        assert_eq!(gate.in_flight(), 0);
        assert_eq!(gate.waiting(), 0);
    }

    #[test]
    fn a_thread_waits_no_longer_than_it_was_told() {
        let gate = Gate::new(1);
        let permit = gate.try_enter();
        assert!(gate.enter_blocking(Duration::from_millis(1)).is_none());
        assert_eq!(gate.waiting(), 0);
        drop(permit);
        assert!(gate.enter_blocking(Duration::ZERO).is_some());
    }

    #[test]
    fn a_waiting_thread_is_woken_by_a_permit() {
        let gate = Gate::new(1);
        std::thread::scope(|scope| {
            let permit = gate.try_enter();
            let waiting = scope.spawn(|| gate.enter_blocking(Duration::from_secs(60)).is_some());
            while gate.waiting() == 0 {
                std::thread::yield_now();
            }
            drop(permit);
            assert!(waiting.join().expect("the waiting thread ends"));
        });
        assert_eq!(gate.in_flight(), 0);
    }
}

/// Every interleaving of threads that enter, wait, give up and leave.
/// `RUSTFLAGS="--cfg loom" cargo test -p otelgen --lib --release loom_`
#[cfg(all(test, loom))]
mod loom_tests {
    use loom::sync::Arc;
    use loom::sync::atomic::{AtomicUsize, Ordering as Order};
    use loom::thread;

    use super::*;

    #[test]
    fn loom_never_more_than_the_permits_are_inside_and_none_is_lost() {
        loom::model(|| {
            let gate = Arc::new(Gate::new(1));
            let inside = Arc::new(AtomicUsize::new(0));
            let threads: Vec<_> = (0..2)
                .map(|_| {
                    let (gate, inside) = (Arc::clone(&gate), Arc::clone(&inside));
                    thread::spawn(move || {
                        let permit = loom::future::block_on(gate.enter());
                        assert_eq!(inside.fetch_add(1, Order::SeqCst), 0);
                        inside.fetch_sub(1, Order::SeqCst);
                        drop(permit);
                    })
                })
                .collect();
            for thread in threads {
                thread.join().expect("no thread panics");
            }
            assert_eq!(
                gate.state.load(Ordering::Relaxed),
                0,
                "no permit and no bit stays behind"
            );
        });
    }

    #[test]
    fn loom_giving_up_while_a_permit_arrives_loses_neither_permit_nor_place() {
        loom::model(|| {
            let gate = Arc::new(Gate::new(1));
            let holder = {
                let gate = Arc::clone(&gate);
                thread::spawn(move || drop(gate.try_enter()))
            };
            let quitter = {
                let gate = Arc::clone(&gate);
                thread::spawn(move || {
                    let mut entering = gate.enter();
                    let mut context = Context::from_waker(Waker::noop());
                    let permit = Pin::new(&mut entering).poll(&mut context);
                    drop(entering);
                    drop(permit);
                })
            };
            drop(loom::future::block_on(gate.enter()));
            holder.join().expect("no thread panics");
            quitter.join().expect("no thread panics");
            assert_eq!(gate.state.load(Ordering::Relaxed), 0);
            assert_eq!(gate.waiting(), 0);
        });
    }
}
