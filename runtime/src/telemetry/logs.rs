//! What a service prints and what it writes to files: format, filter, folder, all from the environment.
//! Knows variables and layers; the shape of a JSON line is [`JsonFormat`]'s.

use std::fs;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use tracing::Subscriber;
use tracing_appender::non_blocking::WorkerGuard;
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::filter::{EnvFilter, FilterExt, ParseError};
use tracing_subscriber::fmt::format::debug_fn;
use tracing_subscriber::fmt::{self as layers, MakeWriter};
use tracing_subscriber::layer::Layer;
use tracing_subscriber::prelude::*;
use tracing_subscriber::registry::LookupSpan;

use super::environment::{Environment, EnvironmentError, EnvironmentErrors};
use super::health::ExportHealth;
use super::json::{JsonFields, JsonFormat};
use crate::redact::{REDACTED, Redaction};

/// The filter of logs when `RUST_LOG` says nothing.
const DEFAULT_FILTER: &str = "info";
const DEFAULT_MAX_FILES: usize = 7;
const LEVELS: &[&str] = &["trace", "debug", "info", "warn", "error", "off"];

/// A layer of any kind, for a list of them.
pub type BoxedLayer<S> = Box<dyn Layer<S> + Send + Sync>;

/// How standard output looks: the values of `LOG_FORMAT`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// `auto`: text on a terminal, JSON anywhere else.
    #[default]
    Auto,
    /// `text`: lines for people.
    Text,
    /// `json`: one object a line, for machines.
    Json,
}

/// The logs of a service, as the environment asks for them.
///
/// | variable | values | unset |
/// |---|---|---|
/// | `LOG_FORMAT` | `auto`, `text`, `json` | `auto`: text on a terminal, else JSON |
/// | `RUST_LOG` | filter directives, `info,shop=debug` | `info` |
/// | `LOG_DIR` | a folder for JSON files beside standard output | no files |
/// | `LOG_ROTATION` | `daily`, `hourly`, `never` | `daily` |
/// | `LOG_MAX_FILES` | how many files are kept, `0` for all | 7 |
/// | `NO_COLOR` | anything: no colour on a terminal | colour |
///
/// ```
/// use otelgen::telemetry::{Environment, ExportHealth, Logs};
/// use tracing_subscriber::prelude::*;
///
/// let environment = Environment::from_pairs([("LOG_FORMAT", "json"), ("RUST_LOG", "info,shop=debug")]);
/// let logs = Logs::from_environment(&environment, "shop")?;
/// let (layers, log_files) = logs.layers(&ExportHealth::new())?;
/// let _subscriber = tracing_subscriber::registry().with(layers);
/// drop(log_files); // a service hands these to its `Providers`, which flush them at the end
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Logs {
    service_name: String,
    format: LogFormat,
    colour: bool,
    filter: String,
    directory: Option<PathBuf>,
    rotation: Rotation,
    max_files: usize,
    datadog: bool,
    redaction: Redaction,
}

impl Logs {
    /// What the environment asks for. `service_name` begins the names of files.
    ///
    /// # Errors
    ///
    /// All variables whose values cannot be honoured; the message names each and what would do.
    pub fn from_environment(
        environment: &Environment,
        service_name: &str,
    ) -> Result<Self, EnvironmentErrors> {
        let mut errors = EnvironmentErrors::default();
        let format = errors.take(log_format(environment));
        let filter = errors.take(log_filter(environment));
        let directory = errors.take(directory(environment)).flatten();
        let rotation = errors.take(rotation(environment));
        let max_files = errors.take(environment.number("LOG_MAX_FILES")).flatten();
        errors.or(Self {
            service_name: service_name.to_owned(),
            format: format.unwrap_or_default(),
            colour: environment.get("NO_COLOR").is_none(),
            filter: filter.unwrap_or_default(),
            directory,
            rotation: rotation.unwrap_or(Rotation::DAILY),
            max_files: max_files.unwrap_or(DEFAULT_MAX_FILES),
            datadog: false,
            redaction: Redaction::default(),
        })
    }

