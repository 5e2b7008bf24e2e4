use otelgen::traced_bulkhead;

#[traced_bulkhead]
async fn without_a_number() -> Result<(), otelgen::BulkheadFull> {
    Ok(())
}

#[traced_bulkhead(max_concurrent = 0)]
fn nobody() -> Result<(), otelgen::BulkheadFull> {
    Ok(())
}

#[traced_bulkhead(max_concurrent = "many", max_wait = "soon")]
fn wrong_types() -> Result<(), otelgen::BulkheadFull> {
    Ok(())
}

#[traced_bulkhead(max_concurrent = 1, max_concurrent = 2)]
fn twice() -> Result<(), otelgen::BulkheadFull> {
    Ok(())
}

#[traced_bulkhead(max_concurent = 1)]
fn misspelt() -> Result<(), otelgen::BulkheadFull> {
    Ok(())
}

#[traced_bulkhead(max_concurrent = 1)]
const fn constant() -> Result<(), otelgen::BulkheadFull> {
    Ok(())
}

fn main() {}
