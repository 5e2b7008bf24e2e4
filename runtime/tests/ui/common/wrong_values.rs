use otelgen::{BreakerOpen, traced_breaker};

struct Error;

impl From<BreakerOpen> for Error {
    fn from(_: BreakerOpen) -> Self {
        Self
    }
}

#[traced_breaker(name = "", span = "inf", metrics = "no", fields = 3)]
fn guarded() -> Result<(), Error> {
    Ok(())
}

#[traced_breaker(name = NAME, span = 7, crate = "otelgen")]
fn more() -> Result<(), Error> {
    Ok(())
}

fn main() {}
