//! Every variable that the SDK and its OTLP exporters read themselves: what they take for a value, and what they
//! pass over without a word. A table each; knows names and forms, builds nothing.

use std::time::Duration;

use super::environment::{Environment, EnvironmentError, EnvironmentErrors, Protocol, Signal};

/// What a variable holds.
#[derive(Debug, Clone, Copy)]
enum Form {
    /// `true` or `false`.
    Boolean,
    /// A whole number of 0 or more.
    Count,
    /// A whole number of 1 or more.
    Positive,
    /// Milliseconds, 1 or more.
    Milliseconds,
    /// One of these, in lower case.
    Exactly(&'static [&'static str]),
    /// One of these, in any case.
    OneOf(&'static [&'static str]),
    /// `name=value,name=value`; never repeated in a message, since it holds keys.
    Headers,
    /// Nothing here honours it; the text is what to do instead.
    Refused(&'static str),
}

use Form::{Boolean, Count, Exactly, Headers, Milliseconds, OneOf, Positive, Refused};

const SAMPLERS: &[&str] = &[
    "always_on",
    "always_off",
    "traceidratio",
    "parentbased_always_on",
    "parentbased_always_off",
    "parentbased_traceidratio",
];

const NO_CONFIG_FILE: &str = "set the variables one by one";
const NO_CLIENT_CERTIFICATE: &str =
    "send to a collector beside the service, and let that one authenticate";

/// The variables of the SDK.
const SDK: &[(&str, Form)] = &[
    ("OTEL_SDK_DISABLED", Boolean),
    ("OTEL_CONFIG_FILE", Refused(NO_CONFIG_FILE)),
    ("OTEL_EXPERIMENTAL_CONFIG_FILE", Refused(NO_CONFIG_FILE)),
    ("OTEL_TRACES_SAMPLER", Exactly(SAMPLERS)),
    ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", Count),
    ("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", Count),
    ("OTEL_ATTRIBUTE_COUNT_LIMIT", Count),
    ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", Count),
    ("OTEL_SPAN_EVENT_COUNT_LIMIT", Count),
    ("OTEL_SPAN_LINK_COUNT_LIMIT", Count),
    ("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", Count),
    ("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", Count),
    ("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", Count),
    ("OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", Count),
    ("OTEL_BSP_SCHEDULE_DELAY", Milliseconds),
    ("OTEL_BSP_EXPORT_TIMEOUT", Milliseconds),
    ("OTEL_BSP_MAX_QUEUE_SIZE", Positive),
    ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", Positive),
    ("OTEL_BSP_MAX_CONCURRENT_EXPORTS", Positive),
    ("OTEL_BLRP_SCHEDULE_DELAY", Milliseconds),
    ("OTEL_BLRP_EXPORT_TIMEOUT", Milliseconds),
    ("OTEL_BLRP_MAX_QUEUE_SIZE", Positive),
    ("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", Positive),
    ("OTEL_METRIC_EXPORT_INTERVAL", Milliseconds),
    ("OTEL_METRIC_EXPORT_TIMEOUT", Milliseconds),
];

/// The variables of OTLP exporters: the general one, then that of each signal.
const OTLP: &[([&str; 4], Form)] = &[
    (
        [
            "OTEL_EXPORTER_OTLP_HEADERS",
            "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
            "OTEL_EXPORTER_OTLP_METRICS_HEADERS",
            "OTEL_EXPORTER_OTLP_LOGS_HEADERS",
        ],
        Headers,
    ),
    (TIMEOUT, Milliseconds),
    (
        [
            "OTEL_EXPORTER_OTLP_COMPRESSION",
            "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION",
            "OTEL_EXPORTER_OTLP_METRICS_COMPRESSION",
            "OTEL_EXPORTER_OTLP_LOGS_COMPRESSION",
        ],
        OneOf(&["gzip", "none"]),
    ),
    (INSECURE, Boolean),
    (
        [
            "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE",
            "OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE",
            "OTEL_EXPORTER_OTLP_METRICS_CLIENT_CERTIFICATE",
            "OTEL_EXPORTER_OTLP_LOGS_CLIENT_CERTIFICATE",
        ],
        Refused(NO_CLIENT_CERTIFICATE),
    ),
    (
        [
            "OTEL_EXPORTER_OTLP_CLIENT_KEY",
            "OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY",
            "OTEL_EXPORTER_OTLP_METRICS_CLIENT_KEY",
            "OTEL_EXPORTER_OTLP_LOGS_CLIENT_KEY",
        ],
        Refused(NO_CLIENT_CERTIFICATE),
    ),
];