    /// Adds `dd.trace_id` and `dd.span_id` to JSON lines.
    #[must_use]
    pub fn with_datadog_ids(mut self) -> Self {
        self.datadog = true;
        self
    }

    /// Other secret names than the built-in ones.
    #[must_use]
    pub fn with_redaction(mut self, redaction: Redaction) -> Self {
        self.redaction = redaction;
        self
    }

    /// The format of standard output, with `auto` decided.
    #[must_use]
    pub fn format(&self) -> LogFormat {
        match self.format {
            LogFormat::Auto if io::stdout().is_terminal() => LogFormat::Text,
            LogFormat::Auto => LogFormat::Json,
            chosen => chosen,
        }
    }

    /// The filter of `RUST_LOG`; a new one each time, since filters are not shared between layers.
    #[must_use]
    pub fn filter(&self) -> EnvFilter {
        EnvFilter::new(&self.filter)
    }

    /// The layers for standard output and, where `LOG_DIR` names a folder, for its files; and what keeps
    /// those files written, to be handed to [`Providers`](super::Providers).
    ///
    /// # Errors
    ///
    /// When the folder or its first file cannot be created.
    pub fn layers<S>(
        &self,
        health: &ExportHealth,
    ) -> Result<(Vec<BoxedLayer<S>>, LogFiles), LogFileError>
    where
        S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
    {
        let mut layers = vec![match self.format() {
            LogFormat::Text => self.text_layer(health),
            LogFormat::Json | LogFormat::Auto => self.json_layer(health, io::stdout),
        }];
        let Some(appender) = self.appender()? else {
            return Ok((layers, LogFiles { _guard: None }));
        };
        let (writer, guard) = tracing_appender::non_blocking(appender);
        layers.push(self.json_layer(health, writer));
        Ok((
            layers,
            LogFiles {
                _guard: Some(guard),
            },
        ))
    }

    fn json_layer<S, W>(&self, health: &ExportHealth, writer: W) -> BoxedLayer<S>
    where
        S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
        W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
    {
        let mut format = JsonFormat::new().with_redaction(self.redaction.clone());
        if self.datadog {
            format = format.with_datadog_ids();
        }
        layers::layer()
            .event_format(format)
            .fmt_fields(JsonFields::with_redaction(self.redaction.clone()))
            .with_ansi(false)
            .with_writer(writer)
            .with_filter(self.filter().and(health.sdk_events()))
            .boxed()
    }

    fn text_layer<S>(&self, health: &ExportHealth) -> BoxedLayer<S>
    where
        S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
    {
        let redaction = self.redaction.clone();
        let fields = debug_fn(move |writer, field, value| match field.name() {
            "message" => write!(writer, "{value:?}"),
            name if redaction.is_sensitive_field(name) => write!(writer, "{name}={REDACTED}"),
            name if name.starts_with("otel.") => Ok(()),
            name => write!(writer, "{name}={value:?}"),
        });
        layers::layer()
            .fmt_fields(fields.delimited(" "))
            .with_ansi(self.colour && io::stdout().is_terminal())
            .with_filter(self.filter().and(health.sdk_events()))
            .boxed()
    }

    fn appender(&self) -> Result<Option<RollingFileAppender>, LogFileError> {
        let Some(directory) = &self.directory else {
            return Ok(None);
        };
        let failed = |cause: &dyn std::fmt::Display| LogFileError {
            directory: directory.clone(),
            cause: cause.to_string(),
        };
        // The appender makes the folder too, but first complains on standard error that it is not there.
        fs::create_dir_all(directory).map_err(|error| failed(&error))?;
        let mut builder = RollingFileAppender::builder()
            .rotation(self.rotation.clone())
            .filename_prefix(self.service_name.as_str())
            .filename_suffix("log");
        if self.max_files > 0 {
            builder = builder.max_log_files(self.max_files);
        }
        builder
            .build(directory)
            .map(Some)
            .map_err(|error| failed(&error))
    }
}

/// Keeps log files written; flushes them when dropped.
#[derive(Debug)]
pub struct LogFiles {
    _guard: Option<WorkerGuard>,
}

