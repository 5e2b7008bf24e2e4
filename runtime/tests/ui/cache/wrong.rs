use otelgen::traced_cache;

#[traced_cache]
fn without_a_key(item: u32) -> Result<u32, String> {
    Ok(item)
}

#[traced_cache(key = item, stale_if_error = "1m", refresh_ahead = "1m", ttl_jitter = 0.1)]
fn without_a_ttl(item: u32) -> Result<u32, String> {
    Ok(item)
}

#[traced_cache(key = item, ttl = "1m", refresh_ahead = "55s")]
fn refreshes_too_early(item: u32) -> Result<u32, String> {
    Ok(item)
}

#[traced_cache(key = item, ttl = "1m", stale_if_error = "1m", cache_err)]
fn contradicts(item: u32) -> Result<u32, String> {
    Ok(item)
}

#[traced_cache(key = item, max_entries = 0, ttl_jitter = 1.5)]
fn out_of_range(item: u32) -> Result<u32, String> {
    Ok(item)
}

#[traced_cache(key = item, max_entires = 10)]
fn misspelt(item: u32) -> Result<u32, String> {
    Ok(item)
}

#[traced_cache(key = item)]
fn returns_nothing(item: u32) {
    let _ = item;
}

fn main() {}
