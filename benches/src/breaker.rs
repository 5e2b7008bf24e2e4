//! One guarded call, by otelgen and by the crates that teams stack by hand. What a call guards is nothing, so that the
//! guard is all that is measured.

use std::hint::black_box;
use std::time::{Duration, Instant};

use failsafe::CircuitBreaker as _;
use opentelemetry::{KeyValue, global};
use otelgen::TracedCircuitBreaker;

use crate::functions::Exported;
use crate::measure::{Allowed, BenchError, Comparison, Operation, Target, time_operations};

const FOREVER: Duration = Duration::from_secs(3600);

const RECLOSER: &str = "recloser, closed";
const RECLOSER_TWO: &str = "recloser, closed, two threads";
const FAILSAFE: &str = "failsafe, closed";
const BY_HAND: &str = "failsafe + counter + histogram by hand";
const STATE: &str = "otelgen, closed, state only";
const FULL: &str = "otelgen, closed, counters and histogram exported";
const OPEN: &str = "otelgen, open";
const STATE_TWO: &str = "otelgen, closed, state only, two threads";
const FULL_TWO: &str = "otelgen, closed, exported, two threads";

const fn target(text: &'static str, rows: (&'static str, &'static str), times: f64) -> Target {
    Target { text, rows, allowed: Allowed::Times(times) }
}

/// Closed, open and contended, with telemetry on and off.
pub fn against_peers() -> Result<Comparison, BenchError> {
    let _exported = Exported::metrics();
    let recloser = recloser::Recloser::default();
    let failsafe = failsafe::Config::new().build();
    let state_only = breaker("state", false)?;
    let full = breaker("full", true)?;
    let open = breaker("open", false)?;
    let _ = open.call(|| Err::<u32, ()>(()));
    let meter = global::meter("by hand");
    let calls = meter.u64_counter("calls").build();
    let duration = meter.f64_histogram("duration").build();
    let attributes = [KeyValue::new("name", "payments"), KeyValue::new("outcome", "success")];

    let of_recloser = || {
        let _ = black_box(recloser.call(|| Ok::<u32, ()>(black_box(1))));
    };
    let of_failsafe = || {
        let _ = black_box(failsafe.call(|| Ok::<u32, ()>(black_box(1))));
    };
    let by_hand = || {
        let start = Instant::now();
        of_failsafe();
        calls.add(1, &attributes);
        duration.record(start.elapsed().as_secs_f64(), &attributes);
    };
    let guarded = |breaker: &TracedCircuitBreaker| {
        let _ = black_box(breaker.call(|| Ok::<u32, ()>(black_box(1))));
    };

    let rows = time_operations(vec![
        Operation::new(RECLOSER, of_recloser),
        Operation::new(FAILSAFE, of_failsafe),
        Operation::new(BY_HAND, by_hand),
        Operation::new(STATE, || guarded(&state_only)),
        Operation::new(FULL, || guarded(&full)),
        Operation::new(OPEN, || guarded(&open)),
        Operation::together(RECLOSER_TWO, 2, of_recloser),
        Operation::together(STATE_TWO, 2, || guarded(&state_only)),
        Operation::together(FULL_TWO, 2, || guarded(&full)),
    ]);
    let targets = vec![
        target("closed, state only: no slower than recloser", (STATE, RECLOSER), 1.0),
        target("closed, state only: 4× faster than failsafe", (STATE, FAILSAFE), 0.25),
        target("closed, exported: 4× faster than the stack by hand", (FULL, BY_HAND), 0.25),
        target("open: under half of closed", (OPEN, STATE), 0.5),
        target("state only, two threads: at most 1.5× of one", (STATE_TWO, STATE), 1.5),
        target("exported, two threads: at most 1.5× of one", (FULL_TWO, FULL), 1.5),
    ];
    Ok(Comparison {
        title: "A circuit breaker round a call of nothing (best of 300 alternating rounds of 4,000 calls).".to_owned(),
        rows,
        targets,
    })
}

fn breaker(name: &str, metrics: bool) -> Result<TracedCircuitBreaker, BenchError> {
    let builder = TracedCircuitBreaker::builder(name).span(false).metrics(metrics).min_calls(1).open_for(FOREVER);
    builder.build().map_err(BenchError::setup(name))
}
