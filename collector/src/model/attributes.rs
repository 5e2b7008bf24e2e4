//! Attributes: a sorted map from names to values. Equal sets are equal whatever the order they came in.

use std::fmt;
use std::hash::{Hash, Hasher};

use serde::{Serialize, Serializer};

/// A value of an attribute or the body of a log record.
#[derive(Clone, Debug, Default)]
pub enum Value {
    /// A value that was sent without content.
    #[default]
    Empty,
    /// Text.
    String(String),
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A floating-point number; compared bit by bit, so that a value equals itself even where it is NaN.
    Double(f64),
    /// Raw bytes.
    Bytes(Vec<u8>),
    /// A list.
    Array(Vec<Value>),
    /// A map with names.
    Map(Attributes),
}

impl Value {
    /// The text, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The name of the type in OpenTelemetry's convention files: `string`, `int`, `double`, `boolean`, `string[]` …
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::String(_) => "string",
            Self::Bool(_) => "boolean",
            Self::Int(_) => "int",
            Self::Double(_) => "double",
            Self::Bytes(_) => "bytes",
            Self::Map(_) => "map",
            Self::Array(values) => match values.first().map(Self::type_name) {
                None | Some("string") => "string[]",
                Some("boolean") => "boolean[]",
                Some("int") => "int[]",
                Some("double") => "double[]",
                Some(_) => "any[]",
            },
        }
    }

    pub(crate) fn heap_size(&self) -> usize {
        match self {
            Self::String(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
            Self::Array(values) => values.iter().map(|value| size_of::<Self>() + value.heap_size()).sum(),
            Self::Map(map) => map.heap_size(),
            Self::Empty | Self::Bool(_) | Self::Int(_) | Self::Double(_) => 0,
        }
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Empty, Self::Empty) => true,
            (Self::String(one), Self::String(two)) => one == two,
            (Self::Bool(one), Self::Bool(two)) => one == two,
            (Self::Int(one), Self::Int(two)) => one == two,
            (Self::Double(one), Self::Double(two)) => one.to_bits() == two.to_bits(),
            (Self::Bytes(one), Self::Bytes(two)) => one == two,
            (Self::Array(one), Self::Array(two)) => one == two,
            (Self::Map(one), Self::Map(two)) => one == two,
            _ => false,
        }
    }
}

impl Eq for Value {}

impl Hash for Value {
    fn hash<H: Hasher>(&self, state: &mut H) {
        std::mem::discriminant(self).hash(state);
        match self {
            Self::Empty => {}
            Self::String(text) => text.hash(state),
            Self::Bool(flag) => flag.hash(state),
            Self::Int(number) => number.hash(state),
            Self::Double(number) => number.to_bits().hash(state),
            Self::Bytes(bytes) => bytes.hash(state),
            Self::Array(values) => values.hash(state),
            Self::Map(map) => map.hash(state),
        }
    }
}

impl fmt::Display for Value {
    /// Text without quotes; lists as `[a, b]`, maps as `{k=v}`, bytes in hexadecimal.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => Ok(()),
            Self::String(text) => formatter.write_str(text),
            Self::Bool(flag) => write!(formatter, "{flag}"),
            Self::Int(number) => write!(formatter, "{number}"),
            Self::Double(number) => write!(formatter, "{number}"),
            Self::Bytes(bytes) => bytes.iter().try_for_each(|byte| write!(formatter, "{byte:02x}")),
            Self::Array(values) => {
                let parts: Vec<String> = values.iter().map(ToString::to_string).collect();
                write!(formatter, "[{}]", parts.join(", "))
            }
            Self::Map(map) => write!(formatter, "{{{map}}}"),
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Empty => serializer.serialize_none(),
            Self::Bool(flag) => serializer.serialize_bool(*flag),
            Self::Int(number) => serializer.serialize_i64(*number),
            Self::Double(number) => serializer.serialize_f64(*number),
            Self::Array(values) => serializer.collect_seq(values),
            Self::Map(map) => map.serialize(serializer),
            Self::String(_) | Self::Bytes(_) => serializer.collect_str(self),
        }
    }
}

macro_rules! value_from {
    ($($source:ty => $variant:ident),*) => {
        $(impl From<$source> for Value {
            fn from(value: $source) -> Self {
                Self::$variant(value.into())
            }
        })*
    };
}
value_from!(&str => String, String => String, bool => Bool, i64 => Int, i32 => Int, u32 => Int, f64 => Double);

/// A set of attributes, sorted by name, each name once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Attributes(Vec<(String, Value)>);

impl Attributes {
    /// The value under this name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        let place = self.0.binary_search_by(|(key, _)| key.as_str().cmp(name)).ok()?;
        self.0.get(place).map(|(_, value)| value)
    }

    /// Names and values, by name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Value)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn heap_size(&self) -> usize {
        self.0.iter().map(|(key, value)| size_of::<(String, Value)>() + key.len() + value.heap_size()).sum()
    }
}

impl<K: Into<String>, V: Into<Value>> FromIterator<(K, V)> for Attributes {
    /// Sorts by name; of two values under one name the later stays.
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        let mut pairs: Vec<_> = pairs.into_iter().map(|(key, value)| (key.into(), value.into())).collect();
        pairs.reverse();
        pairs.sort_by(|(one, _): &(String, Value), (two, _)| one.cmp(two));
        pairs.dedup_by(|(later, _), (kept, _)| later == kept);
        Self(pairs)
    }
}

impl fmt::Display for Attributes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> = self.iter().map(|(key, value)| format!("{key}={value}")).collect();
        formatter.write_str(&parts.join(", "))
    }
}

impl Serialize for Attributes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_arrival_does_not_matter() {
        let one: Attributes = [("b", 2), ("a", 1)].into_iter().collect();
        let two: Attributes = [("a", 1), ("b", 2)].into_iter().collect();
        assert_eq!(one, two);
        assert_eq!(one.to_string(), "a=1, b=2");
    }

    #[test]
    fn the_last_value_under_a_name_stays() {
        let attributes: Attributes = [("a", 1), ("b", 5), ("a", 2)].into_iter().collect();
        assert_eq!(attributes.len(), 2);
        assert_eq!(attributes.get("a"), Some(&Value::Int(2)));
    }

    #[test]
    fn a_nan_equals_itself_so_that_it_can_be_part_of_a_key() {
        assert_eq!(Value::Double(f64::NAN), Value::Double(f64::NAN));
        assert_ne!(Value::Int(1), Value::Double(1.0));
    }
}
