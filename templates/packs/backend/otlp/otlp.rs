//! Exporters that speak OTLP, over gRPC or HTTP as the environment says.

use opentelemetry_otlp::{ExporterBuildError, LogExporter, MetricExporter, SpanExporter};
use otelgen::telemetry::{Protocol, Signal};

use crate::environment::Reader;

const PROTOCOLS: &[Protocol] = &[Protocol::HttpProtobuf, Protocol::Grpc];
const ENDPOINTS: [&str; 4] = [
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
    "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT",
];

/// How each signal is sent. Where to, with which headers, and how often, is read by the exporters.
pub struct Otlp {
    traces: Option<Protocol>,
    metrics: Option<Protocol>,
    logs: Option<Protocol>,
}

impl Otlp {
    /// Reads `OTEL_EXPORTER_OTLP_PROTOCOL` and its siblings for one signal.
    pub fn read(reader: &mut Reader<'_>) -> Option<Self> {
        for variable in ENDPOINTS {
            reader.check_https(variable);
        }
        let environment = reader.environment;
        let traces = reader.accept(environment.protocol(Signal::Traces, PROTOCOLS));
        let metrics = reader.accept(environment.protocol(Signal::Metrics, PROTOCOLS));
        let logs = reader.accept(environment.protocol(Signal::Logs, PROTOCOLS));
        Some(Self {
            traces: traces?,
            metrics: metrics?,
            logs: logs?,
        })
    }

    /// Sends spans.
    pub fn spans(&self) -> Result<SpanExporter, ExporterBuildError> {
        let exporter = SpanExporter::builder();
        match self.traces {
            Some(Protocol::Grpc) => with_roots(exporter.with_tonic()).build(),
            _ => exporter.with_http().build(),
        }
    }

    /// Sends metrics.
    pub fn metrics(&self) -> Result<MetricExporter, ExporterBuildError> {
        let exporter = MetricExporter::builder();
        match self.metrics {
            Some(Protocol::Grpc) => with_roots(exporter.with_tonic()).build(),
            _ => exporter.with_http().build(),
        }
    }

    /// Sends log records.
    pub fn logs(&self) -> Result<LogExporter, ExporterBuildError> {
        let exporter = LogExporter::builder();
        match self.logs {
            Some(Protocol::Grpc) => with_roots(exporter.with_tonic()).build(),
            _ => exporter.with_http().build(),
        }
    }
}

/// The certificates that this machine trusts. The exporter over gRPC trusts none by itself.
#[cfg(feature = "tls")]
fn with_roots<B: opentelemetry_otlp::WithTonicConfig>(builder: B) -> B {
    use opentelemetry_otlp::tonic_types::transport::ClientTlsConfig;

    builder.with_tls_config(ClientTlsConfig::new().with_enabled_roots())
}

#[cfg(not(feature = "tls"))]
fn with_roots<B>(builder: B) -> B {
    builder
}
