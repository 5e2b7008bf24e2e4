use otelgen::{BreakerOpen, traced_breaker};

struct Error;

impl From<BreakerOpen> for Error {
    fn from(_: BreakerOpen) -> Self {
        Self
    }
}

#[traced_breaker(failure_rate = 2)]
fn guarded(item: u32) -> Result<u32, Error> {
    Ok(item)
}

// Only the argument is reported: the function exists, with its type.
fn caller() -> Result<u32, Error> {
    guarded(3)
}

fn main() {
    let _ = caller();
}
