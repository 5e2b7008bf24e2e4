//! Answers, in the encoding of the request: what was taken, or why nothing was.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use prost::Message;
use serde_json::json;

use super::Encoding;
use crate::convert::Rejected;
use crate::intake::Request;
use crate::wire::{ExportResponse, PartialSuccess, Status};

/// The request was understood; some of its records may have been left out.
pub(super) fn accepted<R: Request>(encoding: Encoding, rejected: Rejected) -> Response {
    let all = rejected.records == 0;
    let body = match encoding {
        Encoding::Json if all => json!({}).to_string().into_bytes(),
        Encoding::Json => {
            let rejection = json!({ R::REJECTED_FIELD: rejected.records.to_string(), "errorMessage": rejected.reason });
            json!({ "partialSuccess": rejection }).to_string().into_bytes()
        }
        Encoding::Protobuf => {
            let partial_success =
                (!all).then_some(PartialSuccess { rejected: rejected.records, error_message: rejected.reason });
            ExportResponse { partial_success }.encode_to_vec()
        }
    };
    respond(StatusCode::OK, encoding, body)
}

/// Why a request was refused as a whole.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    #[error("the body is larger than {limit} bytes: send smaller batches")]
    TooLarge { limit: usize },
    #[error("the body could not be read: {0}")]
    Unreadable(String),
    #[error("content-encoding `{0}` is not known: send gzip or none")]
    UnknownCompression(String),
    #[error("the body is no OTLP request: {0}")]
    Malformed(String),
}

impl Refusal {
    pub(super) fn into_response(self, encoding: Encoding) -> Response {
        // The numbers are those of google.rpc.Code: INVALID_ARGUMENT, RESOURCE_EXHAUSTED, UNIMPLEMENTED.
        let (status, code) = match self {
            Self::Unreadable(_) | Self::Malformed(_) => (StatusCode::BAD_REQUEST, 3),
            Self::TooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, 8),
            Self::UnknownCompression(_) => (StatusCode::UNSUPPORTED_MEDIA_TYPE, 12),
        };
        let message = self.to_string();
        let body = match encoding {
            Encoding::Json => json!({ "code": code, "message": message }).to_string().into_bytes(),
            Encoding::Protobuf => Status { code, message }.encode_to_vec(),
        };
        let mut response = respond(status, encoding, body);
        if status == StatusCode::UNSUPPORTED_MEDIA_TYPE {
            response.headers_mut().insert(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        }
        response
    }
}

fn respond(status: StatusCode, encoding: Encoding, body: Vec<u8>) -> Response {
    (status, [(header::CONTENT_TYPE, encoding.content_type())], body).into_response()
}
