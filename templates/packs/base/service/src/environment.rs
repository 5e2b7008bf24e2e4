//! Typed values from environment variables. Every bad one is remembered: all are told at once.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use http::Uri;
use otelgen::telemetry::{Environment, EnvironmentErrors};

const NO_HTTPS: &str = "is an https URL, which needs a build with `--features tls`";

/// Reads values and remembers what was wrong with them.
pub struct Reader<'a> {
    /// The variables that values are read from.
    pub environment: &'a Environment,
    problems: Vec<String>,
}

impl<'a> Reader<'a> {
    /// Nothing read yet.
    pub fn new(environment: &'a Environment) -> Self {
        Self {
            environment,
            problems: Vec::new(),
        }
    }

    /// The value of `name`; `default` where it is not set, is empty, or is wrong.
    pub fn get<T: Setting>(&mut self, name: &str, default: T) -> T {
        let Some(text) = self.environment.get(name) else {
            return default;
        };
        let value = T::parse(text).map_err(|problem| format!("{name} {problem}"));
        self.accept(value).unwrap_or(default)
    }

    /// The duration in `name`, which bounds something and so is above zero.
    pub fn timeout(&mut self, name: &str, default: Duration) -> Duration {
        let value = self.get(name, default);
        if value.is_zero() {
            self.note(format!("{name} is zero, and nothing is done in no time"));
        }
        value
    }

    /// What somebody else has read; `None` where it is wrong.
    pub fn accept<T, E: fmt::Display>(&mut self, value: Result<T, E>) -> Option<T> {
        value.map_err(|problem| self.note(problem.to_string())).ok()
    }

    /// What somebody else has read from several variables; `None` where any of them is wrong.
    pub fn accept_all<T>(&mut self, value: Result<T, EnvironmentErrors>) -> Option<T> {
        let problems = |errors: EnvironmentErrors| {
            for problem in errors {
                self.note(problem.to_string());
            }
        };
        value.map_err(problems).ok()
    }

    fn note(&mut self, problem: String) {
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    /// `values`, unless anything was wrong.
    pub fn finish<T>(self, values: Option<T>) -> Result<T, InvalidConfig> {
        let problems = self.problems;
        match values {
            Some(values) if problems.is_empty() => Ok(values),
            _ => Err(InvalidConfig { problems }),
        }
    }
}

/// All that is wrong with the environment.
#[derive(Debug)]
pub struct InvalidConfig {
    problems: Vec<String>,
}

impl fmt::Display for InvalidConfig {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the environment does not make a valid configuration")?;
        for problem in &self.problems {
            write!(formatter, "\n  {problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for InvalidConfig {}

/// A type that a variable can hold.
pub trait Setting: Sized {
    /// Reads the value, or says what is wrong with it.
    fn parse(text: &str) -> Result<Self, String>;
}

impl Setting for u16 {
    fn parse(text: &str) -> Result<Self, String> {
        text.parse()
            .map_err(|_| format!("is `{text}`, which is not a number from 0 to 65535"))
    }
}

impl Setting for usize {
    fn parse(text: &str) -> Result<Self, String> {
        text.parse()
            .map_err(|_| format!("is `{text}`, which is not a whole number"))
    }
}

impl Setting for IpAddr {
    fn parse(text: &str) -> Result<Self, String> {
        text.parse()
            .map_err(|_| format!("is `{text}`, which is not an address such as 0.0.0.0 or ::1"))
    }
}

impl Setting for Duration {
    fn parse(text: &str) -> Result<Self, String> {
        duration(text)
            .ok_or_else(|| format!("is `{text}`, which is not a duration such as 250ms, 10s or 2m"))
    }
}

impl Setting for Uri {
    /// The text is not repeated: it may carry a password.
    fn parse(text: &str) -> Result<Self, String> {
        let uri = text.parse::<Self>().unwrap_or_default();
        match uri.scheme_str() {
            Some("https") if cfg!(not(feature = "tls")) => Err(NO_HTTPS.to_owned()),
            Some("http" | "https") if text.contains(['?', '#']) => Err(
                "is a URL with a query or a fragment, which paths cannot be put behind".to_owned(),
            ),
            Some("http" | "https") => Ok(uri),
            _ => Err("is not a URL such as http://localhost:8081".to_owned()),
        }
    }
}

fn duration(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?);
    let number = number.parse::<u64>().ok()?;
    match unit {
        "ms" => Some(Duration::from_millis(number)),
        "s" => Some(Duration::from_secs(number)),
        "m" => number.checked_mul(60).map(Duration::from_secs),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unset_or_empty_variable_leaves_the_default() {
        let environment = Environment::from_pairs([("EMPTY", "  ")]);
        let mut reader = Reader::new(&environment);
        assert_eq!(reader.get("EMPTY", 8080_u16), 8080);
        assert_eq!(reader.get("UNSET", 8080_u16), 8080);
        assert!(reader.finish(Some(())).is_ok());
    }

    #[test]
    fn durations_have_a_unit() {
        assert_eq!(duration("250ms"), Some(Duration::from_millis(250)));
        assert_eq!(duration("10s"), Some(Duration::from_secs(10)));
        assert_eq!(duration("2m"), Some(Duration::from_secs(120)));
        for wrong in [
            "",
            "10",
            "s",
            "1.5s",
            "-1s",
            "10 s",
            "99999999999999999999s",
        ] {
            assert_eq!(duration(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn nothing_is_done_in_no_time() {
        let environment = Environment::from_pairs([("TIMEOUT", "0s")]);
        let mut reader = Reader::new(&environment);
        reader.timeout("TIMEOUT", Duration::from_secs(1));
        let message = reader.finish(Some(())).unwrap_err().to_string();
        assert!(message.contains("TIMEOUT is zero"), "{message}");
    }

    #[test]
    fn a_base_url_has_no_query_and_no_fragment() {
        for wrong in ["http://h?x=1#f", "http://h/#f", "ftp://h", "h:80"] {
            assert!(Uri::parse(wrong).is_err(), "{wrong}");
        }
        assert!(Uri::parse("http://localhost:8081/api").is_ok());
    }

    #[test]
    fn all_bad_values_are_told_at_once_and_urls_are_not_repeated() {
        let environment = Environment::from_pairs([
            ("PORT", "eighty"),
            ("TIMEOUT", "soon"),
            ("URL", "user:secret@nowhere"),
        ]);
        let mut reader = Reader::new(&environment);
        reader.get("PORT", 8080_u16);
        reader.get("TIMEOUT", Duration::ZERO);
        reader.get("URL", Uri::default());
        let message = reader.finish(Some(())).unwrap_err().to_string();
        assert!(message.contains("PORT is `eighty`"), "{message}");
        assert!(message.contains("TIMEOUT is `soon`"), "{message}");
        assert!(message.contains("URL is not a URL"), "{message}");
        assert!(!message.contains("secret"), "{message}");
    }
}
