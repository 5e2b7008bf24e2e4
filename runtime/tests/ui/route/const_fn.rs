use otelgen::traced_route;

#[traced_route(legacy = Ok(1))]
const fn price() -> Result<u32, ()> {
    Ok(2)
}

fn main() {}