/// The folder of `LOG_DIR` cannot be written to.
#[derive(Debug, thiserror::Error)]
#[error(
    "LOG_DIR is `{}`, where no log file can be created ({cause}); name a folder this service may write to",
    directory.display()
)]
pub struct LogFileError {
    directory: PathBuf,
    cause: String,
}

/// `LOG_DIR`, which need not exist yet, but nothing else may stand in its place or above it.
fn directory(environment: &Environment) -> Result<Option<PathBuf>, EnvironmentError> {
    let Some(path) = environment.get("LOG_DIR").map(PathBuf::from) else {
        return Ok(None);
    };
    let nearest = path.ancestors().find(|part| part.exists());
    if nearest.is_none_or(Path::is_dir) {
        return Ok(Some(path));
    }
    Err(EnvironmentError::Malformed {
        variable: "LOG_DIR",
        value: path.display().to_string(),
        expected: "a folder, nor can it become one".to_owned(),
    })
}

fn log_format(environment: &Environment) -> Result<LogFormat, EnvironmentError> {
    match environment
        .get("LOG_FORMAT")
        .map(str::to_ascii_lowercase)
        .as_deref()
    {
        None | Some("auto") => Ok(LogFormat::Auto),
        Some("text") => Ok(LogFormat::Text),
        Some("json") => Ok(LogFormat::Json),
        Some(value) => Err(EnvironmentError::UnknownValue {
            variable: "LOG_FORMAT",
            value: value.to_owned(),
            expected: "auto, text, json".to_owned(),
        }),
    }
}

fn rotation(environment: &Environment) -> Result<Rotation, EnvironmentError> {
    match environment
        .get("LOG_ROTATION")
        .map(str::to_ascii_lowercase)
        .as_deref()
    {
        None | Some("daily") => Ok(Rotation::DAILY),
        Some("hourly") => Ok(Rotation::HOURLY),
        Some("never") => Ok(Rotation::NEVER),
        Some(value) => Err(EnvironmentError::UnknownValue {
            variable: "LOG_ROTATION",
            value: value.to_owned(),
            expected: "daily, hourly, never".to_owned(),
        }),
    }
}

/// `RUST_LOG`, checked. A bare word is a target to `EnvFilter`, so a mistyped level would silence
/// everything else without a word; a word one slip away from a level is refused.
fn log_filter(environment: &Environment) -> Result<String, EnvironmentError> {
    let filter = environment.get("RUST_LOG").unwrap_or(DEFAULT_FILTER);
    let malformed = |value: &str, expected: String| EnvironmentError::Malformed {
        variable: "RUST_LOG",
        value: value.to_owned(),
        expected,
    };
    EnvFilter::try_new(filter).map_err(|error: ParseError| {
        malformed(
            filter,
            format!("a list of `target=level` directives: {error}"),
        )
    })?;
    for word in filter.split(',').map(str::trim) {
        let lower = word.to_ascii_lowercase();
        if let Some(level) = LEVELS.iter().find(|level| is_one_slip(&lower, level)) {
            return Err(malformed(
                word,
                format!("a level (did you mean `{level}`?)"),
            ));
        }
    }
    Ok(filter.to_owned())
}

/// Whether two words differ by one letter added, missing, changed or swapped with its neighbour.
fn is_one_slip(word: &str, level: &str) -> bool {
    if word == level || word.len().abs_diff(level.len()) > 1 {
        return word == "warning" && level == "warn";
    }
    let same = word
        .bytes()
        .zip(level.bytes())
        .take_while(|(left, right)| left == right)
        .count();
    let (word, level) = (word.as_bytes().get(same..), level.as_bytes().get(same..));
    let (Some(word), Some(level)) = (word, level) else {
        return false;
    };
    let swapped = matches!((word, level), ([a, b, rest @ ..], [c, d, others @ ..])
        if a == d && b == c && rest == others);
    swapped
        || word.get(1..) == Some(level)
        || level.get(1..) == Some(word)
        || (!word.is_empty() && word.get(1..) == level.get(1..))
}
