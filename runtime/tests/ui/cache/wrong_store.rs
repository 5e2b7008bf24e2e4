use otelgen::traced_cache;

#[traced_cache(key = item, store = 5)]
fn not_a_cache(item: u32) -> Result<u32, String> {
    Ok(item)
}

fn main() {}
