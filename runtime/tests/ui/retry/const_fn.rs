use otelgen::{RateLimited, traced_cache, traced_rate_limit, traced_retry};

#[traced_retry]
const fn retried() -> Result<(), String> {
    Ok(())
}

#[traced_rate_limit(per_second = 10)]
const fn limited() -> Result<(), RateLimited> {
    Ok(())
}

#[traced_cache(key = item)]
const fn cached(item: u32) -> Result<u32, String> {
    Ok(item)
}

fn main() {}
