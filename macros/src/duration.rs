//! Durations as people write them in attributes: `"100ms"`, `"30s"`, `"1m30s"`, `"2h"`.

use std::time::Duration;

pub(crate) const MILLISECOND: Duration = Duration::from_millis(1);
pub(crate) const DAY: Duration = Duration::from_secs(86_400);

/// Reads a sequence of number and unit (`ns`, `us`, `ms`, `s`, `m`, `h`, `d`), without spaces.
///
/// # Errors
/// Says which part could not be read.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    if text.is_empty() {
        return Err("an empty duration".to_owned());
    }
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        let (number, tail) = rest.split_at(digits);
        if number.is_empty() {
            return Err(format!("`{rest}` does not start with a whole number"));
        }
        let unit_end = tail
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit_end);
        let nanos_per_unit: u64 = match unit {
            "ns" => 1,
            "us" | "µs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" | "min" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            "d" => 86_400_000_000_000,
            "" => return Err(format!("`{number}` has no unit")),
            other => return Err(format!("`{other}` is not a unit of time")),
        };
        total = number
            .parse::<u64>()
            .ok()
            .and_then(|count| count.checked_mul(nanos_per_unit))
            .and_then(|nanos| total.checked_add(Duration::from_nanos(nanos)))
            .ok_or_else(|| format!("`{text}` is longer than can be measured"))?;
        rest = tail;
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::parse;

    #[test]
    fn reads_what_people_write() {
        assert_eq!(parse("100ms"), Ok(Duration::from_millis(100)));
        assert_eq!(parse("1m30s"), Ok(Duration::from_secs(90)));
        assert_eq!(parse("0s"), Ok(Duration::ZERO));
    }

    #[test]
    fn names_the_part_it_cannot_read() {
        assert_eq!(parse("30"), Err("`30` has no unit".to_owned()));
        assert_eq!(parse("3 s"), Err("` s` is not a unit of time".to_owned()));
        assert_eq!(
            parse("s"),
            Err("`s` does not start with a whole number".to_owned())
        );
        assert!(parse("99999999999999999999s").is_err());
    }
}
