use otelgen::{BreakerOpen, BulkheadFull, traced_breaker, traced_bulkhead};

trait Stock {
    #[traced_breaker]
    fn guarded(&self, item: u32) -> Result<u32, BreakerOpen> {
        Ok(item)
    }

    #[traced_bulkhead(max_concurrent = 1)]
    fn bounded(&self, item: u32) -> Result<u32, BulkheadFull> {
        Ok(item)
    }
}

fn main() {}
