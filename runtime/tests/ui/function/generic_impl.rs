use otelgen::{BreakerOpen, traced_breaker};

struct Error;

impl From<BreakerOpen> for Error {
    fn from(_: BreakerOpen) -> Self {
        Self
    }
}

struct Repository<T>(T);

impl<T: Clone> Repository<T> {
    #[traced_breaker]
    fn get(&self) -> Result<T, Error> {
        Ok(self.0.clone())
    }
}

fn main() {}
