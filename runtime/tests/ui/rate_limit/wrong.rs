use otelgen::{RateLimited, traced_rate_limit};

#[traced_rate_limit]
fn without_a_rate() -> Result<(), RateLimited> {
    Ok(())
}

#[traced_rate_limit(per_second = 0, burst = 0)]
fn out_of_range() -> Result<(), RateLimited> {
    Ok(())
}

#[traced_rate_limit(per_second = 10, max_wait = "1s")]
fn does_not_wait() -> Result<(), RateLimited> {
    Ok(())
}

#[traced_rate_limit(per_second = 10, on_limit = "rejct")]
fn misspelt() -> Result<(), RateLimited> {
    Ok(())
}

#[traced_rate_limit(per_second = 10, max_keys = 5)]
fn without_a_key() -> Result<(), RateLimited> {
    Ok(())
}

#[traced_rate_limit(per_second = 10, limit = limit(), key = 1)]
fn contradicts() -> Result<(), RateLimited> {
    Ok(())
}

fn main() {}
