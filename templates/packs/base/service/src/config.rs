//! What the environment decides, read once at start. README.md lists the variables.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use http::Uri;
use otelgen::telemetry::Environment;

use crate::environment::{InvalidConfig, Reader};
use crate::{patterns, telemetry};

/// The configuration of this service.
pub struct Config {
    /// Where the service listens.
    pub address: SocketAddr,
    /// How long a request may take.
    pub request_timeout: Duration,
    /// How many bytes the body of a request may have.
    pub max_body_bytes: usize,
    /// How long the service still accepts requests after it has been told to stop.
    pub shutdown_delay: Duration,
    /// How long requests may take to finish after that, and telemetry to be sent.
    pub shutdown_timeout: Duration,
    /// The service that keeps the items.
    pub upstream_url: Uri,
    /// How long one call of another service may take.
    pub upstream_timeout: Duration,
    /// What the patterns need.
    pub patterns: patterns::Config,
}

impl Config {
    /// Reads the environment of this process. The error lists every bad value.
    pub fn from_process() -> Result<(Self, telemetry::Settings), InvalidConfig> {
        Self::read(&Environment::from_process())
    }

    /// Reads `environment`. The error lists every bad value.
    pub fn read(environment: &Environment) -> Result<(Self, telemetry::Settings), InvalidConfig> {
        let mut reader = Reader::new(environment);
        let host = reader.get("HOST", IpAddr::from(Ipv4Addr::UNSPECIFIED));
        let port = reader.get("PORT", 8080);
        let config = Self {
            address: SocketAddr::new(host, port),
            request_timeout: reader.timeout("REQUEST_TIMEOUT", Duration::from_secs(10)),
            max_body_bytes: reader.get("MAX_BODY_BYTES", 1024 * 1024),
            shutdown_delay: reader.get("SHUTDOWN_DELAY", Duration::ZERO),
            shutdown_timeout: reader.timeout("SHUTDOWN_TIMEOUT", Duration::from_secs(10)),
            upstream_url: reader.get("UPSTREAM_URL", Uri::from_static("http://localhost:8081")),
            upstream_timeout: reader.timeout("UPSTREAM_TIMEOUT", Duration::from_secs(5)),
            patterns: patterns::Config::read(&mut reader),
        };
        let settings = telemetry::Settings::read(&mut reader);
        reader.finish(settings.map(|settings| (config, settings)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_environment_is_a_valid_configuration() {
        let environment = Environment::from_pairs([("PORT", "")]);
        let (config, _) = Config::read(&environment).unwrap();
        assert_eq!(config.address.port(), 8080);
    }

    #[test]
    fn bad_values_of_the_service_and_of_its_telemetry_are_told_together() {
        let wrong = [
            ("PORT", "eighty"),
            ("REQUEST_TIMEOUT", "0s"),
            ("UPSTREAM_URL", "http://localhost?x=1"),
            ("LOG_FORMAT", "xml"),
            ("RUST_LOG", "debgu"),
            ("OTEL_SDK_DISABLED", "maybe"),
            ("OTEL_TRACES_EXPORTER", "jaeger"),
            ("OTEL_TRACES_SAMPLER", "sometimes"),
            ("OTEL_METRIC_EXPORT_INTERVAL", "10s"),
            ("OTEL_PROPAGATORS", "pigeon"),
        ];
        let environment = Environment::from_pairs(wrong);
        let message = Config::read(&environment).err().unwrap().to_string();
        for (name, _) in wrong {
            let told = format!("  {name} is ");
            let lines = message.lines().filter(|line| line.starts_with(&told));
            assert_eq!(lines.count(), 1, "{name}: {message}");
        }
    }
}