/// The variables that only the exporter of metrics has.
const OTLP_METRICS: &[(&str, Form)] = &[
    (
        "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
        OneOf(&["cumulative", "delta", "lowmemory"]),
    ),
    (
        "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
        OneOf(&["explicit_bucket_histogram"]),
    ),
];

const TIMEOUT: [&str; 4] = [
    "OTEL_EXPORTER_OTLP_TIMEOUT",
    "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
    "OTEL_EXPORTER_OTLP_METRICS_TIMEOUT",
    "OTEL_EXPORTER_OTLP_LOGS_TIMEOUT",
];

const INSECURE: [&str; 4] = [
    "OTEL_EXPORTER_OTLP_INSECURE",
    "OTEL_EXPORTER_OTLP_TRACES_INSECURE",
    "OTEL_EXPORTER_OTLP_METRICS_INSECURE",
    "OTEL_EXPORTER_OTLP_LOGS_INSECURE",
];

const ENDPOINT: [&str; 4] = [
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
    "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT",
];

const PROTOCOL: [&str; 4] = [
    "OTEL_EXPORTER_OTLP_PROTOCOL",
    "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
    "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL",
    "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL",
];

const CERTIFICATE: [&str; 4] = [
    "OTEL_EXPORTER_OTLP_CERTIFICATE",
    "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE",
    "OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE",
    "OTEL_EXPORTER_OTLP_LOGS_CERTIFICATE",
];

impl Environment {
    /// Checks every variable that the SDK reads itself (sampler, limits, batches, intervals), which it would
    /// pass over where the value is wrong, and those that nothing here honours.
    ///
    /// ```
    /// use otelgen::telemetry::Environment;
    ///
    /// let environment = Environment::from_pairs([
    ///     ("OTEL_TRACES_SAMPLER", "parentbased_trace_idratio"),
    ///     ("OTEL_METRIC_EXPORT_INTERVAL", "10s"),
    /// ]);
    /// assert_eq!(environment.check_sdk().unwrap_err().len(), 2);
    /// ```
    ///
    /// # Errors
    ///
    /// All that is wrong, each with what would do.
    pub fn check_sdk(&self) -> Result<(), EnvironmentErrors> {
        let mut errors = EnvironmentErrors::default();
        for &(variable, form) in SDK {
            errors.take(self.check(variable, form));
        }
        errors.take(self.check_sampler_argument());
        errors.or(())
    }

    /// Checks every variable that OTLP exporters read themselves: endpoints, headers, timeouts, compression.
    /// `tls` is whether this service is built to speak https.
    ///
    /// # Errors
    ///
    /// All that is wrong, each with what would do. Endpoints and headers are not repeated in the messages.
    pub fn check_otlp(&self, tls: bool) -> Result<(), EnvironmentErrors> {
        let mut errors = EnvironmentErrors::default();
        for (index, variable) in ENDPOINT.into_iter().enumerate() {
            errors.take(self.check_endpoint(variable, index, tls));
        }
        for &(variables, form) in OTLP {
            for variable in variables {
                errors.take(self.check(variable, form));
            }
        }
        for &(variable, form) in OTLP_METRICS {
            errors.take(self.check(variable, form));
        }
        errors.or(())
    }

    /// The certificates that a collector of this signal is checked against: what stands in the file of
    /// `OTEL_EXPORTER_OTLP_{TRACES,METRICS,LOGS}_CERTIFICATE`, else of `OTEL_EXPORTER_OTLP_CERTIFICATE`, as PEM.
    /// `tls` is whether this service is built to speak https.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or holds no certificate, or the service cannot speak https.
    pub fn otlp_certificate(
        &self,
        signal: Signal,
        tls: bool,
    ) -> Result<Option<Vec<u8>>, EnvironmentError> {
        let Some((variable, path)) = self.of_signal(&CERTIFICATE, signal) else {
            return Ok(None);
        };
        if !tls {
            return Err(EnvironmentError::NeedsTls {
                variable,
                what: "names a certificate",
            });
        }
        let unusable = |problem: String| EnvironmentError::Malformed {
            variable,
            value: path.to_owned(),
            expected: format!("a file of certificates in PEM: {problem}"),
        };
        let pem = std::fs::read(path).map_err(|error| unusable(error.to_string()))?;
        if String::from_utf8_lossy(&pem).contains("-----BEGIN CERTIFICATE-----") {
            Ok(Some(pem))
        } else {
            Err(unusable("it has no `BEGIN CERTIFICATE`".to_owned()))
        }
    }

