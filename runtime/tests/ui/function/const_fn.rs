use otelgen::{BreakerOpen, traced_breaker};

struct Error;

impl From<BreakerOpen> for Error {
    fn from(_: BreakerOpen) -> Self {
        Self
    }
}

#[traced_breaker]
const fn guarded() -> Result<(), Error> {
    Ok(())
}

fn main() {}
