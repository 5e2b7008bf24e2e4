//! Headers of messages, whatever the client library keeps them in.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, Hash};

/// Headers that can be read. Names are compared without regard to case, since brokers and gateways change it.
///
/// Implemented for `HashMap` and `BTreeMap`, for `Vec` and slices of pairs, for references to them and `Option`s of
/// them, and with the feature `http` for `http::HeaderMap`; names may be any text, values text or bytes.
/// For a client library's own type it is two lines round what that offers:
///
/// ```
/// use otelgen::MessageHeaders;
///
/// struct BrokerHeaders(Vec<(String, Option<Vec<u8>>)>);
///
/// impl MessageHeaders for BrokerHeaders {
///     fn header(&self, name: &str) -> Option<&str> {
///         let (_, value) = self.0.iter().find(|(key, _)| key.eq_ignore_ascii_case(name))?;
///         std::str::from_utf8(value.as_deref()?).ok()
///     }
///
///     fn header_names(&self) -> Vec<&str> {
///         self.0.iter().map(|(key, _)| key.as_str()).collect()
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not known to hold the headers of a message",
    label = "no headers that can be read",
    note = "name a `HashMap`, a `BTreeMap`, a `Vec` of pairs or a `http::HeaderMap` (feature `http`), or implement `otelgen::MessageHeaders` for `{Self}`"
)]
pub trait MessageHeaders {
    /// The header's value, where it is there and is text.
    fn header(&self, name: &str) -> Option<&str>;

    /// The names of all headers.
    fn header_names(&self) -> Vec<&str>;
}

/// Headers that can be written: see [`MessageHeaders`] for what implements it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not known to hold headers of a message that can be written",
    label = "no headers that can be written",
    note = "name a `HashMap`, a `BTreeMap`, a `Vec` of pairs or a `http::HeaderMap` (feature `http`), or implement `otelgen::MessageHeadersMut` for `{Self}`"
)]
pub trait MessageHeadersMut {
    /// Sets a header, in place of what had that name.
    fn set_header(&mut self, name: &str, value: String);
}

fn text<V: AsRef<[u8]>>(value: &V) -> Option<&str> {
    std::str::from_utf8(value.as_ref()).ok()
}

fn named<'p, K: AsRef<str> + 'p, V: AsRef<[u8]> + 'p>(
    mut pairs: impl Iterator<Item = (&'p K, &'p V)>,
    name: &str,
) -> Option<&'p str> {
    pairs
        .find(|(key, _)| key.as_ref().eq_ignore_ascii_case(name))
        .and_then(|(_, value)| text(value))
}

impl<K: AsRef<str>, V: AsRef<[u8]>, S> MessageHeaders for HashMap<K, V, S> {
    fn header(&self, name: &str) -> Option<&str> {
        named(self.iter(), name)
    }

    fn header_names(&self) -> Vec<&str> {
        self.keys().map(AsRef::as_ref).collect()
    }
}

impl<K, V, S> MessageHeadersMut for HashMap<K, V, S>
where
    K: AsRef<str> + Eq + Hash + From<String>,
    V: From<String>,
    S: BuildHasher,
{
    fn set_header(&mut self, name: &str, value: String) {
        self.retain(|key, _| !key.as_ref().eq_ignore_ascii_case(name));
        self.insert(K::from(name.to_owned()), V::from(value));
    }
}

impl<K: AsRef<str>, V: AsRef<[u8]>> MessageHeaders for BTreeMap<K, V> {
    fn header(&self, name: &str) -> Option<&str> {
        named(self.iter(), name)
    }

    fn header_names(&self) -> Vec<&str> {
        self.keys().map(AsRef::as_ref).collect()
    }
}

impl<K, V> MessageHeadersMut for BTreeMap<K, V>
where
    K: AsRef<str> + Ord + From<String>,
    V: From<String>,
{
    fn set_header(&mut self, name: &str, value: String) {
        self.retain(|key, _| !key.as_ref().eq_ignore_ascii_case(name));
        self.insert(K::from(name.to_owned()), V::from(value));
    }
}

impl<K: AsRef<str>, V: AsRef<[u8]>> MessageHeaders for [(K, V)] {
    fn header(&self, name: &str) -> Option<&str> {
        named(self.iter().map(|(key, value)| (key, value)), name)
    }

    fn header_names(&self) -> Vec<&str> {
        self.iter().map(|(key, _)| key.as_ref()).collect()
    }
}

impl<K: AsRef<str>, V: AsRef<[u8]>> MessageHeaders for Vec<(K, V)> {
    fn header(&self, name: &str) -> Option<&str> {
        self.as_slice().header(name)
    }

