use std::sync::Arc;

use otelgen::traced_route;

struct Shop;

impl Shop {
    #[traced_route(legacy = Ok(1), shadow)]
    async fn by_reference(&self, item: &str, always: &'static str) -> Result<u32, ()> {
        Ok(2)
    }

    #[traced_route(legacy = Ok(1), shadow)]
    async fn by_reference_to_an_arc(self: &Arc<Self>) -> Result<u32, ()> {
        Ok(2)
    }
}

fn main() {}
