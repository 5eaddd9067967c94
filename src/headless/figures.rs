//! Where the CPU and memory that a command prints or checks come from.
//!
//! Invariant: PM2 says the CPU since whoever asked last, which is noise if it is asked often. So they
//! are measured on this machine where that is possible, unless PM2's own figures are asked for.

use crate::client::Client;
use crate::daemon::measure::{Besides, Meter, Wants};
use crate::protocol::process::ProcessInfo;

use super::failure::Failure;

/// Measures, or leaves what PM2 says.
#[derive(Debug, Default)]
pub(super) struct Figures(Option<Meter>);

impl Figures {
    /// Begins to measure, where the daemon runs on this machine.
    pub(super) async fn begin(client: &Client, asks_pm2: bool) -> Self {
        let god = if asks_pm2 { None } else { client.god().await };
        match god {
            Some(god) => Self(Some(Meter::begin(god).await)),
            None => Self::default(),
        }
    }

    /// Measures without a pause: first the CPU since each process started.
    pub(super) async fn at_once(client: &Client, asks_pm2: bool) -> Self {
        let god = if asks_pm2 { None } else { client.god().await };
        Self(god.map(Meter::at_once))
    }

    /// The same, which finds these, too.
    ///
    /// # Errors
    /// Where they are not measured on this machine.
    pub(super) fn wanting(self, wants: Wants) -> Result<Self, Failure> {
        match self.0 {
            _ if !wants.is_any() => Ok(self),
            Some(meter) => Ok(Self(Some(meter.wanting(wants)))),
            None => Err(Failure::usage(
                "cpu+, mem+ and ports are read from /proc of the daemon's machine: this is not it, or \
                --ask-pm2 leaves it alone",
            )),
        }
    }

    /// Waits until CPU can be told.
    pub(super) async fn ready(&self) {
        if let Some(meter) = &self.0 {
            meter.ready().await;
        }
    }

    /// Puts what was measured in the place of what PM2 says.
    pub(super) async fn fill(&mut self, infos: &mut [ProcessInfo]) -> Besides {
        match &mut self.0 {
            Some(meter) => meter.fill(infos).await,
            None => Besides::default(),
        }
    }
}
