//! Options of packs: their types, and the values users give.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// An option as `pack.toml` declares it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OptionSpec {
    /// What values it takes.
    #[serde(rename = "type")]
    pub kind: OptionKind,
    /// The value when none is given.
    pub default: OptionValue,
    /// The smallest value (numbers and durations).
    pub min: Option<OptionValue>,
    /// The largest value (numbers and durations).
    pub max: Option<OptionValue>,
    /// The values of a choice.
    #[serde(default)]
    pub values: Vec<String>,
    /// What it does, in one phrase.
    pub help: String,
}

/// Types of options.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OptionKind {
    /// `true` or `false`.
    Bool,
    /// A whole number.
    Integer,
    /// A number with a fraction.
    Float,
    /// Any text.
    String,
    /// `250ms`, `30s`, `5m`, `1h`; templates see the text.
    Duration,
    /// One of `values`.
    Choice,
}

/// A value of an option.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(untagged)]
pub enum OptionValue {
    /// Of a bool.
    Bool(bool),
    /// Of an integer.
    Integer(i64),
    /// Of a float.
    Float(f64),
    /// Of a string, a duration or a choice.
    String(String),
}

impl fmt::Display for OptionValue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => write!(formatter, "{value}"),
            Self::Integer(value) => write!(formatter, "{value}"),
            Self::Float(value) => write!(formatter, "{value:?}"),
            Self::String(value) => formatter.write_str(value),
        }
    }
}

/// Why a value does not fit an option.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ValueError {
    /// It is of another type.
    #[error("`{value}` is not {expected}")]
    Type {
        /// The value.
        value: String,
        /// What it should be.
        expected: &'static str,
    },
    /// It is too small or too large.
    #[error("`{value}` is out of range: {range}")]
    Range {
        /// The value.
        value: String,
        /// The range, in words.
        range: String,
    },
    /// It is none of the choices.
    #[error("`{value}` is none of {}", values.join(", "))]
    Choice {
        /// The value.
        value: String,
        /// The choices.
        values: Vec<String>,
    },
}

impl OptionSpec {
    /// Reads a value as typed on the command line.
    ///
    /// # Errors
    /// When it is of another type, out of range, or none of the choices.
    pub fn parse(&self, text: &str) -> Result<OptionValue, ValueError> {
        let value = match self.kind {
            OptionKind::Bool => text.parse().ok().map(OptionValue::Bool),
            OptionKind::Integer => text.parse().ok().map(OptionValue::Integer),
            OptionKind::Float => text.parse().ok().map(OptionValue::Float),
            OptionKind::String | OptionKind::Duration | OptionKind::Choice => {
                Some(OptionValue::String(text.to_owned()))
            }
        };
        self.check(value.ok_or_else(|| self.type_error(text))?)
    }

    /// Checks a value (from a lock, or a default) and gives it the option's own type.
    ///
    /// # Errors
    /// As [`OptionSpec::parse`].
    pub fn check(&self, value: OptionValue) -> Result<OptionValue, ValueError> {
        let value = self.typed(value)?;
        if self.kind == OptionKind::Choice && !self.values.contains(&value.to_string()) {
            return Err(ValueError::Choice { value: value.to_string(), values: self.values.clone() });
        }
        let size = magnitude(self.kind, &value);
        let below = bound(self.kind, self.min.as_ref()).is_some_and(|min| size.is_some_and(|size| size < min));
        let above = bound(self.kind, self.max.as_ref()).is_some_and(|max| size.is_some_and(|size| size > max));
        if below || above {
            return Err(ValueError::Range { value: value.to_string(), range: self.range() });
        }
        Ok(value)
    }

    /// The valid values, in words: `0.0 to 1.0`, `memory or redis`, `true or false`.
    pub fn range(&self) -> String {
        match (self.kind, &self.min, &self.max) {
            (OptionKind::Choice, _, _) => self.values.join(" or "),
            (OptionKind::Bool, _, _) => "true or false".to_owned(),
            (_, Some(min), Some(max)) => format!("{min} to {max}"),
            (_, Some(min), None) => format!("at least {min}"),
            (_, None, Some(max)) => format!("at most {max}"),
            (_, None, None) => self.expected().to_owned(),
        }
    }

