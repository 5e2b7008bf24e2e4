//! Which fields carry secrets, which query parameters carry none, and what is recorded in place of values.
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

/// Query parameters whose values are recorded; case, `-`, `_` and `.` do not count. Anything else may be a
/// secret under a name that no list has (`otp`, `tok`, `assertion`), so its value is not.
pub const HARMLESS_QUERY_NAMES: &[&str] = &[
    "ascending",
    "descending",
    "direction",
    "lang",
    "language",
    "limit",
    "locale",
    "offset",
    "order",
    "orderby",
    "page",
    "pagenumber",
    "pagesize",
    "perpage",
    "sort",
    "sortby",
    "timezone",
];

/// How many bytes of a name are looked at; a longer one is judged by its beginning.
const NAME_BYTES: usize = 96;

/// Decides what is recorded: the built-in lists, and the names its owner adds. Headers and fields are secret
/// by name ([`also`](Self::also) adds one); of a query, names are recorded and only harmless values
/// ([`allow`](Self::allow) adds one).
///
/// ```
/// use otelgen::redact::Redaction;
///
/// let redaction = Redaction::default().allow("colour");
/// assert_eq!(
///     redaction.query("page=2&colour=red&otp=123456"),
///     "page=2&colour=red&otp=REDACTED",
/// );
/// assert_eq!(
///     redaction.url("https://ada:pw@shop.example/items?sig=f00"),
///     "https://REDACTED:REDACTED@shop.example/items?sig=REDACTED",
/// );
/// ```
#[derive(Debug, Clone, Default)]
pub struct Redaction {
    also: Vec<Box<[u8]>>,
    allowed: Vec<Box<[u8]>>,
}

impl Redaction {
    /// Adds a name that is secret here. Case, `-`, `_` and `.` do not count.
    #[must_use]
    pub fn also(mut self, name: &str) -> Self {
        let mut buffer = [0; NAME_BYTES];
        self.also.push(normalise(name, &mut buffer).into());
        self
    }

    /// Adds a query parameter whose value is recorded. Case, `-`, `_` and `.` do not count; a name that is
    /// sensitive stays so.
    #[must_use]
    pub fn allow(mut self, name: &str) -> Self {
        let mut buffer = [0; NAME_BYTES];
        self.allowed.push(normalise(name, &mut buffer).into());
        self
    }

    /// Whether the value of a query parameter of this name is recorded.
    #[must_use]
    pub fn is_harmless(&self, name: &str) -> bool {
        let mut buffer = [0; NAME_BYTES];
        let normalised = normalise(name, &mut buffer);
        let known = HARMLESS_QUERY_NAMES
            .iter()
            .any(|known| known.as_bytes() == normalised)
            || self.allowed.iter().any(|known| **known == *normalised);
        known && !self.is_sensitive(name)
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

    /// The query string with all values replaced but those of harmless parameters; borrowed when those are all
    /// there are. A word without a value may itself be one (`?c2VjcmV0==`), so it is replaced unless its name
    /// is known to be harmless or to be a secret's.
    #[must_use]
    pub fn query<'a>(&self, query: &'a str) -> Cow<'a, str> {
        if query
            .split(['&', ';'])
            .all(|pair| self.recorded(pair) == Recorded::Whole)
        {
            return Cow::Borrowed(query);
        }
        let mut redacted = String::with_capacity(query.len());
        for piece in query.split_inclusive(['&', ';']) {
            let pair = piece.trim_end_matches(['&', ';']);
            let (name, _) = pair.split_once('=').unwrap_or((pair, ""));
            match self.recorded(pair) {
                Recorded::Whole => redacted.push_str(pair),
                Recorded::Name => {
                    redacted.push_str(name);
                    redacted.push('=');
                    redacted.push_str(REDACTED);
                }
                Recorded::Nothing => redacted.push_str(REDACTED),
            }
            redacted.push_str(piece.get(pair.len()..).unwrap_or_default());
        }
        Cow::Owned(redacted)
    }

    /// What may be recorded of one `name=value`.
    fn recorded(&self, pair: &str) -> Recorded {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let is_bare = value.bytes().all(|byte| byte == b'=');
        if pair.is_empty() || self.is_harmless(name) || (is_bare && self.is_sensitive(name)) {
            Recorded::Whole
        } else if is_bare {
            Recorded::Nothing
        } else {
            Recorded::Name
        }
    }

    /// The URL with user name, password and the values of its query replaced, as by [`query`](Self::query);
    /// borrowed when there are none.
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

/// What is recorded of a query parameter.
#[derive(PartialEq, Eq)]
enum Recorded {
    Whole,
    Name,
    Nothing,
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
    fn a_query_of_harmless_parameters_is_borrowed_and_unchanged() {
        let redaction = Redaction::default();
        for query in [
            "page=1&Per-Page=2;sort=name",
            "",
            "limit",
            "&&",
            "password=",
        ] {
            assert!(
                matches!(redaction.query(query), Cow::Borrowed(same) if same == query),
                "{query}"
            );
        }
    }

    #[test]
    fn of_any_other_parameter_only_the_name_is_recorded() {
        let redaction = Redaction::default();
        assert_eq!(redaction.query("token=a&page=2"), "token=REDACTED&page=2");
        assert_eq!(
            redaction.query("otp=S1&assertion=S2&S3"),
            "otp=REDACTED&assertion=REDACTED&REDACTED"
        );
        assert_eq!(
            redaction.query("page=1;api_key=x=y;tok=3"),
            "page=1;api_key=REDACTED;tok=REDACTED"
        );
    }

    #[test]
    fn a_word_that_may_be_a_value_is_not_recorded() {
        let redaction = Redaction::default();
        assert_eq!(redaction.query("c2VjcmV0PQ=="), "REDACTED");
        assert_eq!(redaction.query("S3&page="), "REDACTED&page=");
        assert_eq!(redaction.query("=S3"), "=REDACTED");
    }

    #[test]
    fn an_owner_allows_names_but_no_sensitive_ones() {
        let redaction = Redaction::default()
            .allow("colour")
            .allow("token")
            .also("page");
        assert_eq!(
            redaction.query("Colour=red&token=a&page=2"),
            "Colour=red&token=REDACTED&page=REDACTED"
        );
    }

    #[test]
    fn a_url_loses_its_credentials_and_its_fragment_tokens() {
        let redaction = Redaction::default();
        assert_eq!(redaction.url("http://k3y@h:1/p"), "http://REDACTED@h:1/p");
        assert_eq!(
            redaction.url("http://h/cb#access_token=s"),
            "http://h/cb#access_token=REDACTED"
        );
        assert_eq!(redaction.url("http://h/a@b?page=1"), "http://h/a@b?page=1");
        assert_eq!(
            redaction.url("http://h/api?tok=S4"),
            "http://h/api?tok=REDACTED"
        );
    }
}
