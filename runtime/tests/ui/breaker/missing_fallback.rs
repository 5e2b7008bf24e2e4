use otelgen::traced_breaker;

struct Error;

#[traced_breaker]
fn guarded() -> Result<(), Error> {
    Ok(())
}

fn main() {}
