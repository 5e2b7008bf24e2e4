use otelgen::traced_route;

#[traced_route(legacy = Ok(1), percent = 101)]
fn too_much() -> Result<u32, ()> {
    Ok(1)
}

#[traced_route(legacy = Ok(1), percent = "10")]
fn not_a_number() -> Result<u32, ()> {
    Ok(1)
}

#[traced_route(
    legacy = Ok(1),
    shadow = "new",
    shadow_side = "nwe",
    shadow_percent = -1,
    max_shadows = 0,
    shadow_timeout = "0s",
    compare = 3,
)]
fn shadows() -> Result<u32, ()> {
    Ok(1)
}

#[traced_route(legacy)]
fn legacy_without_a_value() -> Result<u32, ()> {
    Ok(1)
}

#[traced_route(legacy = Ok(1), precent = 10, shadow_precent = 10)]
fn slips() -> Result<u32, ()> {
    Ok(1)
}

#[traced_route(legacy = Ok(1), legacy = Ok(2))]
fn given_twice() -> Result<u32, ()> {
    Ok(1)
}

#[traced_route(legacy = Ok(1), route = ROUTE, name = "other", percent = 10, shadow, max_shadows = 4)]
fn settings_of_its_own() -> Result<u32, ()> {
    Ok(1)
}

fn main() {}
