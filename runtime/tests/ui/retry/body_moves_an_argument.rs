use otelgen::traced_retry;

struct Message;

#[traced_retry]
async fn send(message: Message) -> Result<(), Message> {
    Err(message)
}

fn main() {}