    fn typed(&self, value: OptionValue) -> Result<OptionValue, ValueError> {
        let fits = match (self.kind, &value) {
            #[expect(clippy::cast_precision_loss, reason = "`1` typed where `1.0` is meant")]
            (OptionKind::Float, OptionValue::Integer(whole)) => return Ok(OptionValue::Float(*whole as f64)),
            (OptionKind::Float, OptionValue::Float(number)) => number.is_finite(),
            (OptionKind::Duration, OptionValue::String(text)) => parse_duration(text).is_some(),
            (OptionKind::Bool, OptionValue::Bool(_))
            | (OptionKind::Integer, OptionValue::Integer(_))
            | (OptionKind::String | OptionKind::Choice, OptionValue::String(_)) => true,
            _ => false,
        };
        if fits { Ok(value) } else { Err(self.type_error(&value.to_string())) }
    }

    fn type_error(&self, value: &str) -> ValueError {
        ValueError::Type { value: value.to_owned(), expected: self.expected() }
    }

    fn expected(&self) -> &'static str {
        match self.kind {
            OptionKind::Bool => "true or false",
            OptionKind::Integer => "a whole number",
            OptionKind::Float => "a number",
            OptionKind::String => "a text",
            OptionKind::Duration => "a duration such as 250ms, 30s, 5m or 1h",
            OptionKind::Choice => "one of the choices",
        }
    }
}

fn bound(kind: OptionKind, value: Option<&OptionValue>) -> Option<f64> {
    value.and_then(|value| magnitude(kind, value))
}

/// The size that ranges compare; texts and choices have none.
fn magnitude(kind: OptionKind, value: &OptionValue) -> Option<f64> {
    match (kind, value) {
        #[expect(clippy::cast_precision_loss, reason = "ranges are far below 2^52")]
        (OptionKind::Integer | OptionKind::Float, OptionValue::Integer(whole)) => Some(*whole as f64),
        (OptionKind::Float, OptionValue::Float(number)) => Some(*number),
        (OptionKind::Duration, OptionValue::String(text)) => {
            parse_duration(text).map(|duration| duration.as_secs_f64())
        }
        _ => None,
    }
}

/// Reads `250ms`, `30s`, `5m` or `1h`.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let digits = text.find(|character: char| !character.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().ok()?;
    match unit {
        "ms" => Some(Duration::from_millis(number)),
        "s" => Some(Duration::from_secs(number)),
        "m" => number.checked_mul(60).map(Duration::from_secs),
        "h" => number.checked_mul(3_600).map(Duration::from_secs),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(text: &str) -> OptionSpec {
        toml::from_str(text).expect("an option")
    }

    #[test]
    fn a_number_out_of_range_names_the_range() {
        let rate = spec("type = 'float'\ndefault = 0.5\nmin = 0.0\nmax = 1.0\nhelp = 'rate'");
        assert_eq!(rate.parse("1"), Ok(OptionValue::Float(1.0)));
        assert_eq!(
            rate.parse("2").map_err(|error| error.to_string()),
            Err("`2.0` is out of range: 0.0 to 1.0".to_owned())
        );
        assert!(rate.parse("NaN").is_err());
        assert!(rate.parse("lots").is_err());
    }

    #[test]
    fn a_duration_is_compared_by_its_length() {
        let wait = spec("type = 'duration'\ndefault = '30s'\nmin = '100ms'\nmax = '1h'\nhelp = 'wait'");
        assert!(wait.parse("5m").is_ok());
        assert!(wait.parse("99ms").is_err());
        assert!(wait.parse("61m").is_err());
        assert!(wait.parse("1d").is_err());
        assert!(wait.parse("30").is_err());
    }

    #[test]
    fn a_choice_lists_what_there_is_to_choose() {
        let store = spec("type = 'choice'\ndefault = 'memory'\nvalues = ['memory', 'redis']\nhelp = 'store'");
        assert!(store.parse("redis").is_ok());
        assert_eq!(
            store.parse("disk").map_err(|error| error.to_string()),
            Err("`disk` is none of memory, redis".to_owned())
        );
    }
}
