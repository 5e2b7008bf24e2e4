use otelgen::traced_retry;

#[traced_retry(attempts = 0, factor = 0.5, jitter = "ful", base = "1h", budget = 2.0)]
async fn out_of_range() -> Result<(), String> {
    Ok(())
}

#[traced_retry(attempts = three, base = 100, when = |_| true)]
async fn wrong_types() -> Result<(), String> {
    Ok(())
}

#[traced_retry(attempt_timeout = "1s")]
fn blocking() -> Result<(), otelgen::Elapsed> {
    Ok(())
}

#[traced_retry(map = late)]
async fn nothing_to_map() -> Result<(), String> {
    Ok(())
}

#[traced_retry(atempts = 2)]
async fn misspelt() -> Result<(), String> {
    Ok(())
}

#[traced_retry]
async fn returns_nothing() {}

fn main() {}
