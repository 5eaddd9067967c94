//! pm2-interface's last example: connect, be ready, disconnect, and end.
//!
//! ```text
//! cargo run --example disconnect
//! ```
#![expect(clippy::print_stdout, reason = "an example for a terminal")]

use std::error::Error;

use pm2_tui::Client;
use pm2_tui::client::{ClientError, ClientOptions, Endpoint};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let endpoint = Endpoint::from_env(|name| std::env::var_os(name))?;
    let client = Client::connect(&endpoint, ClientOptions::default()).await?;
    println!("ready: {} methods", client.methods().names().count());
    let clone = client.clone();
    client.disconnect().await;
    // Whoever still has a clone is told so; to talk to PM2 again, connect again.
    match clone.get_monitor_data().await {
        Err(ClientError::Closed) => println!("disconnected"),
        other => return Err(format!("still connected: {other:?}").into()),
    }
    Ok(())
}
