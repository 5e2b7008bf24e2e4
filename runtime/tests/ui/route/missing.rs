use otelgen::traced_route;

#[traced_route(percent = 10)]
fn no_legacy() -> Result<u32, ()> {
    Ok(1)
}

#[traced_route(legacy = ())]
fn returns_nothing() {}

#[traced_route(legacy = Ok(1), compare = |legacy, new| legacy == new)]
fn nothing_to_compare_with() -> Result<u32, ()> {
    Ok(1)
}

#[traced_route(legacy = Ok(1), max_shadows = 4)]
fn no_shadow() -> Result<u32, ()> {
    Ok(1)
}

fn main() {}
