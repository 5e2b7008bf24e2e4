use otelgen::traced_route;

trait Pricing {
    #[traced_route(legacy = Ok(1))]
    fn price(&self) -> Result<u32, ()> {
        Ok(2)
    }
}

fn main() {}
