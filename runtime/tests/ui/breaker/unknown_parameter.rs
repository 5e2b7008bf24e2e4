use otelgen::{BreakerOpen, traced_breaker};

struct Error;

impl From<BreakerOpen> for Error {
    fn from(_: BreakerOpen) -> Self {
        Self
    }
}

#[traced_breaker(failure_rat = 0.5)]
fn misspelt() -> Result<(), Error> {
    Ok(())
}

#[traced_breaker(colour = "red")]
fn stranger() -> Result<(), Error> {
    Ok(())
}

fn main() {}
