//! One guarded call, by otelgen and by the crates that teams stack by hand. What a call guards is nothing, so that the
//! guard is all that is measured.

use std::hint::black_box;
use std::time::{Duration, Instant};

use failsafe::CircuitBreaker as _;
use opentelemetry::{KeyValue, global};
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, SdkMeterProvider};
use otelgen::TracedCircuitBreaker;

use crate::measure::{BenchError, Operation, Target, print_operations, time_operations};

const FOREVER: Duration = Duration::from_secs(3600);

/// Closed, open and contended, with telemetry on and off.
pub fn against_peers() -> Result<(), BenchError> {
    let provider = SdkMeterProvider::builder().with_periodic_exporter(InMemoryMetricExporter::default()).build();
    global::set_meter_provider(provider.clone());
    otelgen::bind_metrics();

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
    let by_hand = || {
        let start = Instant::now();
        let _ = black_box(failsafe.call(|| Ok::<u32, ()>(black_box(1))));
        calls.add(1, &attributes);
        duration.record(start.elapsed().as_secs_f64(), &attributes);
    };
    let guarded = |breaker: &TracedCircuitBreaker| {
        let _ = black_box(breaker.call(|| Ok::<u32, ()>(black_box(1))));
    };
    let of_recloser = || {
        let _ = black_box(recloser.call(|| Ok::<u32, ()>(black_box(1))));
    };

    let of_failsafe = || {
        let _ = black_box(failsafe.call(|| Ok::<u32, ()>(black_box(1))));
    };
    let of_state = || guarded(&state_only);
    let of_full = || guarded(&full);
    let of_open = || guarded(&open);

    let mut operations = [
        Operation::new("recloser, closed", 1, &of_recloser),
        Operation::new("failsafe, closed", 1, &of_failsafe),
        Operation::new("failsafe + counter + histogram by hand", 1, &by_hand),
        Operation::new("otelgen, closed, state only", 1, &of_state),
        Operation::new("otelgen, closed, counters and histogram exported", 1, &of_full),
        Operation::new("otelgen, open", 1, &of_open),
        Operation::new("recloser, closed, two threads", 2, &of_recloser),
        Operation::new("otelgen, closed, state only, two threads", 2, &of_state),
        Operation::new("otelgen, closed, exported, two threads", 2, &of_full),
    ];
    time_operations(&mut operations);
    let targets = [
        Target::new("closed, state only: no slower than recloser", 3, 0, 1.0),
        Target::new("closed, state only: 4× faster than failsafe", 3, 1, 0.25),
        Target::new("closed, exported: 4× faster than the stack by hand", 4, 2, 0.25),
        Target::new("open: under half of closed", 5, 3, 0.5),
        Target::new("state only, two threads: no slower per call than one × 1.5", 7, 3, 1.5),
        Target::new("exported, two threads: no slower per call than one × 1.5", 8, 4, 1.5),
    ];
    print_operations("A circuit breaker round a call of nothing", &operations, &targets);
    // A provider that cannot shut down has measured all the same.
    let _ = provider.shutdown();
    Ok(())
}

fn breaker(name: &str, metrics: bool) -> Result<TracedCircuitBreaker, BenchError> {
    let builder = TracedCircuitBreaker::builder(name).span(false).metrics(metrics).min_calls(1).open_for(FOREVER);
    builder.build().map_err(|error| BenchError::Setup { what: format!("the breaker `{name}`: {error}") })
}
