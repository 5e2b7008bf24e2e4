//! What a team writes without otelgen: the peer of the generated service in the build comparison.

use std::time::Duration;

use anyhow::Result;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use axum_tracing_opentelemetry::middleware::{OtelAxumLayer, OtelInResponseLayer};
use failsafe::futures::CircuitBreaker;
use failsafe::{Config, backoff, failure_policy};
use opentelemetry::propagation::Injector;
use opentelemetry::trace::TracerProvider;
use opentelemetry::{KeyValue, global};
use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_otlp::{LogExporter, MetricExporter, SpanExporter};
use opentelemetry_sdk::logs::SdkLoggerProvider;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use serde::{Deserialize, Serialize};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::timeout::TimeoutLayer;
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::prelude::*;

#[derive(Serialize, Deserialize)]
struct Payment {
    id: String,
}

#[derive(Debug, thiserror::Error)]
enum CallError {
    #[error("the upstream cannot be reached: {0}")]
    Http(#[from] reqwest::Error),
}

type Breaker = failsafe::StateMachine<failure_policy::ConsecutiveFailures<backoff::Constant>, ()>;

#[derive(Clone)]
struct Shop {
    client: reqwest::Client,
    breaker: Breaker,
    upstream: String,
}

struct Headers<'a>(&'a mut reqwest::header::HeaderMap);

impl Injector for Headers<'_> {
    fn set(&mut self, key: &str, value: String) {
        if let (Ok(name), Ok(value)) = (reqwest::header::HeaderName::try_from(key), value.parse()) {
            self.0.insert(name, value);
        }
    }
}

impl Shop {
    #[tracing::instrument(skip(self), fields(otel.kind = "client"))]
    async fn fetch(&self, id: &str) -> Result<Payment, CallError> {
        let mut headers = reqwest::header::HeaderMap::new();
        let context = tracing::Span::current().context();
        global::get_text_map_propagator(|p| p.inject_context(&context, &mut Headers(&mut headers)));
        let url = format!("{}/payments/{id}", self.upstream);
        Ok(self.client.get(url).headers(headers).send().await?.error_for_status()?.json().await?)
    }
}

async fn payment(State(shop): State<Shop>, Path(id): Path<String>) -> Result<Json<Payment>, StatusCode> {
    let calls = global::meter("shop").u64_counter("payments.calls").build();
    match shop.breaker.call(shop.fetch(&id)).await {
        Ok(payment) => {
            calls.add(1, &[KeyValue::new("outcome", "success")]);
            Ok(Json(payment))
        }
        Err(failsafe::Error::Rejected) => Err(StatusCode::SERVICE_UNAVAILABLE),
        Err(failsafe::Error::Inner(error)) => {
            tracing::warn!(%error, "payment failed");
            Err(StatusCode::BAD_GATEWAY)
        }
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let http = std::env::var("OTEL_EXPORTER_OTLP_PROTOCOL").is_ok_and(|p| p == "http/protobuf");
    let (spans, metrics, logs) = if http {
        (
            SpanExporter::builder().with_http().build()?,
            MetricExporter::builder().with_http().build()?,
            LogExporter::builder().with_http().build()?,
        )
    } else {
        (
            SpanExporter::builder().with_tonic().build()?,
            MetricExporter::builder().with_tonic().build()?,
            LogExporter::builder().with_tonic().build()?,
        )
    };
    global::set_text_map_propagator(TraceContextPropagator::new());
    let tracer = SdkTracerProvider::builder().with_batch_exporter(spans).build();
    let meter = SdkMeterProvider::builder().with_periodic_exporter(metrics).build();
    let logger = SdkLoggerProvider::builder().with_batch_exporter(logs).build();
    global::set_meter_provider(meter.clone());
    tracing_subscriber::registry()
        .with(tracing_subscriber::EnvFilter::from_default_env())
        .with(tracing_subscriber::fmt::layer().json())
        .with(tracing_opentelemetry::layer().with_tracer(tracer.tracer("shop")))
        .with(OpenTelemetryTracingBridge::new(&logger))
        .init();

    let policy = failure_policy::consecutive_failures(5, backoff::constant(Duration::from_secs(30)));
    let shop = Shop {
        client: reqwest::Client::new(),
        breaker: Config::new().failure_policy(policy).build(),
        upstream: std::env::var("UPSTREAM_URL").unwrap_or_else(|_| "http://localhost:8081".into()),
    };
    let router = Router::new()
        .route("/payments/{id}", get(payment))
        .route("/healthz", get(|| async { "ok" }))
        .layer(OtelInResponseLayer)
        .layer(OtelAxumLayer::default())
        .layer(CatchPanicLayer::new())
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, Duration::from_secs(10)))
        .layer(RequestBodyLimitLayer::new(1 << 20))
        .with_state(shop);
    let listener = tokio::net::TcpListener::bind("0.0.0.0:8080").await?;
    axum::serve(listener, router)
        .with_graceful_shutdown(async {
            let _ = tokio::signal::ctrl_c().await;
        })
        .await?;
    tracer.shutdown()?;
    meter.shutdown()?;
    logger.shutdown()?;
    Ok(())
}
