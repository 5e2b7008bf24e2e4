//! The other metric world: what the Prometheus exporter of the `metrics` facade shows. A process of its
//! own, since the recorder is the process's.
#![cfg(feature = "metrics")]

use std::time::Duration;

use metrics_exporter_prometheus::PrometheusBuilder;
use otelgen::{Clock, TracedCircuitBreaker, traced};

#[test]
fn the_prometheus_exporter_shows_calls_states_transitions_and_durations() {
    let (clock, time) = Clock::manual();
    let breaker = TracedCircuitBreaker::builder("facade")
        .clock(clock)
        .min_calls(2)
        .build()
        .expect("valid settings");
    assert!(
        breaker.call(|| Ok::<_, &str>(())).is_ok(),
        "before a recorder is there"
    );

    let recorder = PrometheusBuilder::new().build_recorder();
    let prometheus = recorder.handle();
    metrics::set_global_recorder(recorder).expect("the only recorder");
    otelgen::bind_metrics();
    let line = |line: &str| {
        let page = prometheus.render();
        assert!(
            page.lines().any(|found| found == line),
            "no `{line}` in\n{page}"
        );
    };
    line(r#"otelgen_circuit_breaker_state{name="facade",state="closed"} 1"#);
    line(r#"otelgen_circuit_breaker_state{name="facade",state="open"} 0"#);

    assert!(breaker.call(|| Err::<(), _>("down")).is_err());
    assert!(breaker.call(|| Ok::<_, &str>(())).is_err());
    line(r#"otelgen_circuit_breaker_calls{name="facade",outcome="failure"} 1"#);
    line(r#"otelgen_circuit_breaker_calls{name="facade",outcome="rejected"} 1"#);
    line(r#"otelgen_circuit_breaker_state{name="facade",state="closed"} 0"#);
    line(r#"otelgen_circuit_breaker_state{name="facade",state="open"} 1"#);
    line(r#"otelgen_circuit_breaker_transitions{name="facade",from="closed",to="open"} 1"#);
    line(r#"otelgen_circuit_breaker_call_duration_count{name="facade",outcome="failure"} 1"#);

    time.advance(Duration::from_secs(30));
    assert!(breaker.call(|| Ok::<_, &str>(())).is_ok());
    line(r#"otelgen_circuit_breaker_calls{name="facade",outcome="success"} 1"#);
    line(r#"otelgen_circuit_breaker_state{name="facade",state="closed"} 1"#);
    line(r#"otelgen_circuit_breaker_transitions{name="facade",from="half_open",to="closed"} 1"#);

    #[traced(name = "facade.function")]
    fn function() {}
    function();
    line(r#"otelgen_function_calls{name="facade.function",outcome="success"} 1"#);
    line(r#"otelgen_function_duration_count{name="facade.function",outcome="success"} 1"#);

    let keyed = TracedCircuitBreaker::builder("facade.keyed")
        .build_keyed(4)
        .expect("valid settings");
    assert!(keyed.get("a").call(|| Ok::<_, &str>(())).is_ok());
    assert!(keyed.get("b").call(|| Ok::<_, &str>(())).is_ok());
    line(r#"otelgen_circuit_breaker_state{name="facade.keyed",state="closed"} 2"#);
    line(r#"otelgen_circuit_breaker_calls{name="facade.keyed",outcome="success"} 2"#);
    assert!(
        prometheus
            .render()
            .contains("# TYPE otelgen_circuit_breaker_calls counter")
    );
}
