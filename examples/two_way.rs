//! pm2-interface's two-way example: asks every process named `worker` for its heap, and shows what
//! they answer.
//!
//! ```text
//! pm2 start examples/worker.js -i 3 --name worker
//! cargo run --example two_way [ROUNDS [SECONDS]]
//! ```
#![expect(clippy::print_stdout, reason = "an example for a terminal")]

use std::error::Error;
use std::time::Duration;

use futures_util::StreamExt;
use pm2_tui::client::{BusItem, ClientOptions, Endpoint};
use pm2_tui::{Bus, Client};
use serde_json::json;

/// How often the processes are asked, in seconds.
const ASK_EVERY_S: u64 = 5;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let number = |index, or| std::env::args().nth(index).map_or(Ok(or), |text| text.parse());
    let (rounds, pause_s): (u64, u64) = (number(1, u64::MAX)?, number(2, ASK_EVERY_S)?);
    let endpoint = Endpoint::from_env(|name| std::env::var_os(name))?;
    let client = Client::connect(&endpoint, ClientOptions::default()).await?;
    let mut bus = Bus::subscribe(&endpoint, &["process:heap"])?;
    while !matches!(bus.next().await, Some(BusItem::Connected) | None) {}
    println!("Connected to pm2");

    let mut clock = tokio::time::interval(Duration::from_secs(pause_s));
    let mut asked = 0;
    loop {
        tokio::select! {
            _ = clock.tick() => {
                if asked == rounds {
                    break;
                }
                // `god:` is arbitrary: it tells what goes in from what comes out.
                let message = json!({ "name": "worker", "msg": { "type": "god:heap" } });
                let reached = client.msg_process(message).await?;
                println!("sent: {reached}");
                asked += 1;
            }
            Some(item) = bus.next() => {
                if let BusItem::Event(event) = item {
                    let name = event.process.map(|process| process.name).unwrap_or_default();
                    println!("process heap: {name} {}", event.data);
                }
            }
        }
    }
    client.disconnect().await;
    Ok(())
}