    /// How long one export of this signal may take, by `OTEL_EXPORTER_OTLP_{TRACES,METRICS,LOGS}_TIMEOUT` or
    /// `OTEL_EXPORTER_OTLP_TIMEOUT`; 10 s unless told otherwise. For exporters that are given an HTTP client,
    /// whose timeout is then the client's.
    #[must_use]
    pub fn otlp_timeout(&self, signal: Signal) -> Duration {
        let milliseconds = self
            .of_signal(&TIMEOUT, signal)
            .and_then(|(_, value)| value.parse().ok());
        milliseconds.map_or(Duration::from_secs(10), Duration::from_millis)
    }

    /// What the value of the signal's own variable, else of the general one, is; with the one it stands in.
    fn of_signal(
        &self,
        variables: &[&'static str; 4],
        signal: Signal,
    ) -> Option<(&'static str, &str)> {
        let [general, traces, metrics, logs] = *variables;
        let own = match signal {
            Signal::Traces => traces,
            Signal::Metrics => metrics,
            Signal::Logs => logs,
        };
        [own, general]
            .into_iter()
            .find_map(|variable| self.get(variable).map(|value| (variable, value)))
    }

    /// Why nothing may arrive although something listens: the port of one protocol with the other one.
    pub(super) fn otlp_port_hint(&self, signal: Signal) -> Option<&'static str> {
        let (_, endpoint) = self.of_signal(&ENDPOINT, signal)?;
        let protocol = self.of_signal(&PROTOCOL, signal);
        let grpc = protocol.is_some_and(|(_, protocol)| protocol == Protocol::Grpc.name());
        let authority = endpoint
            .split_once("://")
            .map_or(endpoint, |(_, rest)| rest);
        let authority = authority.split(['/', '?', '#']).next().unwrap_or(authority);
        match authority.rsplit(':').next() {
            Some("4317") if !grpc => Some(
                "port 4317 is that of gRPC, and this is sent as http/protobuf: set OTEL_EXPORTER_OTLP_PROTOCOL=grpc, \
                 or use port 4318",
            ),
            Some("4318") if grpc => Some(
                "port 4318 is that of HTTP, and this is sent as grpc: set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf, \
                 or use port 4317",
            ),
            _ => None,
        }
    }

    /// The SDK takes values as they stand, blanks included, so they are judged as they stand.
    fn check(&self, variable: &'static str, form: Form) -> Result<(), EnvironmentError> {
        if self.get(variable).is_none() {
            return Ok(());
        }
        let value = self.raw(variable).unwrap_or_default();
        let unknown = |known: &[&str]| EnvironmentError::UnknownValue {
            variable,
            value: value.to_owned(),
            expected: known.join(", "),
        };
        let malformed = |expected: &str| EnvironmentError::Malformed {
            variable,
            value: value.to_owned(),
            expected: expected.to_owned(),
        };
        let number = value.parse::<u32>().ok();
        match form {
            Boolean => self.boolean(variable).map(|_| ()),
            Count if number.is_none() => Err(malformed("a whole number of 0 or more")),
            Positive if number.is_none_or(|number| number == 0) => {
                Err(malformed("a whole number of 1 or more"))
            }
            Milliseconds if number.is_none_or(|number| number == 0) => Err(malformed(
                "a whole number of milliseconds, 1 or more, such as 5000",
            )),
            Exactly(known) if !known.contains(&value) => Err(unknown(known)),
            OneOf(known) if !known.iter().any(|known| value.eq_ignore_ascii_case(known)) => {
                Err(unknown(known))
            }
            Headers if !are_headers(value) => Err(EnvironmentError::Secret {
                variable,
                expected: "a list of `name=value`, separated by commas, with values percent-encoded",
            }),
            Refused(instead) => Err(EnvironmentError::NotHonoured { variable, instead }),
            _ => Ok(()),
        }
    }

