use otelgen::{BreakerOpen, traced_breaker};

struct Error;

impl From<BreakerOpen> for Error {
    fn from(_: BreakerOpen) -> Self {
        Self
    }
}

#[traced_breaker(window = "30", open_for = "30 s", slow_call = "fast", half_open_timeout = "")]
fn guarded() -> Result<(), Error> {
    Ok(())
}

fn main() {}
