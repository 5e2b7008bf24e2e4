use otelgen::traced_timeout;

struct Error;

#[traced_timeout(after = "2s")]
async fn without_from() -> Result<(), Error> {
    Ok(())
}

#[traced_timeout(timeout = 5)]
async fn not_a_timeout() -> Result<(), otelgen::Elapsed> {
    Ok(())
}

fn main() {}
