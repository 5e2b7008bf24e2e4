use otelgen::{BreakerOpen, traced_breaker};

struct Error;

impl From<BreakerOpen> for Error {
    fn from(_: BreakerOpen) -> Self {
        Self
    }
}

#[traced_breaker(on_open = fallback)]
fn guarded((left, right): (u8, u8)) -> Result<u8, Error> {
    Ok(left + right)
}

fn fallback(_: (u8, u8)) -> Result<u8, Error> {
    Ok(0)
}

fn main() {}
