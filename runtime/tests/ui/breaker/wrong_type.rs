use otelgen::{BreakerOpen, traced_breaker};

struct Error;

impl From<BreakerOpen> for Error {
    fn from(_: BreakerOpen) -> Self {
        Self
    }
}

#[traced_breaker(failure_rate = "half", min_calls = 2.5, window = 30, is_failure = 3, open_for)]
fn guarded() -> Result<(), Error> {
    Ok(())
}

#[traced_breaker(key, breaker(SHARED), on_open = |n| n)]
fn shapes() -> Result<(), Error> {
    Ok(())
}

fn main() {}
