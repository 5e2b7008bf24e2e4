//! Who emits the telemetry: the service, its instance, its process and its host.
//! Reads the environment it is given and cheap facts of the machine; no network, no cloud metadata.

use opentelemetry::{Key, KeyValue};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::resource::{ResourceBuilder, ResourceDetector, TelemetryResourceDetector};
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator};

use super::environment::{Environment, EnvironmentError};

const RESOURCE_ATTRIBUTES: &str = "OTEL_RESOURCE_ATTRIBUTES";

/// The resource of a service, to be extended or built.
///
/// `service.name` is `OTEL_SERVICE_NAME`, else the one in `OTEL_RESOURCE_ATTRIBUTES`, else `service_name`;
/// every other attribute of `OTEL_RESOURCE_ATTRIBUTES` overrides what is detected here: `service.version`,
/// a random `service.instance.id`, `telemetry.sdk.*`, `process.pid`, `process.executable.name`,
/// `host.name`, `host.arch` and `os.type`. Values are percent-decoded as the specification asks; the SDK's
/// own detector does not do that.
///
/// ```
/// use opentelemetry::Key;
/// use otelgen::telemetry::{Environment, resource};
///
/// let environment = Environment::from_pairs([("OTEL_RESOURCE_ATTRIBUTES", "team=ada%20%26%20co")]);
/// let resource = resource(&environment, "shop", "1.2.3")?.build();
/// assert_eq!(resource.get(&Key::new("service.name")), Some("shop".into()));
/// assert_eq!(resource.get(&Key::new("team")), Some("ada & co".into()));
/// # Ok::<(), otelgen::telemetry::EnvironmentError>(())
/// ```
///
/// # Errors
///
/// When `OTEL_RESOURCE_ATTRIBUTES` is not a comma list of `key=value` with valid percent-escapes.
pub fn resource(
    environment: &Environment,
    service_name: &str,
    service_version: &str,
) -> Result<ResourceBuilder, EnvironmentError> {
    let declared = declared_attributes(environment)?;
    let builder = Resource::builder_empty()
        .with_attributes(telemetry_sdk())
        .with_attributes(detected(environment))
        .with_attribute(KeyValue::new("service.name", service_name.to_owned()))
        .with_attribute(KeyValue::new("service.version", service_version.to_owned()))
        .with_attributes(declared);
    Ok(match environment.get("OTEL_SERVICE_NAME") {
        Some(name) => builder.with_service_name(name.to_owned()),
        None => builder,
    })
}

fn declared_attributes(environment: &Environment) -> Result<Vec<KeyValue>, EnvironmentError> {
    let declared = environment.get(RESOURCE_ATTRIBUTES).unwrap_or_default();
    declared
        .split(',')
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
        .map(|entry| {
            let malformed = || EnvironmentError::Malformed {
                variable: RESOURCE_ATTRIBUTES,
                value: entry.to_owned(),
                expected: "`key=value`, percent-encoded where it holds `,`, `=` or `%`".to_owned(),
            };
            let (key, value) = entry.split_once('=').ok_or_else(malformed)?;
            let key = percent_decoded(key.trim())
                .filter(|key| !key.is_empty())
                .ok_or_else(malformed)?;
            let value = percent_decoded(value.trim()).ok_or_else(malformed)?;
            Ok(KeyValue::new(Key::from(key), value))
        })
        .collect()
}

fn telemetry_sdk() -> Vec<KeyValue> {
    let detected = TelemetryResourceDetector.detect();
    detected
        .iter()
        .map(|(key, value)| KeyValue::new(key.clone(), value.clone()))
        .collect()
}

fn detected(environment: &Environment) -> Vec<KeyValue> {
    let mut attributes = vec![
        KeyValue::new("service.instance.id", random_uuid()),
        KeyValue::new("process.pid", i64::from(std::process::id())),
        KeyValue::new("host.arch", host_arch()),
        KeyValue::new("os.type", os_type()),
    ];
    let executable = std::env::current_exe().ok();
    if let Some(name) = executable.as_deref().and_then(|path| path.file_name()) {
        attributes.push(KeyValue::new(
            "process.executable.name",
            name.to_string_lossy().into_owned(),
        ));
    }
    if let Some(name) = host_name(environment) {
        attributes.push(KeyValue::new("host.name", name));
    }
    attributes
}

/// A version 4 UUID from the SDK's own source of random identifiers.
fn random_uuid() -> String {
    let bits = u128::from_be_bytes(RandomIdGenerator::default().new_trace_id().to_bytes());
    let version = bits & !(0xf << 76) | 0x4 << 76;
    let variant = version & !(0b11 << 62) | 0b10 << 62;
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        variant >> 96,
        variant >> 80 & 0xffff,
        variant >> 64 & 0xffff,
        variant >> 48 & 0xffff,
        variant & 0xffff_ffff_ffff
    )
}

fn host_name(environment: &Environment) -> Option<String> {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .ok()
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .or_else(|| {
            environment
                .get("HOSTNAME")
                .or_else(|| environment.get("COMPUTERNAME"))
                .map(str::to_owned)
        })
}

/// The names the conventions give to what Rust calls `x86_64` and `aarch64`.
fn host_arch() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "arm" => "arm32",
        "powerpc64" => "ppc64",
        other => other,
    }
}

fn os_type() -> &'static str {
    match std::env::consts::OS {
        "macos" | "ios" => "darwin",
        other => other,
    }
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let high = char::from(bytes.next()?).to_digit(16)?;
            let low = char::from(bytes.next()?).to_digit(16)?;
            decoded.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            decoded.push(byte);
        }
    }
    String::from_utf8(decoded).ok()
}
