use otelgen::traced_rate_limit;

struct Failed;

#[traced_rate_limit(per_second = 10)]
fn limited() -> Result<(), Failed> {
    Ok(())
}

fn main() {}
