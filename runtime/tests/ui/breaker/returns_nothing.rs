use otelgen::{BreakerOpen, traced_breaker};

struct Error;

impl From<BreakerOpen> for Error {
    fn from(_: BreakerOpen) -> Self {
        Self
    }
}

#[traced_breaker]
fn returns_nothing() {}

#[traced_breaker]
fn returns_no_result() -> u32 {
    3
}

fn main() {}
