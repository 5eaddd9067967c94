//! Mails each exception of an app, as pm2-interface's README suggests.
//!
//! ```text
//! cargo run --example forward_exceptions -- admin@example.com [COMMAND [ARG ...]]
//! ```
//!
//! The command gets one mail on its standard input; without one it is `sendmail -t`. Mails go out
//! one after another: what comes meanwhile waits in the bus's bounded queue.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "an example for a terminal")]

use std::error::Error;
use std::process::Stdio;

use futures_util::StreamExt;
use pm2_tui::Bus;
use pm2_tui::client::{BusItem, Endpoint, Event, clean};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let to = args.next().ok_or("usage: forward_exceptions ADDRESS [COMMAND [ARG ...]]")?;
    let mut command: Vec<String> = args.collect();
    if command.is_empty() {
        command = vec!["sendmail".to_owned(), "-t".to_owned()];
    }
    let endpoint = Endpoint::from_env(|name| std::env::var_os(name))?;
    let mut bus = Bus::subscribe(&endpoint, &["process:exception"])?;
    while let Some(item) = bus.next().await {
        match item {
            BusItem::Connected => println!("waiting for exceptions"),
            BusItem::Reconnecting { problem, .. } => eprintln!("{}", problem.sentence()),
            BusItem::Lost(count) => eprintln!("{count} exceptions were not mailed"),
            BusItem::Event(event) => {
                if let Err(error) = send(&mail(&to, &event), &command).await {
                    eprintln!("{}: {error}", command.join(" "));
                }
            }
        }
    }
    Ok(())
}

/// The mail: what an app can choose comes cleaned, and only one line of it into the header.
fn mail(to: &str, event: &Event) -> String {
    let name = event.process.as_ref().map_or("?", |process| &*process.name);
    let text = |key: &str| {
        let field = event.data.get("data").and_then(|data| data.get(key)?.as_str());
        field.unwrap_or_default()
    };
    let stack: Vec<_> = text("stack").lines().map(clean).collect();
    let message = match text("message") {
        "" => stack.first().map_or_else(|| clean("exception").into_owned(), ToString::to_string),
        message => clean(message).into_owned(),
    };
    let pm_id = event.data.get("process").and_then(|process| process.get("pm_id"));
    let pm_id = pm_id.map(|pm_id| format!(" (process {pm_id})")).unwrap_or_default();
    format!("To: {to}\nSubject: {name}: {message}\n\n{name}{pm_id}\n{}\n", stack.join("\n"))
}

/// Runs the command with the mail on its standard input, to its end.
async fn send(mail: &str, command: &[String]) -> Result<(), Box<dyn Error>> {
    let (program, args) = command.split_first().ok_or("no command")?;
    let mut child = Command::new(program).args(args).stdin(Stdio::piped()).spawn()?;
    let mut input = child.stdin.take().ok_or("no standard input")?;
    input.write_all(mail.as_bytes()).await?;
    drop(input);
    let status = child.wait().await?;
    if status.success() { Ok(()) } else { Err(status.to_string().into()) }
}
