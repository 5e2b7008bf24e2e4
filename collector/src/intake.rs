//! What happens to a decoded request, whatever it came in by: forwarded as it is, converted, stored, answered.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;

use crate::convert::{self, Rejected};
use crate::forward::Forwarder;
use crate::store::Store;

/// Shared by the servers.
#[derive(Debug)]
pub(crate) struct Intake {
    pub(crate) store: Store,
    pub(crate) forwarder: Option<Forwarder>,
}

/// One of the three requests of OTLP.
pub(crate) trait Request: prost::Message + serde::de::DeserializeOwned + Default {
    /// What the field with the number of rejected records is called in JSON.
    const REJECTED_FIELD: &'static str;

    /// Forwards and stores the request.
    fn take(self, intake: &Intake) -> Rejected;
}

impl Request for ExportTraceServiceRequest {
    const REJECTED_FIELD: &'static str = "rejectedSpans";

    fn take(self, intake: &Intake) -> Rejected {
        if let Some(forwarder) = &intake.forwarder {
            forwarder.send(self.clone());
        }
        let converted = convert::spans(self.resource_spans);
        intake.store.add_spans(converted.records);
        converted.rejected
    }
}

impl Request for ExportMetricsServiceRequest {
    const REJECTED_FIELD: &'static str = "rejectedDataPoints";

    fn take(self, intake: &Intake) -> Rejected {
        if let Some(forwarder) = &intake.forwarder {
            forwarder.send(self.clone());
        }
        let converted = convert::metrics(self.resource_metrics);
        intake.store.add_metrics(converted.records);
        converted.rejected
    }
}

impl Request for ExportLogsServiceRequest {
    const REJECTED_FIELD: &'static str = "rejectedLogRecords";

    fn take(self, intake: &Intake) -> Rejected {
        if let Some(forwarder) = &intake.forwarder {
            forwarder.send(self.clone());
        }
        let converted = convert::logs(self.resource_logs);
        intake.store.add_logs(converted.records);
        converted.rejected
    }
}
