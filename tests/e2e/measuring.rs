//! CPU and memory read from `/proc`, the children of a process and where it listens.

use std::net::TcpListener;

use pm2_tui::app::App;
use pm2_tui::protocol::process::PmId;

use super::history::Cockpit;
use crate::harness::apps;
use crate::harness::home::Pm2Home;
use crate::harness::install::Release;
use crate::harness::screen::Screen;

/// Starts a child that listens on this port, and does nothing itself.
fn parent(name: &str, port: u16) -> apps::App {
    let child = format!(
        "require('net').createServer().listen({port}, '127.0.0.1'); setInterval(() => {{}}, 1e9);"
    );
    let text = format!(
        "require('child_process').spawn(process.execPath, ['-e', {child:?}], {{ stdio: 'inherit' }});
setInterval(() => {{}}, 1e9);"
    );
    apps::script(name, "js", text)
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The pause between figures that the header tells where they are PM2's, seconds: a slow reply makes it
/// longer.
fn pause_s(text: &str) -> Option<f64> {
    let (_, rest) = header(text).rsplit_once("figures every ")?;
    rest.split('s').next()?.parse().ok()
}

fn header(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

pub(crate) fn proc_is_read_and_the_daemon_left_alone() {
    let port = free_port();
    let home = Pm2Home::with(Release::Seven, &[parent("one", port), apps::cluster("web")]);
    home.mark();
    let mut screen = home.cockpit((160, 45));
    screen.select("one");
    let text = screen.wait_for("figures that are not PM2's", |text| {
        pause_s(text).is_none() && header(text).contains("PM2 itself")
    });
    let row = text.lines().find(|line| line.contains(" one ")).unwrap();
    assert!(row.contains("MiB") && row.contains('%'), "{row}");
    screen.press("\r");
    screen.wait_for("its child, and where that listens", |text| {
        text.contains("Processes, 2 of them") && text.contains(&format!("127.0.0.1:{port}, by"))
    });
    screen.press("\u{1b}");
    screen.wait_for("the table", |text| text.contains("━ Processes"));
    screen.select("web");
    screen.press("\r");
    screen.wait_for("the port that PM2 holds", |text| text.contains("PM2 listens for the cluster"));
    home.assert_unharmed_but(&[]);
}

/// The daemon is asked every 10 s, and as often as is set while details are open.
pub(crate) fn the_daemon_is_asked_seldom() {
    let home = Pm2Home::with(Release::Seven, &[apps::idle("one")]);
    let id = PmId(u32::try_from(home.one("one").pm_id).unwrap());
    let pause_ms = |app: &App| app.watched.daemons.first().map_or(0, |it| it.poll_interval_ms);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut cockpit = Cockpit::measuring(&home);
        cockpit.until("a long pause between polls", |app| pause_ms(app) >= 10_000).await;
        cockpit.handle.examine(Some(id));
        cockpit.until("polls for the details", |app| pause_ms(app) < 9_000).await;
        cockpit.handle.examine(None);
        cockpit.until("a long pause again", |app| pause_ms(app) >= 10_000).await;
        cockpit.handle.shut_down().await;
    });
}

pub(crate) fn ask_pm2_asks_it_each_time() {
    let home = Pm2Home::with(Release::Seven, &[apps::idle("one")]);
    home.mark();
    let path = home.path().to_str().unwrap();
    let arguments = ["--home", path, "--interval", "0.5", "--ask-pm2"];
    let mut screen = Screen::cockpit((160, 40), &arguments);
    screen.select("one");
    // Said once it is known that this machine measures nothing.
    let text = screen.wait_for("the row, and PM2's own figures", |text| {
        text.contains("MiB") && pause_s(text).is_some()
    });
    assert!(
        pause_s(&text).is_some_and(|pause_s| pause_s < 9.0) && !text.contains("PM2 itself"),
        "{text}"
    );
    home.assert_unharmed_but(&[]);
}
