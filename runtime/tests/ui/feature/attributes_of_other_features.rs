use otelgen::{traced_cache, traced_rate_limit, traced_retry};

#[traced_retry]
async fn retried() -> Result<u32, String> {
    Ok(1)
}

#[traced_rate_limit(per_second = 10)]
async fn limited() -> Result<u32, String> {
    Ok(1)
}

#[traced_cache(key = 1)]
async fn cached() -> Result<u32, String> {
    Ok(1)
}

fn main() {
    // The items are still there.
    drop((retried(), limited(), cached()));
}
