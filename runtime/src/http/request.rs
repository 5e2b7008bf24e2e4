//! What a request says about itself, in the words of the conventions; and its headers as a carrier.

#[cfg(feature = "reqwest")]
use http::header::HeaderValue;
use http::header::{HeaderMap, HeaderName};
use http::{Method, Version};
use opentelemetry::propagation::Extractor;
#[cfg(feature = "reqwest")]
use opentelemetry::propagation::Injector;

/// A known method, or `_OTHER`, so that made-up methods cannot multiply time series.
pub(super) fn known_method(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "POST" => "POST",
        "PUT" => "PUT",
        "DELETE" => "DELETE",
        "HEAD" => "HEAD",
        "PATCH" => "PATCH",
        "OPTIONS" => "OPTIONS",
        "CONNECT" => "CONNECT",
        "TRACE" => "TRACE",
        _ => "_OTHER",
    }
}

/// How a span's name begins: the conventions say `HTTP` where the method is unknown.
pub(super) fn method_in_name(method: &'static str) -> &'static str {
    if method == "_OTHER" { "HTTP" } else { method }
}

pub(super) fn protocol_version(version: Version) -> Option<&'static str> {
    match version {
        Version::HTTP_09 => Some("0.9"),
        Version::HTTP_10 => Some("1.0"),
        Version::HTTP_11 => Some("1.1"),
        Version::HTTP_2 => Some("2"),
        Version::HTTP_3 => Some("3"),
        _ => None,
    }
}

/// A header's value, where it is text.
pub(super) fn header<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// `host:port`, `host`, `[v6]:port` and `[v6]`, taken apart.
pub(super) fn host_and_port(authority: &str) -> (&str, Option<u16>) {
    let host_end = authority.rfind(']').map_or(0, |bracket| bracket + 1);
    let (host, port) = match authority.get(host_end..).and_then(|rest| rest.rfind(':')) {
        Some(colon) => {
            let (host, port) = authority.split_at(host_end + colon);
            (host, port.get(1..).and_then(|port| port.parse().ok()))
        }
        None => (authority, None),
    };
    (
        host.strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .unwrap_or(host),
        port,
    )
}

/// Reads trace context from headers.
pub(super) struct HeaderExtractor<'a>(pub(super) &'a HeaderMap);

impl Extractor for HeaderExtractor<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(|value| value.to_str().ok())
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }

    fn get_all(&self, key: &str) -> Option<Vec<&str>> {
        let values: Vec<&str> = self
            .0
            .get_all(key)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .collect();
        (!values.is_empty()).then_some(values)
    }
}

/// Writes trace context into headers; leaves out empty ones, such as the `tracestate` of a new trace.
#[cfg(feature = "reqwest")]
pub(super) struct HeaderInjector<'a>(pub(super) &'a mut HeaderMap);

#[cfg(feature = "reqwest")]
impl Injector for HeaderInjector<'_> {
    fn set(&mut self, key: &str, value: String) {
        if value.is_empty() {
            return;
        }
        if let (Ok(name), Ok(value)) = (
            HeaderName::from_bytes(key.as_bytes()),
            HeaderValue::try_from(value),
        ) {
            self.0.insert(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn authorities_are_taken_apart_whatever_their_form() {
        assert_eq!(
            host_and_port("shop.example:8080"),
            ("shop.example", Some(8080))
        );
        assert_eq!(host_and_port("shop.example"), ("shop.example", None));
        assert_eq!(host_and_port("[::1]:8080"), ("::1", Some(8080)));
        assert_eq!(host_and_port("[::1]"), ("::1", None));
        assert_eq!(host_and_port(""), ("", None));
    }

    #[test]
    fn an_invented_method_is_other() {
        let method = Method::from_bytes(b"BREW").unwrap();
        assert_eq!(known_method(&method), "_OTHER");
        assert_eq!(method_in_name(known_method(&method)), "HTTP");
    }
}
