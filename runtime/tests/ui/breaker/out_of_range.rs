use otelgen::{BreakerOpen, traced_breaker};

struct Error;

impl From<BreakerOpen> for Error {
    fn from(_: BreakerOpen) -> Self {
        Self
    }
}

#[traced_breaker(
    failure_rate = 1.5,
    min_calls = 0,
    window = "1ms",
    slow_call = "0s",
    slow_rate = -0.1,
    open_for = "2d",
    open_backoff = 0.5,
    half_open_permits = 0,
)]
fn guarded() -> Result<(), Error> {
    Ok(())
}

fn main() {}
