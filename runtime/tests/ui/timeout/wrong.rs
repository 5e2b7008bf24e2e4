use otelgen::{TracedTimeout, traced_timeout};

#[traced_timeout]
async fn without_a_time() -> Result<(), otelgen::Elapsed> {
    Ok(())
}

#[traced_timeout(after = 2)]
async fn not_a_duration() -> Result<(), otelgen::Elapsed> {
    Ok(())
}

#[traced_timeout(after = "0s")]
async fn no_time() -> Result<(), otelgen::Elapsed> {
    Ok(())
}

#[traced_timeout(after = "2s")]
fn blocking() -> Result<(), otelgen::Elapsed> {
    Ok(())
}

#[traced_timeout(after = "2s")]
async fn returns_nothing() {}

#[traced_timeout(afer = "2s")]
async fn misspelt() -> Result<(), otelgen::Elapsed> {
    Ok(())
}

#[traced_timeout(after = "2s", timeout = limit())]
async fn contradicts() -> Result<(), otelgen::Elapsed> {
    Ok(())
}

fn limit() -> TracedTimeout {
    unimplemented!()
}

fn main() {}
