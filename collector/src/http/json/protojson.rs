//! A JSON value as protobuf's JSON mapping reads it: a floating-point number may stand in quotes, and only there it may
//! be `NaN` or infinite, for which JSON has no number.

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{Deserializer, Error as _, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::{Error, Value};

/// Fields that hold a floating-point number, wherever they stand.
const DOUBLES: [&str; 9] =
    ["asDouble", "doubleValue", "sum", "min", "max", "zeroThreshold", "quantile", "value", "explicitBounds"];

/// A value, and whether a text in it is a floating-point number.
pub(super) struct ProtoJson {
    value: Value,
    double: bool,
}

impl ProtoJson {
    pub(super) fn new(value: Value) -> Self {
        Self { value, double: false }
    }

    pub(super) fn double(value: Value) -> Self {
        Self { value, double: true }
    }

    fn field(name: &str, value: Value) -> Self {
        Self { value, double: DOUBLES.contains(&name) }
    }
}

/// `text` is in a place for numbers.
pub(super) fn no_number(text: &str) -> Error {
    Error::custom(format!("`{text}` is no number that could stand there"))
}

/// Rust reads more spellings of the special values than the mapping has.
fn parse(text: &str) -> Result<f64, Error> {
    match text {
        "NaN" => Ok(f64::NAN),
        "Infinity" => Ok(f64::INFINITY),
        "-Infinity" => Ok(f64::NEG_INFINITY),
        other => other.parse().ok().filter(|number: &f64| number.is_finite()).ok_or_else(|| no_number(text)),
    }
}

impl<'de> IntoDeserializer<'de, Error> for ProtoJson {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for ProtoJson {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let double = self.double;
        match self.value {
            Value::String(text) if double => visitor.visit_f64(parse(&text)?),
            Value::Array(values) => {
                let mut values = SeqDeserializer::new(values.into_iter().map(|value| Self { value, double }));
                let read = visitor.visit_seq(&mut values)?;
                values.end()?;
                Ok(read)
            }
            Value::Object(map) => {
                let fields = map.into_iter().map(|(name, value)| {
                    let field = Self::field(&name, value);
                    (name, field)
                });
                let mut fields = MapDeserializer::new(fields);
                let read = visitor.visit_map(&mut fields)?;
                fields.end()?;
                Ok(read)
            }
            other => other.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.value.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.value.deserialize_enum(name, variants, visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier ignored_any
    }
}
