use otelgen::traced_retry;

struct Failed;

#[traced_retry(attempt_timeout = "1s")]
async fn timed() -> Result<(), Failed> {
    Ok(())
}

fn main() {}