    fn header_names(&self) -> Vec<&str> {
        self.as_slice().header_names()
    }
}

impl<K, V> MessageHeadersMut for Vec<(K, V)>
where
    K: AsRef<str> + From<String>,
    V: From<String>,
{
    fn set_header(&mut self, name: &str, value: String) {
        self.retain(|(key, _)| !key.as_ref().eq_ignore_ascii_case(name));
        self.push((K::from(name.to_owned()), V::from(value)));
    }
}

/// No headers are no mistake: a message need not come from an instrumented producer.
impl<H: MessageHeaders> MessageHeaders for Option<H> {
    fn header(&self, name: &str) -> Option<&str> {
        self.as_ref().and_then(|headers| headers.header(name))
    }

    fn header_names(&self) -> Vec<&str> {
        self.as_ref()
            .map(MessageHeaders::header_names)
            .unwrap_or_default()
    }
}

macro_rules! through {
    ($($pointer:ty),*) => {$(
        impl<H: MessageHeaders + ?Sized> MessageHeaders for $pointer {
            fn header(&self, name: &str) -> Option<&str> {
                (**self).header(name)
            }

            fn header_names(&self) -> Vec<&str> {
                (**self).header_names()
            }
        }
    )*};
}

through!(&H, &mut H, Box<H>, std::sync::Arc<H>);

impl<H: MessageHeadersMut + ?Sized> MessageHeadersMut for &mut H {
    fn set_header(&mut self, name: &str, value: String) {
        (**self).set_header(name, value);
    }
}

impl<H: MessageHeadersMut + ?Sized> MessageHeadersMut for Box<H> {
    fn set_header(&mut self, name: &str, value: String) {
        (**self).set_header(name, value);
    }
}

#[cfg(feature = "http")]
impl MessageHeaders for http::HeaderMap {
    fn header(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(|value| value.to_str().ok())
    }

    fn header_names(&self) -> Vec<&str> {
        self.keys().map(http::HeaderName::as_str).collect()
    }
}

#[cfg(feature = "http")]
impl MessageHeadersMut for http::HeaderMap {
    fn set_header(&mut self, name: &str, value: String) {
        // Propagators write tokens and visible text; anything else is no header of HTTP.
        if let (Ok(name), Ok(value)) = (
            http::HeaderName::from_bytes(name.as_bytes()),
            http::HeaderValue::try_from(value),
        ) {
            self.insert(name, value);
        }
    }
}

/// Borrows what `headers = …` names, be it a value or a reference: by method resolution, so that the attribute need
/// not know which.
pub trait LendHeaders {
    /// Lends itself.
    fn __otelgen_headers(&self) -> &Self {
        self
    }
}

impl<H: ?Sized> LendHeaders for H {}

/// As [`LendHeaders`], to be written.
pub trait LendHeadersMut {
    /// Lends itself.
    fn __otelgen_headers_mut(&mut self) -> &mut Self {
        self
    }
}

impl<H: ?Sized> LendHeadersMut for H {}

#[cfg(test)]
mod tests {
    use super::*;

    fn written<H: MessageHeaders + MessageHeadersMut>(mut headers: H) -> (Option<String>, usize) {
        headers.set_header("traceparent", "one".to_owned());
        headers.set_header("TraceParent", "two".to_owned());
        let value = headers.header("TRACEPARENT").map(str::to_owned);
        (value, headers.header_names().len())
    }

    #[test]
    fn a_header_is_replaced_whatever_its_case_in_every_container() {
        let expected = (Some("two".to_owned()), 1);
        assert_eq!(written(HashMap::<String, String>::new()), expected);
        assert_eq!(written(BTreeMap::<String, Vec<u8>>::new()), expected);
        assert_eq!(
            written(Vec::<(std::borrow::Cow<'_, str>, String)>::new()),
            expected
        );
        assert_eq!(written(&mut Vec::<(Box<str>, Vec<u8>)>::new()), expected);
        #[cfg(feature = "http")]
        assert_eq!(written(http::HeaderMap::new()), expected);
    }

    #[test]
    fn bytes_that_are_no_text_and_headers_that_are_missing_are_nothing() {
        let headers = vec![("traceparent", vec![0xff_u8]), ("other", b"x".to_vec())];
        assert_eq!(headers.header("traceparent"), None);
        assert_eq!(headers.header("other"), Some("x"));
        assert_eq!(Some(&headers).header("other"), Some("x"));
        assert_eq!(None::<Vec<(String, String)>>.header("other"), None);
    }
}
