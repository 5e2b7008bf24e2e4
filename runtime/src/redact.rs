//! Which header, query and field names carry secrets, and what is recorded in place of their values.
//! Knows names only: it never guesses from a value.

use std::borrow::Cow;

/// What stands where a secret stood. The word is the one the semantic conventions for `url.full` and
/// `url.query` ask for.
pub const REDACTED: &str = "REDACTED";

/// Names that are secret when they are the whole name; case, `-`, `_` and `.` do not count.
///
/// `sig`, `signature`, `awsaccesskeyid` and `xgoogsignature` are the ones the semantic conventions list.
pub const SENSITIVE_NAMES: &[&str] = &[
    "accesskey",
    "auth",
    "awsaccesskeyid",
    "code",
    "jwt",
    "key",
    "pass",
    "pin",
    "pwd",
    "sid",
    "sig",
];

/// Words that make a name secret wherever they stand in it; case, `-`, `_` and `.` do not count.
pub const SENSITIVE_WORDS: &[&str] = &[
    "apikey",
    "authorization",
    "bearer",
    "cookie",
    "credential",
    "passphrase",
    "passwd",
    "password",
    "privatekey",
    "secret",
    "session",
    "signature",
    "token",
];

/// How many bytes of a name are looked at; a longer one is judged by its beginning.
const NAME_BYTES: usize = 96;

/// Decides which names are secret: the built-in lists, and the names its owner adds.
///
/// ```
/// use otelgen::redact::Redaction;
///
/// let redaction = Redaction::default().also("national-id");
/// assert_eq!(
///     redaction.query("page=2&access_token=abc&national_id=42"),
///     "page=2&access_token=REDACTED&national_id=REDACTED",
/// );
/// assert_eq!(
///     redaction.url("https://ada:pw@shop.example/items?sig=f00"),
///     "https://REDACTED:REDACTED@shop.example/items?sig=REDACTED",
/// );
/// ```
#[derive(Debug, Clone, Default)]
pub struct Redaction {
    also: Vec<Box<[u8]>>,
}

impl Redaction {
    /// Adds a name that is secret here. Case, `-`, `_` and `.` do not count.
    #[must_use]
    pub fn also(mut self, name: &str) -> Self {
        let mut buffer = [0; NAME_BYTES];
        self.also.push(normalise(name, &mut buffer).into());
        self
    }

    /// Whether a header, query parameter or field of this name carries a secret.
    #[must_use]
    pub fn is_sensitive(&self, name: &str) -> bool {
        let mut buffer = [0; NAME_BYTES];
        let name = normalise(name, &mut buffer);
        SENSITIVE_NAMES.iter().any(|known| known.as_bytes() == name)
            || self.also.iter().any(|known| **known == *name)
            || SENSITIVE_WORDS
                .iter()
                .any(|word| contains(name, word.as_bytes()))
    }

    /// Whether a field of a log event or span carries a secret: the words and the added names only, since
    /// `key`, `code` and `pin` are what a service logs about things that are none.
    #[must_use]
    pub fn is_sensitive_field(&self, name: &str) -> bool {
        let mut buffer = [0; NAME_BYTES];
        let name = normalise(name, &mut buffer);
        self.also.iter().any(|known| **known == *name)
            || SENSITIVE_WORDS
                .iter()
                .any(|word| contains(name, word.as_bytes()))
    }

    /// The query string with the values of secret parameters replaced; borrowed when there are none.
    #[must_use]
    pub fn query<'a>(&self, query: &'a str) -> Cow<'a, str> {
        let sensitive = |pair: &str| {
            pair.split_once('=')
                .is_some_and(|(name, value)| !value.is_empty() && self.is_sensitive(name))
        };
        if !query.split(['&', ';']).any(sensitive) {
            return Cow::Borrowed(query);
        }
        let mut redacted = String::with_capacity(query.len());
        for piece in query.split_inclusive(['&', ';']) {
            let pair = piece.trim_end_matches(['&', ';']);
            match pair.split_once('=') {
                Some((name, _)) if sensitive(pair) => {
                    redacted.push_str(name);
                    redacted.push('=');
                    redacted.push_str(REDACTED);
                    redacted.push_str(piece.get(pair.len()..).unwrap_or_default());
                }
                _ => redacted.push_str(piece),
            }
        }
        Cow::Owned(redacted)
    }

    /// The URL with user name, password and secret parameters replaced; borrowed when there are none.
    #[must_use]
    pub fn url<'a>(&self, url: &'a str) -> Cow<'a, str> {
        let (before, fragment) = url
            .split_once('#')
            .map_or((url, None), |(url, rest)| (url, Some(rest)));
        let (location, query) = before
            .split_once('?')
            .map_or((before, None), |(url, rest)| (url, Some(rest)));
        let clean_location = without_credentials(location);
        let clean_query = query.map(|query| self.query(query));
        let clean_fragment = fragment.map(|fragment| self.query(fragment));
        let untouched = matches!(clean_location, Cow::Borrowed(_))
            && !matches!(clean_query, Some(Cow::Owned(_)))
            && !matches!(clean_fragment, Some(Cow::Owned(_)));
        if untouched {
            return Cow::Borrowed(url);
        }
        let mut redacted = clean_location.into_owned();
        for (separator, part) in [('?', clean_query), ('#', clean_fragment)] {
            if let Some(part) = part {
                redacted.push(separator);
                redacted.push_str(&part);
            }
        }
        Cow::Owned(redacted)
    }
}

