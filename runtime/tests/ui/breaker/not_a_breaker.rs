use otelgen::{BreakerOpen, traced_breaker};

struct Error;

impl From<BreakerOpen> for Error {
    fn from(_: BreakerOpen) -> Self {
        Self
    }
}

#[traced_breaker(breaker = 3)]
fn not_a_breaker() -> Result<(), Error> {
    Ok(())
}

struct NotText;

#[traced_breaker(key = NotText)]
fn not_a_key() -> Result<(), Error> {
    Ok(())
}

fn main() {}
