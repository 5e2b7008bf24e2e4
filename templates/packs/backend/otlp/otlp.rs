//! Exporters that speak OTLP, over gRPC or HTTP as the environment says.

use opentelemetry_otlp::{LogExporter, MetricExporter, SpanExporter};
use otelgen::telemetry::{Protocol, Signal};

use crate::environment::Reader;

const PROTOCOLS: &[Protocol] = &[Protocol::HttpProtobuf, Protocol::Grpc];
const TLS: bool = cfg!(feature = "tls");

/// How each signal is sent. Where to, with which headers, and how often, is read by the exporters.
pub struct Otlp {
    traces: Transport,
    metrics: Transport,
    logs: Transport,
}

impl Otlp {
    /// Reads `OTEL_EXPORTER_OTLP_PROTOCOL`, `_CERTIFICATE` and their siblings for one signal, and checks what the
    /// exporters read.
    pub fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let checked = reader.accept_all(reader.environment.check_otlp(TLS));
        let traces = Transport::read(reader, Signal::Traces);
        let metrics = Transport::read(reader, Signal::Metrics);
        let logs = Transport::read(reader, Signal::Logs);
        checked?;
        Some(Self {
            traces: traces?,
            metrics: metrics?,
            logs: logs?,
        })
    }

    /// Sends spans.
    pub fn spans(&self) -> anyhow::Result<SpanExporter> {
        let exporter = SpanExporter::builder();
        Ok(match self.traces.protocol {
            Some(Protocol::Grpc) => self.traces.grpc(exporter.with_tonic()).build()?,
            _ => self.traces.http(exporter.with_http())?.build()?,
        })
    }

    /// Sends metrics.
    pub fn metrics(&self) -> anyhow::Result<MetricExporter> {
        let exporter = MetricExporter::builder();
        Ok(match self.metrics.protocol {
            Some(Protocol::Grpc) => self.metrics.grpc(exporter.with_tonic()).build()?,
            _ => self.metrics.http(exporter.with_http())?.build()?,
        })
    }

    /// Sends log records.
    pub fn logs(&self) -> anyhow::Result<LogExporter> {
        let exporter = LogExporter::builder();
        Ok(match self.logs.protocol {
            Some(Protocol::Grpc) => self.logs.grpc(exporter.with_tonic()).build()?,
            _ => self.logs.http(exporter.with_http())?.build()?,
        })
    }
}

/// The way of one signal.
struct Transport {
    protocol: Option<Protocol>,
    #[cfg(feature = "tls")]
    certificates: Option<Vec<u8>>,
    #[cfg(feature = "tls")]
    timeout: std::time::Duration,
}

impl Transport {
    fn read(reader: &mut Reader<'_>, signal: Signal) -> Option<Self> {
        let environment = reader.environment;
        let protocol = reader.accept(environment.protocol(signal, PROTOCOLS));
        let certificates = reader.accept(environment.otlp_certificate(signal, TLS));
        certificates.as_ref()?;
        Some(Self {
            protocol: protocol?,
            #[cfg(feature = "tls")]
            certificates: certificates?,
            #[cfg(feature = "tls")]
            timeout: environment.otlp_timeout(signal),
        })
    }
}

/// Whom exporters trust: the certificates that the environment names, else those that this machine trusts. The exporter
/// over gRPC trusts none by itself.
#[cfg(feature = "tls")]
impl Transport {
    fn grpc<B: opentelemetry_otlp::WithTonicConfig>(&self, builder: B) -> B {
        use opentelemetry_otlp::tonic_types::transport::{Certificate, ClientTlsConfig};

        let tls = ClientTlsConfig::new();
        builder.with_tls_config(match &self.certificates {
            Some(pem) => tls.ca_certificate(Certificate::from_pem(pem)),
            None => tls.with_enabled_roots(),
        })
    }

    fn http<B: opentelemetry_otlp::WithHttpConfig>(&self, builder: B) -> anyhow::Result<B> {
        let Some(pem) = &self.certificates else {
            return Ok(builder);
        };
        let client = reqwest::blocking::Client::builder()
            .tls_certs_only(reqwest::Certificate::from_pem_bundle(pem)?)
            .timeout(self.timeout);
        // A blocking client waits for itself where it is made, which a thread of the runtime must not.
        let client = std::thread::spawn(move || client.build()).join();
        let client = client.map_err(|_| anyhow::anyhow!("making an HTTP client panicked"))??;
        Ok(builder.with_http_client(client))
    }
}

#[cfg(not(feature = "tls"))]
impl Transport {
    fn grpc<B>(&self, builder: B) -> B {
        builder
    }

    fn http<B>(&self, builder: B) -> anyhow::Result<B> {
        Ok(builder)
    }
}
