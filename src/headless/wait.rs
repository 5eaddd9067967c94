//! `wait`: until every process of a target has a status.
//!
//! Invariant: the daemon is asked at most as often as the screen would: never more than 5 % of its
//! time, and never more than five times a second.

use std::io::Write;
use std::time::Duration;

use tokio::time::Instant;

use super::failure::{Code, Failure};
use super::{Context, targets};
use crate::cli::Wait;
use crate::client::{Client, ClientError};
use crate::protocol::process::{ProcessInfo, ProcessStatus};
use crate::protocol::text::clean;

/// The shortest pause between two questions.
const PAUSE_MIN: Duration = Duration::from_millis(200);
/// The pause is at least so many times as long as the answer took.
const PAUSE_SHARE: u32 = 20;

/// What one look at the processes says.
#[derive(Debug, PartialEq, Eq)]
enum Look {
    /// All have the status.
    Met,
    /// Not yet; who is in the way.
    Waiting(String),
    /// It will not come by itself.
    Hopeless(String),
}

/// Waits.
pub(super) async fn run(
    context: &Context,
    what: &Wait,
    out: &mut impl Write,
) -> Result<Code, Failure> {
    let wanted = ProcessStatus::parse(&what.status);
    if let ProcessStatus::Other(word) = &wanted {
        return Err(Failure::usage(format!(
            "`{word}` is no status of PM2: online, launching, stopping, stopped, errored or \
             \"waiting restart\" is wanted"
        )));
    }
    let deadline = Instant::now() + what.timeout;
    let mut client = context.connect().await?;
    let mut last = format!("the daemon did not answer about {}", clean(&what.target));
    loop {
        let asked = Instant::now();
        let reply = tokio::time::timeout_at(deadline, client.snapshot()).await;
        let Ok(reply) = reply else { return Err(timed_out(&last, what.timeout)) };
        match reply {
            Ok(snapshot) => match look(&what.target, &wanted, &snapshot.processes) {
                Look::Met => {
                    for info in targets::matching(&what.target, &snapshot.processes) {
                        let label = targets::label(info);
                        writeln!(out, "{label} {}", wanted.as_str())?;
                    }
                    client.disconnect().await;
                    return Ok(Code::Fine);
                }
                Look::Hopeless(why) => return Err(Failure::condition(why)),
                Look::Waiting(why) => last = why,
            },
            // `pm2 update` replaces the daemon: it comes back, or time runs out.
            Err(ClientError::Closed | ClientError::NotRunning(_)) => {
                "the daemon is gone".clone_into(&mut last);
                client =
                    again(context, deadline).await.ok_or_else(|| timed_out(&last, what.timeout))?;
                continue;
            }
            Err(error) => return Err(context.failure(error)),
        }
        let pause = PAUSE_MIN.max(asked.elapsed() * PAUSE_SHARE);
        let next = Instant::now() + pause;
        if next >= deadline {
            tokio::time::sleep_until(deadline).await;
            return Err(timed_out(&last, what.timeout));
        }
        tokio::time::sleep_until(next).await;
    }
}

/// Connects again, as often as there is time.
async fn again(context: &Context, deadline: Instant) -> Option<Client> {
    loop {
        tokio::time::sleep_until((Instant::now() + PAUSE_MIN).min(deadline)).await;
        match tokio::time::timeout_at(deadline, context.connect()).await {
            Err(_) => return None,
            Ok(Ok(client)) => return Some(client),
            Ok(Err(_)) if Instant::now() >= deadline => return None,
            Ok(Err(_)) => {}
        }
    }
}

fn timed_out(last: &str, timeout: Duration) -> Failure {
    let line = format!("{last}, after {} s", timeout.as_secs_f64());
    Failure::Said(Code::Timeout, line)
}

fn look(target: &str, wanted: &ProcessStatus, processes: &[ProcessInfo]) -> Look {
    let found = targets::matching(target, processes);
    if found.is_empty() {
        return Look::Waiting(format!("there is no process {}", clean(target)));
    }
    let has = |info: &ProcessInfo| info.status == *wanted && !info.never_started();
    // An errored one stays so: PM2 has given up.
    let errored = |info: &&&ProcessInfo| info.status == ProcessStatus::Errored;
    if let Some(info) = found.iter().find(errored).filter(|info| !has(info)) {
        let label = targets::label(info);
        return Look::Hopeless(format!("{label} is errored: PM2 gave up starting it"));
    }
    match found.iter().find(|info| !has(info)) {
        None => Look::Met,
        Some(info) if info.never_started() => Look::Waiting(format!(
            "{} is online without a pid: it never started",
            targets::label(info)
        )),
        Some(info) => Look::Waiting(format!(
            "{} is {}, not {}",
            targets::label(info),
            info.status.as_str(),
            wanted.as_str()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::process::PmId;

    #[test]
    fn all_of_a_target_must_have_the_status() {
        let info = |id, status| {
            let mut info = ProcessInfo::new(PmId(id), "api", status);
            info.pid = Some(1);
            info
        };
        let online = ProcessStatus::Online;
        let both = [info(0, ProcessStatus::Online), info(1, ProcessStatus::Launching)];
        assert_eq!(look("0", &online, &both), Look::Met);
        assert!(
            matches!(look("api", &online, &both), Look::Waiting(why) if why.contains("api[1]"))
        );
        assert!(matches!(look("web", &online, &both), Look::Waiting(_)));
        let bad = [info(0, ProcessStatus::Errored)];
        assert!(matches!(look("api", &online, &bad), Look::Hopeless(_)));
        assert_eq!(look("api", &ProcessStatus::Errored, &bad), Look::Met);
        let ghost = [ProcessInfo::new(PmId(0), "api", ProcessStatus::Online)];
        assert!(matches!(look("api", &online, &ghost), Look::Waiting(_)));
    }
}
