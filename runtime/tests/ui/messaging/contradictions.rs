use otelgen::{traced_consumer, traced_producer};

type Headers = Vec<(String, String)>;

#[traced_consumer(system = "kafka", destination = "orders", headers = headers, link, parent)]
fn both(headers: &Headers) {}

#[traced_consumer(system = "kafka", destination = "orders", batch = batch, parent)]
fn child_of_many(batch: &[Headers]) {}

#[traced_producer(system = "kafka", destination = "orders", headers = headers, batch = [headers])]
fn one_and_many(headers: &mut Headers) {}

#[traced_producer(system = "kafka", destination = "orders", template = "orders.{tenant}", headers = headers)]
fn fixed_and_computed(headers: &mut Headers) {}

#[traced_producer(system = "kafka", system = "nats", destination = "orders", headers = headers)]
fn given_twice(headers: &mut Headers) {}

fn main() {}
