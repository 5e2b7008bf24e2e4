//! The `OTEL_*` and logging variables that the SDK itself does not honour, read once and checked.
//! Knows names and values; builds nothing.

use std::collections::BTreeMap;
use std::fmt;

/// The three kinds of telemetry, each with its own exporter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Signal {
    /// Spans.
    Traces,
    /// Measurements.
    Metrics,
    /// Log records.
    Logs,
}

impl Signal {
    const fn exporter_variable(self) -> &'static str {
        match self {
            Self::Traces => "OTEL_TRACES_EXPORTER",
            Self::Metrics => "OTEL_METRICS_EXPORTER",
            Self::Logs => "OTEL_LOGS_EXPORTER",
        }
    }

    const fn protocol_variable(self) -> &'static str {
        match self {
            Self::Traces => "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
            Self::Metrics => "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL",
            Self::Logs => "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL",
        }
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Traces => "traces",
            Self::Metrics => "metrics",
            Self::Logs => "logs",
        })
    }
}

/// An exporter that `OTEL_{TRACES,METRICS,LOGS}_EXPORTER` can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Exporter {
    /// `otlp`: the OpenTelemetry protocol, to a Collector or a backend.
    Otlp,
    /// `console`: standard output, for development.
    Console,
    /// `prometheus`: a page that Prometheus scrapes; metrics only.
    Prometheus,
}

impl Exporter {
    /// The value that names it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Otlp => "otlp",
            Self::Console => "console",
            Self::Prometheus => "prometheus",
        }
    }

    fn parse(value: &str, signal: Signal) -> Option<Self> {
        match value {
            "otlp" => Some(Self::Otlp),
            "console" | "stdout" => Some(Self::Console),
            "prometheus" if signal == Signal::Metrics => Some(Self::Prometheus),
            _ => None,
        }
    }
}

/// The exporters chosen for one signal; empty for `none` and for `OTEL_SDK_DISABLED=true`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exporters {
    chosen: Vec<Exporter>,
}

impl Exporters {
    /// Whether this exporter was chosen.
    #[must_use]
    pub fn has(&self, exporter: Exporter) -> bool {
        self.chosen.contains(&exporter)
    }

    /// Whether nothing is to be exported.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.chosen.is_empty()
    }
}

/// A transport that `OTEL_EXPORTER_OTLP_PROTOCOL` can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// `grpc`, by convention to port 4317.
    Grpc,
    /// `http/protobuf`, by convention to port 4318.
    HttpProtobuf,
    /// `http/json`, by convention to port 4318.
    HttpJson,
}

impl Protocol {
    /// The value that names it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Grpc => "grpc",
            Self::HttpProtobuf => "http/protobuf",
            Self::HttpJson => "http/json",
        }
    }

    fn parse(value: &str) -> Option<Self> {
        [Self::Grpc, Self::HttpProtobuf, Self::HttpJson]
            .into_iter()
            .find(|known| known.name() == value)
    }
}

/// A variable whose value cannot be honoured. The message names the variable, the value and what would do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EnvironmentError {
    /// The value is none of those that exist.
    #[error("{variable} is `{value}`, which is not one of {expected}")]
    UnknownValue {
        /// The variable's name.
        variable: &'static str,
        /// The part of its value that is unknown.
        value: String,
        /// The values that exist.
        expected: String,
    },
    /// The value exists, but this service was built without it.
    #[error(
        "{variable} is `{value}`, but this service is built with {built_in} only; add that backend or change the variable"
    )]
    NotBuiltIn {
        /// The variable's name.
        variable: &'static str,
        /// The part of its value that is not built in.
        value: String,
        /// The values that are.
        built_in: String,
    },
    /// `none` stands beside other values.
    #[error("{variable} is `{value}`: `none` cannot stand beside other values")]
    NoneWithOthers {
        /// The variable's name.
        variable: &'static str,
        /// Its whole value.
        value: String,
    },
    /// The value has another form than the variable asks for.
    #[error("{variable} is `{value}`, which is not {expected}")]
    Malformed {
        /// The variable's name.
        variable: &'static str,
        /// The part of its value that is malformed.
        value: String,
        /// What it should be.
        expected: String,
    },
    /// The value has another form than the variable asks for, and is not repeated: it may hold a secret.
    #[error("{variable} is not {expected}")]
    Secret {
        /// The variable's name.
        variable: &'static str,
        /// What it should be.
        expected: &'static str,
    },
    /// The value asks for https, and this service is built without it.
    #[error("{variable} {what}, which needs a build with `--features tls`")]
    NeedsTls {
        /// The variable's name.
        variable: &'static str,
        /// How it asks for https.
        what: &'static str,
    },
    /// Nothing in this service honours the variable.
    #[error("{variable} is not honoured by this service: {instead}")]
    NotHonoured {
        /// The variable's name.
        variable: &'static str,
        /// What to do instead.
        instead: &'static str,
    },
}

