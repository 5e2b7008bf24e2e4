use otelgen::{BreakerOpen, traced_breaker};

struct Error;

impl From<BreakerOpen> for Error {
    fn from(_: BreakerOpen) -> Self {
        Self
    }
}

#[traced_breaker(name = )]
fn without_value() -> Result<(), Error> {
    Ok(())
}

#[traced_breaker("payments")]
fn without_key() -> Result<(), Error> {
    Ok(())
}

#[traced_breaker = "payments"]
fn with_equals() -> Result<(), Error> {
    Ok(())
}

fn main() {}
