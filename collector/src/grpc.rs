//! OTLP over gRPC: the three services of the protocol, gzip in both directions.

use std::sync::Arc;

use opentelemetry_proto::tonic::collector::logs::v1 as logs;
use opentelemetry_proto::tonic::collector::metrics::v1 as metrics;
use opentelemetry_proto::tonic::collector::trace::v1 as traces;
use tonic::codec::CompressionEncoding::Gzip;
use tonic::transport::server::Router;
use tonic::{Request, Response, Status, async_trait};

use crate::convert::Rejected;
use crate::intake::{Intake, Request as _};

/// The server of the three services; messages beyond `max_request_bytes` (once unpacked) are refused.
pub(crate) fn server(intake: &Arc<Intake>, max_request_bytes: usize) -> Router {
    let receiver = || Receiver(Arc::clone(intake));
    macro_rules! service {
        ($server:path) => {
            <$server>::new(receiver())
                .accept_compressed(Gzip)
                .send_compressed(Gzip)
                .max_decoding_message_size(max_request_bytes)
        };
    }
    tonic::transport::Server::builder()
        .add_service(service!(traces::trace_service_server::TraceServiceServer<Receiver>))
        .add_service(service!(metrics::metrics_service_server::MetricsServiceServer<Receiver>))
        .add_service(service!(logs::logs_service_server::LogsServiceServer<Receiver>))
}

struct Receiver(Arc<Intake>);

#[async_trait]
impl traces::trace_service_server::TraceService for Receiver {
    async fn export(
        &self,
        request: Request<traces::ExportTraceServiceRequest>,
    ) -> Result<Response<traces::ExportTraceServiceResponse>, Status> {
        let partial_success = rejected(request.into_inner().take(&self.0), |rejected_spans, error_message| {
            traces::ExportTracePartialSuccess { rejected_spans, error_message }
        });
        Ok(Response::new(traces::ExportTraceServiceResponse { partial_success }))
    }
}

#[async_trait]
impl metrics::metrics_service_server::MetricsService for Receiver {
    async fn export(
        &self,
        request: Request<metrics::ExportMetricsServiceRequest>,
    ) -> Result<Response<metrics::ExportMetricsServiceResponse>, Status> {
        let partial_success = rejected(request.into_inner().take(&self.0), |rejected_data_points, error_message| {
            metrics::ExportMetricsPartialSuccess { rejected_data_points, error_message }
        });
        Ok(Response::new(metrics::ExportMetricsServiceResponse { partial_success }))
    }
}

#[async_trait]
impl logs::logs_service_server::LogsService for Receiver {
    async fn export(
        &self,
        request: Request<logs::ExportLogsServiceRequest>,
    ) -> Result<Response<logs::ExportLogsServiceResponse>, Status> {
        let partial_success = rejected(request.into_inner().take(&self.0), |rejected_log_records, error_message| {
            logs::ExportLogsPartialSuccess { rejected_log_records, error_message }
        });
        Ok(Response::new(logs::ExportLogsServiceResponse { partial_success }))
    }
}

/// The field stays away where everything was taken, as the specification asks.
fn rejected<T>(rejected: Rejected, message: impl Fn(i64, String) -> T) -> Option<T> {
    (rejected.records > 0).then(|| message(rejected.records, rejected.reason))
}
