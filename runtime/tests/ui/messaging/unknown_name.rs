use otelgen::{traced_consumer, traced_producer};

type Headers = Vec<(String, String)>;

#[traced_producer(systm = "kafka", system = "kafka", destination = "orders", headers = headers)]
fn slip(headers: &mut Headers) {}

#[traced_producer(system = "kafka", destination = "orders", headers = headers, parent)]
fn producers_have_no_parent(headers: &mut Headers) {}

#[traced_consumer(system = "kafka", destination = "orders", header = headers)]
fn header(headers: &Headers) {}

fn main() {}
