//! Asks the service in this container whether it is alive: the image has nothing else to ask with.

use std::net::Ipv4Addr;
use std::time::Duration;

use crate::config::Config;

/// Fails where the service does not answer, or not well.
pub async fn run(config: &Config) -> anyhow::Result<()> {
    let mut address = config.address;
    if address.ip().is_unspecified() {
        address.set_ip(Ipv4Addr::LOCALHOST.into());
    }
    let client = reqwest::Client::builder()
        .timeout(Duration::from_secs(2))
        .build()?;
    let response = client
        .get(format!("http://{address}/healthz"))
        .send()
        .await?;
    response.error_for_status()?;
    Ok(())
}
