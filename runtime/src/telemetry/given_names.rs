//! Event names of exported log records: those that somebody gave, and no others.

use opentelemetry::InstrumentationScope;
use opentelemetry::logs::LogRecord;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::logs::{LogProcessor, SdkLogRecord};
use std::time::Duration;

use super::json::event_name;

/// Takes the names away that `tracing` makes up for events that were given none: they hold file and line
/// (`event src/orders.rs:42`), so they change with every edit, and nothing can be found by them.
///
/// Add it to the provider before the processors that export:
///
/// ```
/// use opentelemetry_sdk::logs::SdkLoggerProvider;
/// use otelgen::telemetry::GivenNames;
///
/// let _provider = SdkLoggerProvider::builder().with_log_processor(GivenNames).build();
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct GivenNames;

impl LogProcessor for GivenNames {
    fn emit(&self, record: &mut SdkLogRecord, _: &InstrumentationScope) {
        if record
            .event_name()
            .is_some_and(|name| event_name(name).is_none())
        {
            record.set_event_name("");
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::logs::{Logger, LoggerProvider};
    use opentelemetry_sdk::logs::{InMemoryLogExporter, SdkLoggerProvider};

    use super::*;

    #[test]
    fn a_name_that_was_given_stays_and_a_made_up_one_goes() {
        let exporter = InMemoryLogExporter::default();
        let provider = SdkLoggerProvider::builder()
            .with_log_processor(GivenNames)
            .with_simple_exporter(exporter.clone())
            .build();
        let logger = provider.logger("test");
        for name in ["order.paid", "event src/orders.rs:42", "log event"] {
            let mut record = logger.create_log_record();
            record.set_event_name(name);
            logger.emit(record);
        }
        let exported = exporter.get_emitted_logs().unwrap();
        let names = exported.iter().filter_map(|log| log.record.event_name());
        assert_eq!(names.collect::<Vec<_>>(), ["order.paid", "", ""]);
    }
}
