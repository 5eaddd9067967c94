//! pm2-interface's first example: shows every event, asks for all processes, restarts process 0.
//!
//! ```text
//! cargo run --example basic [ID]
//! ```
#![expect(clippy::print_stdout, reason = "an example for a terminal")]

use std::error::Error;
use std::time::Duration;

use futures_util::StreamExt;
use pm2_tui::client::{BusItem, ClientOptions, Endpoint};
use pm2_tui::{Bus, Client};

/// How long events are shown after the restart.
const WATCH: Duration = Duration::from_secs(3);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let id = std::env::args().nth(1).map_or(Ok(0), |id| id.parse())?;
    let endpoint = Endpoint::from_env(|name| std::env::var_os(name))?;
    let client = Client::connect(&endpoint, ClientOptions::default()).await?;
    println!("Connected to pm2");

    let mut bus = Bus::subscribe(&endpoint, &["*"])?;
    for process in client.snapshot().await?.processes {
        println!("{} {} {}", process.pm_id, process.name, process.status.as_str());
    }
    // The bus has no history: only what happens from here on is shown.
    while !matches!(bus.next().await, Some(BusItem::Connected) | None) {}
    client.restart_process_id(id).await?;
    println!("restarted {id}");

    let showing = async {
        while let Some(item) = bus.next().await {
            if let BusItem::Event(event) = item {
                let name = event.process.map(|process| process.name).unwrap_or_default();
                println!("{} {name}", event.topic);
            }
        }
    };
    // It never ends by itself: the bus connects again when the daemon goes.
    let _ = tokio::time::timeout(WATCH, showing).await;
    client.disconnect().await;
    Ok(())
}
