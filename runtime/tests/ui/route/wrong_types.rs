use otelgen::traced_route;

struct NotClone;
struct NotAKey;

#[traced_route(legacy = Ok(1), shadow)]
async fn argument_that_cannot_be_cloned(argument: NotClone) -> Result<u32, ()> {
    drop(argument);
    Ok(2)
}

#[traced_route(legacy = Ok(1), key = key)]
fn key_without_a_text(key: NotAKey) -> Result<u32, ()> {
    Ok(2)
}

#[traced_route(legacy = Ok(1), route = "pricing")]
fn not_a_route() -> Result<u32, ()> {
    Ok(2)
}

async fn old() -> Result<u32, ()> {
    Ok(1)
}

#[traced_route(legacy = old())]
async fn legacy_that_is_not_awaited() -> Result<u32, ()> {
    Ok(2)
}

fn main() {}
