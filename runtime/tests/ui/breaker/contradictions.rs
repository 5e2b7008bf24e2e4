use otelgen::{BreakerOpen, traced_breaker};

struct Error;

impl From<BreakerOpen> for Error {
    fn from(_: BreakerOpen) -> Self {
        Self
    }
}

#[traced_breaker(window = "30s", window_calls = 100)]
fn two_windows() -> Result<(), Error> {
    Ok(())
}

#[traced_breaker(window_calls = 10, min_calls = 11)]
fn min_calls_beyond_the_window() -> Result<(), Error> {
    Ok(())
}

#[traced_breaker(window_calls = 10)]
fn default_min_calls_beyond_the_window() -> Result<(), Error> {
    Ok(())
}

#[traced_breaker(slow_rate = 0.5)]
fn slow_rate_alone() -> Result<(), Error> {
    Ok(())
}

#[traced_breaker(open_max = "1m")]
fn open_max_alone() -> Result<(), Error> {
    Ok(())
}

#[traced_breaker(open_for = "2m", open_backoff = 2.0, open_max = "1m")]
fn open_max_too_short() -> Result<(), Error> {
    Ok(())
}

#[traced_breaker(max_keys = 8)]
fn max_keys_alone() -> Result<(), Error> {
    Ok(())
}

#[traced_breaker(on_open = other, map_open = other)]
fn two_answers() -> Result<(), Error> {
    Ok(())
}

#[traced_breaker(breaker = SHARED, min_calls = 3)]
fn settings_of_a_shared_breaker() -> Result<(), Error> {
    Ok(())
}

#[traced_breaker(breaker = SHARED, key = 1)]
fn key_of_a_shared_breaker() -> Result<(), Error> {
    Ok(())
}

fn main() {}
