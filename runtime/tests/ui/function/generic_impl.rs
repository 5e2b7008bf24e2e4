use otelgen::{BreakerOpen, BulkheadFull, traced_breaker, traced_bulkhead};

struct Repository<T>(T);

impl<T: Clone> Repository<T> {
    #[traced_breaker]
    fn guarded(&self) -> Result<T, BreakerOpen> {
        Ok(self.0.clone())
    }

    #[traced_bulkhead(max_concurrent = 1)]
    fn bounded(&self) -> Result<T, BulkheadFull> {
        Ok(self.0.clone())
    }
}

fn main() {}
