use otelgen::{BreakerOpen, traced_breaker};

struct Error;

impl From<BreakerOpen> for Error {
    fn from(_: BreakerOpen) -> Self {
        Self
    }
}

#[traced_breaker]
struct NotAFunction;

trait Stock {
    #[traced_breaker]
    fn without_body(&self) -> Result<u32, Error>;
}

fn main() {}
