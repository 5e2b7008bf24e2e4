use otelgen::traced_retry;

#[traced_retry]
async fn send(message: String) -> Result<(), String> {
    Err(message)
}

fn main() {}
