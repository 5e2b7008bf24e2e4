use otelgen::{TraceFields, traced};

struct Address;

#[derive(TraceFields)]
struct Order {
    address: Address,
    #[trace(nested)]
    nested: Address,
    #[trace(display)]
    displayed: Address,
}

#[traced(fields(..address))]
fn spread(address: Address) {}

fn main() {}
