use otelgen::{BreakerOpen, traced_breaker};

struct Error;

impl From<BreakerOpen> for Error {
    fn from(_: BreakerOpen) -> Self {
        Self
    }
}

#[traced_breaker(name = "a", min_calls = 3, name = "b")]
fn guarded() -> Result<(), Error> {
    Ok(())
}

fn main() {}
