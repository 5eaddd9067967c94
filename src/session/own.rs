//! What gets the terminal for a while: a log file in a pager, or a command of the user's own.
//!
//! Invariant: a command about a process runs only where the process is: on this machine. It runs as the
//! user, with the daemon's `PM2_HOME`, and no shell reads its words.

use color_eyre::eyre::Result;

use super::pager::{self, Ended, hand_over};
use super::{Clock, Daemons, Keys};
use crate::app::App;
use crate::daemon::inbox::Inbox;
use crate::model::ready::Ran;
use crate::model::report::Report;
use crate::protocol::text::clean;
use crate::runtime::Pause;
use crate::terminal::Screen;

/// Shows what is to be shown; the pause that ends the program, if one came meanwhile.
pub(super) async fn show(
    app: &mut App,
    screen: &mut Screen,
    keys: &mut Keys,
    (inbox, daemons, clock): (&Inbox, &mut Daemons, Clock),
) -> Result<Option<Pause>> {
    let Some(ready) = daemons.ready.take() else {
        return pager::show(app, screen, keys, (inbox, daemons, clock)).await;
    };
    let home = daemons.homes.get(usize::from(ready.daemon.0)).cloned().flatten();
    if ready.target.is_some() && home.is_none() {
        app.notify(format!("{}: not run: the process is not on this machine", ready.name), true);
        return Ok(None);
    }
    let Some((first, arguments)) = ready.words.split_first() else { return Ok(None) };
    let mut program = pager::program(first, arguments);
    if let Some(home) = home {
        program.env("PM2_HOME", home);
    }
    let waits = ready.waits.then_some(&*ready.name);
    let ended = hand_over(app, screen, keys, (inbox, daemons, clock), program, waits).await?;
    let (is_success, end) = match ended {
        Ended::Pause(pause) => return Ok(Some(pause)),
        Ended::Status(Ok(status)) => (status.success(), format!("ended: {status}")),
        Ended::Status(Err(error)) => (false, format!("was not run: {}: {error}", clean(first))),
    };
    let ran = Ran { name: ready.name, target: ready.target, end, is_success };
    inbox.report(ready.daemon, Report::Ran(Box::new(ran)));
    Ok(None)
}
