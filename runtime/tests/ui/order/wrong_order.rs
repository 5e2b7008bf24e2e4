use otelgen::{BreakerOpen, traced_breaker};

struct Error;

impl From<BreakerOpen> for Error {
    fn from(_: BreakerOpen) -> Self {
        Self
    }
}

use otelgen::traced;

#[traced_breaker]
#[traced]
fn traced_inside_breaker() -> Result<(), Error> {
    Ok(())
}

#[traced]
#[traced]
fn twice() {}

fn main() {}