fn without_credentials(location: &str) -> Cow<'_, str> {
    let Some((scheme, rest)) = location.split_once("://") else {
        return Cow::Borrowed(location);
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    match authority.rsplit_once('@') {
        Some((credentials, host)) if credentials.contains(':') => {
            Cow::Owned(format!("{scheme}://{REDACTED}:{REDACTED}@{host}{path}"))
        }
        Some((_, host)) => Cow::Owned(format!("{scheme}://{REDACTED}@{host}{path}")),
        None => Cow::Borrowed(location),
    }
}

/// Lower case, percent-escapes decoded, separators left out: `API%5Fkey` and `api-key` are one name.
fn normalise<'a>(name: &str, buffer: &'a mut [u8; NAME_BYTES]) -> &'a [u8] {
    let mut length = 0;
    let mut bytes = name.bytes();
    while let Some(byte) = bytes.next() {
        let byte = if byte == b'%' {
            decode_escape(&mut bytes).unwrap_or(b'%')
        } else {
            byte
        };
        if matches!(byte, b'-' | b'_' | b'.') {
            continue;
        }
        let Some(slot) = buffer.get_mut(length) else {
            break;
        };
        *slot = byte.to_ascii_lowercase();
        length += 1;
    }
    buffer.get(..length).unwrap_or_default()
}

fn decode_escape(bytes: &mut std::str::Bytes<'_>) -> Option<u8> {
    let mut ahead = bytes.clone();
    let high = char::from(ahead.next()?).to_digit(16)?;
    let low = char::from(ahead.next()?).to_digit(16)?;
    *bytes = ahead;
    u8::try_from(high * 16 + low).ok()
}

fn contains(name: &[u8], word: &[u8]) -> bool {
    name.windows(word.len()).any(|window| window == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_matched_whatever_their_case_separators_and_escapes() {
        let redaction = Redaction::default();
        for name in [
            "Authorization",
            "X-API-Key",
            "api%5Fkey",
            "PASSWORD",
            "x-goog-signature",
            "sid",
        ] {
            assert!(redaction.is_sensitive(name), "{name}");
        }
        for name in [
            "page", "monkey", "category", "sigma", "keyboard", "encode", "q",
        ] {
            assert!(!redaction.is_sensitive(name), "{name}");
        }
    }

    #[test]
    fn a_query_without_secrets_is_borrowed_and_unchanged() {
        assert!(matches!(
            Redaction::default().query("a=1&b=2;c"),
            Cow::Borrowed("a=1&b=2;c")
        ));
    }

    #[test]
    fn secrets_are_replaced_wherever_they_stand() {
        let redaction = Redaction::default();
        assert_eq!(redaction.query("token=a&b=2"), "token=REDACTED&b=2");
        assert_eq!(
            redaction.query("a=1;api_key=x=y;c=3"),
            "a=1;api_key=REDACTED;c=3"
        );
        assert_eq!(redaction.query("password=&x=1"), "password=&x=1");
    }

    #[test]
    fn a_url_loses_its_credentials_and_its_fragment_tokens() {
        let redaction = Redaction::default();
        assert_eq!(redaction.url("http://k3y@h:1/p"), "http://REDACTED@h:1/p");
        assert_eq!(
            redaction.url("http://h/cb#access_token=s"),
            "http://h/cb#access_token=REDACTED"
        );
        assert_eq!(redaction.url("http://h/a@b?x=1"), "http://h/a@b?x=1");
    }
}
