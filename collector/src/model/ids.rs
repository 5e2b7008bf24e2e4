//! Trace and span ids: never all zero, written as lower-case hexadecimal.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// A text or byte string that is no id: the wrong length, not hexadecimal, or all zero.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a {kind} id: expected {digits} hexadecimal digits that are not all zero")]
pub struct IdError {
    kind: &'static str,
    digits: usize,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $bytes:literal, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name([u8; $bytes]);

        impl $name {
            /// The id in these bytes.
            ///
            /// # Errors
            /// Where their number is not right, or all are zero.
            pub fn from_bytes(bytes: &[u8]) -> Result<Self, IdError> {
                match <[u8; $bytes]>::try_from(bytes) {
                    Ok(bytes) if bytes != [0; $bytes] => Ok(Self(bytes)),
                    _ => Err(IdError { kind: $kind, digits: 2 * $bytes }),
                }
            }

            /// The bytes of the id, most significant first.
            pub fn to_bytes(self) -> [u8; $bytes] {
                self.0
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                // `from_str_radix` alone would let a leading sign through.
                let digits = text.len() == 2 * $bytes && text.bytes().all(|byte| byte.is_ascii_hexdigit());
                let value = u128::from_str_radix(text, 16).ok().filter(|_| digits);
                let wide = value.unwrap_or_default().to_be_bytes();
                Self::from_bytes(wide.get(16 - $bytes..).unwrap_or_default())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, formatter)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    };
}

id!(
    /// Sixteen bytes that all spans and logs of one trace share.
    TraceId, 16, "trace"
);
id!(
    /// Eight bytes that name one span of a trace.
    SpanId, 8, "span"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_written_as_it_was_read() {
        let text = "0af7651916cd43dd8448eb211c80319c";
        assert_eq!(text.parse::<TraceId>().unwrap().to_string(), text);
        assert_eq!("00f067aa0ba902b7".parse::<SpanId>().unwrap().to_string(), "00f067aa0ba902b7");
    }

    #[test]
    fn zeros_and_wrong_lengths_are_no_ids() {
        assert!("0".repeat(32).parse::<TraceId>().is_err());
        assert!("0af7651916cd43dd8448eb211c80319".parse::<TraceId>().is_err());
        assert!("+af7651916cd43dd".parse::<SpanId>().is_err());
        assert!(SpanId::from_bytes(&[1; 16]).is_err());
        assert!(TraceId::from_bytes(&[]).is_err());
    }
}
