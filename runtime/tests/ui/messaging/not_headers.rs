use otelgen::{traced_consumer, traced_producer};

struct Envelope;

#[traced_producer(system = "kafka", destination = "orders", headers = envelope)]
fn sends(envelope: &mut Envelope) {}

#[traced_consumer(system = "kafka", destination = "orders", headers = envelope)]
async fn processes(envelope: Envelope) {}

fn main() {}
