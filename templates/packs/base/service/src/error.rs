//! What a caller is told when a request fails: a status and a problem document (RFC 9457).

use std::error::Error;
use std::time::Duration;

use http::StatusCode;
use serde::Serialize;

use crate::client::CallError;

/// Why a request was not answered as it should have been.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// There is nothing under this path.
    #[error("not found")]
    NotFound,
    /// The request took longer than it may.
    #[error("the request took too long")]
    TimedOut,
    /// A dependency is not being called for the time being.
    #[error("a dependency is not available")]
    Unavailable {
        /// When to try again.
        retry_after: Option<Duration>,
        /// Which one, and why.
        source: Box<dyn Error + Send + Sync>,
    },
    /// A dependency did not answer in time.
    #[error("a dependency took too long")]
    UpstreamTimedOut(#[source] CallError),
    /// A dependency failed.
    #[error("a dependency failed")]
    UpstreamFailed(#[source] CallError),
}

impl From<CallError> for ApiError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::NotFound | CallError::Unaddressable => Self::NotFound,
            CallError::TimedOut(_) => Self::UpstreamTimedOut(error),
            _ => Self::UpstreamFailed(error),
        }
    }
}

/// The body of an error response, `application/problem+json`.
#[derive(Debug, Serialize)]
pub struct Problem {
    title: &'static str,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

impl Problem {
    /// What `status` is called, and `detail` about this one.
    pub fn new(status: StatusCode, detail: Option<String>) -> Self {
        Self {
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            detail,
        }
    }

    /// The status to answer with.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl ApiError {
    /// The status to answer with.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::TimedOut | Self::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::UpstreamTimedOut(_) => StatusCode::GATEWAY_TIMEOUT,
            Self::UpstreamFailed(_) => StatusCode::BAD_GATEWAY,
        }
    }

    /// The body to answer with. Causes are for the log, not for the caller.
    pub fn problem(&self) -> Problem {
        Problem::new(self.status(), Some(self.to_string()))
    }

    /// Seconds to wait before trying again, for the `Retry-After` header.
    pub fn retry_after(&self) -> Option<u64> {
        match self {
            Self::Unavailable { retry_after, .. } => {
                retry_after.map(|wait| wait.as_secs_f64().ceil() as u64)
            }
            _ => None,
        }
    }

    /// Logs what the caller is not told.
    pub fn log(&self) {
        if self.is_news() {
            let causes = self.causes();
            tracing::warn!(name: "request.failed", { error.message = causes }, "request failed");
        }
    }

    /// A refused call is none: there may be thousands a second, and what refuses them tells when it begins to and
    /// counts them.
    fn is_news(&self) -> bool {
        self.status().is_server_error() && !matches!(self, Self::Unavailable { .. })
    }

    fn causes(&self) -> String {
        let mut text = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_call_is_not_logged_but_a_failed_one_is() {
        let refused = ApiError::Unavailable {
            retry_after: None,
            source: "refused".into(),
        };
        assert!(!refused.is_news());
        assert!(ApiError::TimedOut.is_news());
        assert!(!ApiError::NotFound.is_news());
    }
}