    fn check_sampler_argument(&self) -> Result<(), EnvironmentError> {
        const ARGUMENT: &str = "OTEL_TRACES_SAMPLER_ARG";
        let sampler = self.get("OTEL_TRACES_SAMPLER").unwrap_or_default();
        let malformed = |value: &str, expected: &str| EnvironmentError::Malformed {
            variable: ARGUMENT,
            value: value.to_owned(),
            expected: expected.to_owned(),
        };
        match self.get(ARGUMENT) {
            None => Ok(()),
            Some(value) if SAMPLERS.contains(&sampler) && !sampler.ends_with("traceidratio") => {
                Err(malformed(
                    value,
                    &format!(
                        "empty, though OTEL_TRACES_SAMPLER is `{sampler}`, which takes no argument"
                    ),
                ))
            }
            Some(value) if sampler.is_empty() => Err(malformed(
                value,
                "of use without OTEL_TRACES_SAMPLER, such as parentbased_traceidratio",
            )),
            Some(_) => {
                let value = self.raw(ARGUMENT).unwrap_or_default();
                let ratio = value.parse::<f64>().ok();
                match ratio.filter(|ratio| (0.0..=1.0).contains(ratio)) {
                    Some(_) => Ok(()),
                    None => Err(malformed(value, "a number from 0.0 to 1.0")),
                }
            }
        }
    }

    /// gRPC has endpoints without a scheme too; what they mean is then for `OTEL_EXPORTER_OTLP_INSECURE` to say.
    fn check_endpoint(
        &self,
        variable: &'static str,
        index: usize,
        tls: bool,
    ) -> Result<(), EnvironmentError> {
        let Some(value) = self.get(variable) else {
            return Ok(());
        };
        let secret = |expected| Err(EnvironmentError::Secret { variable, expected });
        let Some((scheme, rest)) = value.split_once("://") else {
            let of = |variables: &[&'static str; 4]| {
                let own = variables.get(index).and_then(|variable| self.get(variable));
                own.or_else(|| self.get(variables.first()?))
            };
            let grpc = of(&PROTOCOL) == Some(Protocol::Grpc.name());
            let insecure = of(&INSECURE).is_some_and(|value| value.eq_ignore_ascii_case("true"));
            return if !is_authority(value) || !grpc {
                secret("a URL such as http://localhost:4318; write `http://` in front of it")
            } else if insecure || tls {
                Ok(())
            } else {
                secret(
                    "a URL such as http://localhost:4317: without a scheme it means https, which needs a build with \
                     `--features tls`; write `http://` in front of it",
                )
            };
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
        match scheme.to_ascii_lowercase().as_str() {
            "http" | "https" if !is_authority(authority) => {
                secret("a URL such as http://localhost:4318")
            }
            "https" if !tls => Err(EnvironmentError::NeedsTls {
                variable,
                what: "is an https URL",
            }),
            "http" | "https" => Ok(()),
            _ => secret("a URL that begins with `http://` or `https://`"),
        }
    }
}

/// `host`, `host:port`, `[v6]:port`, each with credentials in front or without.
fn is_authority(text: &str) -> bool {
    let host_and_port = text.rsplit('@').next().unwrap_or(text);
    let (host, port) = match host_and_port.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (host_and_port, None),
    };
    let is_host_byte =
        |byte: u8| byte.is_ascii_alphanumeric() || b"-._~[]:%".contains(&byte) || byte >= 0x80;
    !host.is_empty()
        && host.bytes().all(is_host_byte)
        && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0))
}

/// What the exporters send: names that are tokens, values that are visible once their escapes are decoded.
fn are_headers(list: &str) -> bool {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    list.split(',')
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
        .all(|entry| {
            entry.split_once('=').is_some_and(|(name, value)| {
                let name = name.trim();
                !name.is_empty() && name.bytes().all(is_token) && has_whole_escapes(value)
            })
        })
}

fn has_whole_escapes(value: &str) -> bool {
    let mut pieces = value.split('%');
    let plain = pieces.next().unwrap_or_default();
    plain.bytes().all(|byte| byte >= b' ')
        && pieces.all(|piece| {
            piece
                .get(..2)
                .is_some_and(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
        })
}
