//! Calls of other services: one client span and one measurement each, with the trace carried on.

use std::time::Duration;

use http::{StatusCode, Uri};
use otelgen::http::TracedClient;
use reqwest::Url;
use serde::de::DeserializeOwned;

/// A service that is called over HTTP. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    http: TracedClient,
    base: Url,
}

impl Client {
    /// Calls the service at `base`; a call takes `timeout` at most, the body included.
    pub fn new(base: &Uri, timeout: Duration) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder().timeout(timeout).build()?;
        Ok(Self {
            http: TracedClient::new(http),
            base: Url::parse(&base.to_string())?,
        })
    }

    /// Gets the JSON at `template`, such as `/items/{id}`, with `values` for its parameters.
    pub async fn get<T: DeserializeOwned>(
        &self,
        template: &'static str,
        values: &[&str],
    ) -> Result<T, CallError> {
        let request = self.http.get(self.url(template, values)?);
        let response = request.template(template).send().await?;
        match response.status() {
            status if status.is_success() => Ok(response.json().await?),
            StatusCode::NOT_FOUND => Err(CallError::NotFound),
            status => Err(CallError::Status(status)),
        }
    }

    fn url(&self, template: &str, values: &[&str]) -> Result<Url, CallError> {
        if values.iter().any(|value| !is_segment(value)) {
            return Err(CallError::Unaddressable);
        }
        let mut values = values.iter();
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty();
            for segment in template.split('/').skip(1) {
                let value = if segment.starts_with('{') {
                    values.next()
                } else {
                    None
                };
                path.push(value.unwrap_or(&segment));
            }
        }
        Ok(url)
    }
}

/// Whether a URL can carry the value as one segment of its path: it resolves dots, and drops line breaks.
fn is_segment(value: &str) -> bool {
    !matches!(value, "" | "." | "..") && !value.contains(char::is_control)
}

/// Why a call gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// What was asked for does not exist.
    #[error("the service answered that it does not exist")]
    NotFound,
    /// What was asked for has a name that no URL can carry, such as `..`; the service was not asked.
    #[error("no path can name it")]
    Unaddressable,
    /// The service answered with another status than a success.
    #[error("the service answered {0}")]
    Status(StatusCode),
    /// The service did not answer in time.
    #[error("the service did not answer in time")]
    TimedOut(#[source] reqwest::Error),
    /// The service cannot be reached, or what it answered cannot be read.
    #[error("the call failed")]
    Failed(#[source] reqwest::Error),
}

impl CallError {
    /// Whether the service is to blame, rather than the request.
    pub fn is_failure(&self) -> bool {
        match self {
            Self::NotFound | Self::Unaddressable => false,
            Self::Status(status) => !status.is_client_error(),
            Self::TimedOut(_) | Self::Failed(_) => true,
        }
    }
}

impl From<reqwest::Error> for CallError {
    fn from(error: reqwest::Error) -> Self {
        if error.is_timeout() {
            Self::TimedOut(error)
        } else {
            Self::Failed(error)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stay_inside_their_segment() {
        let base = Uri::from_static("http://localhost:8081/api/");
        let client = Client::new(&base, Duration::from_secs(1)).unwrap();
        let url = client.url("/items/{id}", &["../a b?c"]).unwrap();
        assert_eq!(
            url.as_str(),
            "http://localhost:8081/api/items/..%2Fa%20b%3Fc"
        );
    }

    #[test]
    fn a_value_that_would_leave_its_segment_is_refused() {
        let base = Uri::from_static("http://localhost:8081");
        let client = Client::new(&base, Duration::from_secs(1)).unwrap();
        for value in ["", ".", "..", ".\n.", "4\t2"] {
            let refused = client.url("/items/{id}", &[value]);
            assert!(
                matches!(refused, Err(CallError::Unaddressable)),
                "{value:?}"
            );
        }
        assert!(client.url("/items/{id}", &["..."]).is_ok());
    }
}
