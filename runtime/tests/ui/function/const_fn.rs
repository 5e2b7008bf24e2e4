use otelgen::{
    BreakerOpen, BulkheadFull, traced, traced_breaker, traced_bulkhead,
};

#[traced]
const fn measured() -> u32 {
    3
}

#[traced_breaker]
const fn guarded() -> Result<(), BreakerOpen> {
    Ok(())
}

#[traced_bulkhead(max_concurrent = 1)]
const fn bounded() -> Result<(), BulkheadFull> {
    Ok(())
}

fn main() {}
