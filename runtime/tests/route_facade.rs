//! Routes and messages in the other metric world: what the Prometheus exporter of the `metrics` facade shows.
#![cfg(all(feature = "metrics", feature = "messaging", feature = "route"))]

use metrics_exporter_prometheus::PrometheusBuilder;
use otelgen::{
    IgnoreAnswers, RouteSide, ShadowConfig, TracedConsumer, TracedProducer, TracedRoute,
};

#[derive(Debug, PartialEq)]
struct Failed;

#[test]
fn the_prometheus_exporter_shows_sides_shadows_shares_and_messages() {
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

    let route = TracedRoute::builder("facade")
        .percent(12.5)
        .shadow(ShadowConfig::DEFAULT)
        .build()
        .expect("valid settings");
    line(r#"otelgen_route_percent{name="facade"} 13"#);
    route.handle().force_legacy();
    line(r#"otelgen_route_percent{name="facade"} 0"#);
    let sides = |side| match side {
        RouteSide::Legacy => Ok(()),
        RouteSide::New => Err(Failed),
    };
    assert_eq!(route.start().run_shadowed(sides, IgnoreAnswers), Ok(()));
    while route.handle().shadows_under_way() > 0 {
        std::thread::yield_now();
    }
    route.handle().force_new();
    assert_eq!(route.start().run(sides), Err(Failed));
    line(r#"otelgen_route_percent{name="facade"} 100"#);
    line(r#"otelgen_route_calls{name="facade",route="legacy",outcome="success"} 1"#);
    line(r#"otelgen_route_calls{name="facade",route="new",outcome="failure"} 1"#);
    line(r#"otelgen_route_shadow_calls{name="facade",outcome="failure"} 1"#);
    line(r#"otelgen_route_call_duration_count{name="facade",route="legacy"} 1"#);
    line(r#"otelgen_route_shadow_duration_count{name="facade",route="new"} 1"#);

    let mut headers: Vec<(String, String)> = Vec::new();
    let producer = TracedProducer::builder("kafka", "orders");
    let producer = producer.build().expect("valid settings");
    let sent = producer.start_batch([&mut headers, &mut Vec::new()]);
    assert_eq!(sent.run(|| Ok::<_, Failed>(())), Ok(()));
    let consumer = TracedConsumer::builder("kafka", "orders").group("billing");
    let consumer = consumer.build().expect("valid settings");
    let processed = consumer.start(&headers).run(|| Ok::<_, Failed>(()));
    assert_eq!(processed, Ok(()));
    let orders = r#"messaging_system="kafka",messaging_operation_name="send",messaging_destination_name="orders""#;
    line(&format!("messaging_client_sent_messages{{{orders}}} 2"));
    line(&format!(
        r#"messaging_client_operation_duration_count{{{orders},messaging_operation_type="send"}} 1"#
    ));
    let orders = r#"messaging_system="kafka",messaging_operation_name="process",messaging_destination_name="orders",messaging_consumer_group_name="billing""#;
    line(&format!("messaging_client_consumed_messages{{{orders}}} 1"));
    line(&format!("messaging_process_duration_count{{{orders}}} 1"));
}
