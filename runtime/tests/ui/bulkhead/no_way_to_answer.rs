use otelgen::traced_bulkhead;

struct Error;

#[traced_bulkhead(max_concurrent = 1)]
fn without_from() -> Result<(), Error> {
    Ok(())
}

trait Render {
    #[traced_bulkhead(max_concurrent = 1)]
    fn render(&self) -> Result<(), otelgen::BulkheadFull> {
        Ok(())
    }
}

fn main() {}
