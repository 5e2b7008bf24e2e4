use otelgen::{BreakerOpen, traced_breaker};

struct Error;

impl From<BreakerOpen> for Error {
    fn from(_: BreakerOpen) -> Self {
        Self
    }
}

trait Stock {
    #[traced_breaker]
    fn look_up(&self, item: u32) -> Result<u32, Error> {
        Ok(item)
    }
}

fn main() {}