/// All that is wrong with several variables.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EnvironmentErrors {
    errors: Vec<EnvironmentError>,
}

impl EnvironmentErrors {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.errors.len()
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.errors.is_empty()
    }

    /// The value; where there is none, what is wrong with it is remembered.
    pub(super) fn take<T>(&mut self, result: Result<T, EnvironmentError>) -> Option<T> {
        result.map_err(|error| self.errors.push(error)).ok()
    }

    /// `value`, unless anything was wrong.
    pub(super) fn or<T>(self, value: T) -> Result<T, Self> {
        if self.is_empty() {
            Ok(value)
        } else {
            Err(self)
        }
    }
}

impl IntoIterator for EnvironmentErrors {
    type Item = EnvironmentError;
    type IntoIter = std::vec::IntoIter<EnvironmentError>;

    fn into_iter(self) -> Self::IntoIter {
        self.errors.into_iter()
    }
}

impl fmt::Display for EnvironmentErrors {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&joined(self.errors.iter().map(ToString::to_string), "; "))
    }
}

impl std::error::Error for EnvironmentErrors {}

/// A copy of the process environment, so that reading it is pure and a test can make one up.
///
/// As the OpenTelemetry specification asks, a variable set to nothing counts as unset.
///
/// ```
/// use otelgen::telemetry::{Environment, Exporter, Signal};
///
/// let environment = Environment::from_pairs([("OTEL_TRACES_EXPORTER", "console, otlp")]);
/// let traces = environment.exporters(Signal::Traces, &[Exporter::Otlp, Exporter::Console])?;
/// assert!(traces.has(Exporter::Otlp) && traces.has(Exporter::Console));
///
/// let mistyped = Environment::from_pairs([("OTEL_LOGS_EXPORTER", "otpl")]);
/// assert_eq!(
///     mistyped.exporters(Signal::Logs, &[Exporter::Otlp]).unwrap_err().to_string(),
///     "OTEL_LOGS_EXPORTER is `otpl`, which is not one of otlp, none",
/// );
/// # Ok::<(), otelgen::telemetry::EnvironmentError>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Environment {
    variables: BTreeMap<String, String>,
}

impl Environment {
    /// The environment of this process. Bytes that are not UTF-8 become U+FFFD, so that the check of the
    /// variable names them.
    #[must_use]
    pub fn from_process() -> Self {
        Self::from_pairs(std::env::vars_os().map(|(name, value)| {
            (
                name.to_string_lossy().into_owned(),
                value.to_string_lossy().into_owned(),
            )
        }))
    }

    /// An environment of these variables only.
    pub fn from_pairs<N: Into<String>, V: Into<String>>(
        pairs: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let variables = pairs
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
        Self { variables }
    }

