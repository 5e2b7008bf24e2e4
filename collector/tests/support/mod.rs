//! A service that emits one trace, three metrics and one log record through the real exporters.
#![allow(dead_code, reason = "each test file takes what it needs")]

use std::time::Duration;

use opentelemetry::logs::{AnyValue, LogRecord as _, Logger as _, LoggerProvider as _, Severity};
use opentelemetry::metrics::MeterProvider as _;
use opentelemetry::trace::{Span as _, SpanKind, Status, TraceContextExt as _, Tracer as _, TracerProvider as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::{
    Compression, LogExporter, MetricExporter, Protocol, SpanExporter, WithExportConfig, WithHttpConfig, WithTonicConfig,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::logs::SdkLoggerProvider;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use otelgen_collector::Collector;

pub const PATIENCE: Duration = Duration::from_secs(20);

/// How a service sends its telemetry.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    pub protocol: Protocol,
    pub gzip: bool,
}

/// Runs the service to its end: all it emits is exported when this returns.
pub async fn emit(collector: &Collector, service: &'static str, route: Route) {
    let endpoint = match route.protocol {
        Protocol::Grpc => collector.grpc_endpoint(),
        _ => collector.http_endpoint(),
    };
    let runtime = tokio::runtime::Handle::current();
    tokio::task::spawn_blocking(move || {
        let _runtime = runtime.enter();
        emit_blocking(&endpoint, service, route);
    })
    .await
    .unwrap();
}

macro_rules! exporter {
    ($exporter:ident, $endpoint:expr, $path:literal, $route:expr) => {{
        let gzip = $route.gzip.then_some(Compression::Gzip);
        if matches!($route.protocol, Protocol::Grpc) {
            let mut builder = $exporter::builder().with_tonic().with_endpoint($endpoint);
            if let Some(gzip) = gzip {
                builder = builder.with_compression(gzip);
            }
            builder.build().unwrap()
        } else {
            let endpoint = format!("{}/v1/{}", $endpoint, $path);
            let mut builder = $exporter::builder().with_http().with_protocol($route.protocol).with_endpoint(endpoint);
            if let Some(gzip) = gzip {
                builder = builder.with_compression(gzip);
            }
            builder.build().unwrap()
        }
    }};
}

fn emit_blocking(endpoint: &str, service: &'static str, route: Route) {
    let resource = Resource::builder().with_service_name(service).build();
    let traces = SdkTracerProvider::builder()
        .with_batch_exporter(exporter!(SpanExporter, endpoint, "traces", route))
        .with_resource(resource.clone())
        .build();
    let metrics = SdkMeterProvider::builder()
        .with_periodic_exporter(exporter!(MetricExporter, endpoint, "metrics", route))
        .with_resource(resource.clone())
        .build();
    let logs = SdkLoggerProvider::builder()
        .with_batch_exporter(exporter!(LogExporter, endpoint, "logs", route))
        .with_resource(resource)
        .build();

    let tracer = traces.tracer("orders");
    let mut server = tracer
        .span_builder("GET /orders/{id}")
        .with_kind(SpanKind::Server)
        .with_attributes([KeyValue::new("http.response.status_code", 500)])
        .start(&tracer);
    server.set_status(Status::error("no stock"));
    let context = Context::new().with_span(server);
    let mut client = tracer.span_builder("GET").with_kind(SpanKind::Client).start_with_context(&tracer, &context);
    client.add_event("retry", vec![KeyValue::new("attempt", 2)]);
    client.end();

    let guard = context.clone().attach();
    let logger = logs.logger("orders");
    let mut record = logger.create_log_record();
    record.set_severity_number(Severity::Warn);
    record.set_body(AnyValue::from("out of stock"));
    record.add_attribute("order.id", 42);
    logger.emit(record);
    drop(guard);
    context.span().end();

    let meter = metrics.meter("orders");
    let calls = meter.u64_counter("orders.calls").with_unit("{call}").build();
    calls.add(2, &[KeyValue::new("outcome", "success")]);
    calls.add(3, &[KeyValue::new("outcome", "failure")]);
    meter.f64_histogram("orders.duration").with_unit("s").build().record(0.25, &[]);
    meter.i64_up_down_counter("orders.open").build().add(-7, &[]);

    traces.shutdown().unwrap();
    metrics.shutdown().unwrap();
    logs.shutdown().unwrap();
}