    /// A variable's value without surrounding blanks; `None` when unset or empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables
            .get(name)
            .map(|value| value.trim())
            .filter(|value| !value.is_empty())
    }

    /// A variable's value as it stands.
    pub(super) fn raw(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// `OTEL_SDK_DISABLED`: true switches all export off, propagation stays.
    ///
    /// # Errors
    ///
    /// When the value is neither `true` nor `false`, in any case.
    pub fn sdk_disabled(&self) -> Result<bool, EnvironmentError> {
        self.boolean("OTEL_SDK_DISABLED")
            .map(|value| value.unwrap_or(false))
    }

    /// `OTEL_{TRACES,METRICS,LOGS}_EXPORTER`: a comma list, `otlp` when unset, of which the service has
    /// `built_in`. Nothing is chosen while `OTEL_SDK_DISABLED` is true.
    ///
    /// # Errors
    ///
    /// When a value does not exist, is not built in, or `none` stands beside another.
    pub fn exporters(
        &self,
        signal: Signal,
        built_in: &[Exporter],
    ) -> Result<Exporters, EnvironmentError> {
        let variable = signal.exporter_variable();
        let built_in_names = || {
            let names = built_in.iter().map(|exporter| exporter.name());
            joined(names.chain(["none"]), ", ")
        };
        let mut chosen = Vec::new();
        for value in self.list(variable, "otlp")? {
            let exporter =
                Exporter::parse(&value, signal).ok_or_else(|| EnvironmentError::UnknownValue {
                    variable,
                    value: value.clone(),
                    expected: built_in_names(),
                })?;
            if !built_in.contains(&exporter) {
                return Err(EnvironmentError::NotBuiltIn {
                    variable,
                    value,
                    built_in: built_in_names(),
                });
            }
            if !chosen.contains(&exporter) {
                chosen.push(exporter);
            }
        }
        let disabled = self.sdk_disabled()?;
        Ok(Exporters {
            chosen: if disabled { Vec::new() } else { chosen },
        })
    }

    /// `OTEL_EXPORTER_OTLP_{TRACES,METRICS,LOGS}_PROTOCOL`, else `OTEL_EXPORTER_OTLP_PROTOCOL`, of which the
    /// service has `built_in`; `None` leaves the exporter's own default.
    ///
    /// The exporters honour the variable themselves, but a value they do not have only makes them warn and
    /// use another transport; this makes it an error.
    ///
    /// # Errors
    ///
    /// When the value does not exist or is not built in.
    pub fn protocol(
        &self,
        signal: Signal,
        built_in: &[Protocol],
    ) -> Result<Option<Protocol>, EnvironmentError> {
        let found = [signal.protocol_variable(), "OTEL_EXPORTER_OTLP_PROTOCOL"]
            .into_iter()
            .find_map(|variable| self.get(variable).map(|value| (variable, value)));
        let Some((variable, value)) = found else {
            return Ok(None);
        };
        let protocol = Protocol::parse(value).ok_or_else(|| EnvironmentError::UnknownValue {
            variable,
            value: value.to_owned(),
            expected: joined(built_in.iter().map(|protocol| protocol.name()), ", "),
        })?;
        if built_in.contains(&protocol) {
            return Ok(Some(protocol));
        }
        Err(EnvironmentError::NotBuiltIn {
            variable,
            value: value.to_owned(),
            built_in: joined(built_in.iter().map(|protocol| protocol.name()), ", "),
        })
    }

    /// The lower-cased members of a comma list; `none` alone gives none of them.
    pub(super) fn list(
        &self,
        variable: &'static str,
        default: &str,
    ) -> Result<Vec<String>, EnvironmentError> {
        let value = self.get(variable).unwrap_or(default);
        let members: Vec<String> = value
            .split(',')
            .map(|member| member.trim().to_ascii_lowercase())
            .filter(|member| !member.is_empty())
            .collect();
        match members.iter().filter(|member| *member == "none").count() {
            0 => Ok(members),
            nones if nones == members.len() => Ok(Vec::new()),
            _ => Err(EnvironmentError::NoneWithOthers {
                variable,
                value: value.to_owned(),
            }),
        }
    }

    /// A boolean variable, in any case.
    pub(super) fn boolean(&self, variable: &'static str) -> Result<Option<bool>, EnvironmentError> {
        match self.get(variable) {
            None => Ok(None),
            Some(value) if value.eq_ignore_ascii_case("true") => Ok(Some(true)),
            Some(value) if value.eq_ignore_ascii_case("false") => Ok(Some(false)),
            Some(value) => Err(EnvironmentError::UnknownValue {
                variable,
                value: value.to_owned(),
                expected: "true, false".to_owned(),
            }),
        }
    }

    /// A whole number that is not negative.
    pub(super) fn number(&self, variable: &'static str) -> Result<Option<usize>, EnvironmentError> {
        self.get(variable)
            .map(|value| {
                value.parse().map_err(|_| EnvironmentError::Malformed {
                    variable,
                    value: value.to_owned(),
                    expected: "a whole number of 0 or more".to_owned(),
                })
            })
            .transpose()
    }
}

fn joined(names: impl Iterator<Item = impl AsRef<str>>, separator: &str) -> String {
    let mut text = String::new();
    for name in names {
        if !text.is_empty() {
            text.push_str(separator);
        }
        text.push_str(name.as_ref());
    }
    text
}
