//! One run of the cockpit: which daemons, the terminal, the loop, and the way out.

mod alert;
mod kept;
mod own;
mod pager;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use color_eyre::eyre::{Result, WrapErr};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::app::App;
use crate::app::alerted::Alerted;
use crate::app::layout::Layout;
use crate::app::log_view::LogView;
use crate::cli::{Cli, Command};
use crate::config::{self, Config, Loaded};
use crate::daemon::audit::Audit;
use crate::daemon::clock::{now_ms, utc_offset_s};
use crate::daemon::inbox::{Inbox, InboxBounds};
use crate::daemon::{self, DaemonHandle, Options, offload};
use crate::demo;
use crate::homes::{self, Home};
use crate::input;
use crate::input::Keyboard;
use crate::logs::{Bounds, Reach, Saving, Scope};
use crate::model::bundle::Material;
use crate::model::call::NamedCall;
use crate::model::daemon::Daemon;
use crate::model::errand::{Task, TaskId};
use crate::model::moment::Moment;
use crate::model::paged::Paged;
use crate::model::past::{Again, PartRead};
use crate::model::ready::Ready;
use crate::model::report::Report;
use crate::model::trigger::Trigger;
use crate::model::{Action, DaemonId, Target};
use crate::protocol::process::PmId;
use crate::protocol::text::clean;
use crate::runtime::{self, Input, Pacer, Pause, World};
use crate::terminal::{self, Kind, Screen};
use crate::view::sets::Choice;
use crate::view::theme::{Colors, Theme};

/// What can be asked for where no screen can be drawn.
pub const WITHOUT_A_SCREEN: &str =
    "Without a screen: pm2-tui ls lists the processes, pm2-tui events prints what happens";

/// Runs the cockpit and returns the exit code.
///
/// # Errors
/// When the terminal or the simulated daemon cannot be set up, or no PM2 home can be found.
pub async fn run(mut cli: Cli) -> Result<ExitCode> {
    let loaded = configuration(&cli).await;
    loaded.config.complete(&mut cli);
    let settings = &loaded.config.settings;
    let (kind, choice) = match looks(&cli, &loaded.config) {
        Ok(looks) => looks,
        Err(why) => {
            let _ = writeln!(io::stderr(), "pm2-tui: {why}");
            return Ok(ExitCode::from(2));
        }
    };
    let demo = match cli.command {
        Some(Command::Demo(_)) => Some(
            demo::Demo::open(demo::World::lively(now_ms()))
                .wrap_err("cannot start the simulated daemon")?,
        ),
        _ => None,
    };
    let homes = match homes::watched(&cli, demo.as_ref().map(demo::Demo::home)).await {
        Ok(homes) => homes,
        Err(error) => {
            // A wrong environment is the user's to mend: one line, no report.
            let _ = writeln!(io::stderr(), "pm2-tui: {error}");
            return Ok(ExitCode::FAILURE);
        }
    };
    let inbox = Inbox::new(InboxBounds::default());
    let clock = Clock { started: Instant::now() };
    let mut app = new_app(&cli, &homes, clock.now())?;
    app.is_demo = demo.is_some();
    app.read_only = cli.read_only;
    app.settings = settings.clone();
    app.settings.is_plain |= cli.screen.plain;
    app.settings.mistakes = loaded.mistakes();
    app.resize(app.size);
    if demo.is_none() {
        let dear = homes::production(&homes, &settings.production).await;
        for (daemon, is_dear) in app.watched.daemons.iter_mut().zip(dear) {
            daemon.is_production = is_dear;
        }
    }
    app.keys = loaded.config.keys.clone();
    let kept = Kept::take_up(&mut app, &inbox);
    say_what_is_wrong(&inbox, &loaded, &homes).await;
    let mut daemons = spawn_daemons(&cli, homes, &inbox);
    daemons.alerts = alert::Runner::new(settings.alert.run.clone());
    daemons.audit = audit(&mut app, &inbox);
    app.mouse = kind.is_modern && !cli.screen.no_mouse && settings.mouse.unwrap_or(true);
    let mut screen =
        Screen::enter(kind, theme(kind, choice, cli.screen.theme.is_some()), app.mouse)
            .wrap_err("cannot set up the terminal")?;
    let (inputs, keyboard) = input::start().wrap_err("cannot read from the terminal")?;
    let mut keys = Keys { inputs, keyboard, pacer: Pacer::new(cli.screen.slow) };
    #[cfg(feature = "testing")]
    crate::panic::if_asked_for();
    let ended = watch(&mut app, &mut screen, &mut keys, &inbox, &mut daemons, clock).await;
    let unkept = kept.keep(&app);
    screen.leave(keys.pacer.hear_out(&mut keys.inputs)).await;
    complain(unkept);
    for daemon in daemons.handles {
        daemon.shut_down().await;
    }
    if let Some(audit) = daemons.audit {
        audit.close();
    }
    Ok(ExitCode::from(match ended? {
        Ended::Quit => 0,
        Ended::Signal(signal) => 128_u8.saturating_add(signal as u8),
    }))
}

/// Says what went wrong at the end, once the terminal is the shell's again.
fn complain(why: Option<String>) {
    if let Some(why) = why {
        let _ = writeln!(io::stderr(), "pm2-tui: {why}");
    }
}

/// What the terminal can show, and the colours that are wanted.
///
/// # Errors
/// Why there can be no screen.
fn looks(cli: &Cli, config: &Config) -> Result<(Kind, Choice), String> {
    let named = cli.screen.theme.as_deref();
    let choice = config.theme(named).map_err(|why| format!("--theme: {why}"))?;
    let plain = (cli.screen.plain || config.settings.is_plain).then_some(Kind::PLAIN);
    let kind = plain.or_else(|| Kind::of(&environment("TERM").unwrap_or_default()));
    Ok((kind.ok_or_else(no_screen)?, choice))
}

/// Says what is wrong with the configuration; in the log too, where it stays whatever is said after it.
async fn say_what_is_wrong(inbox: &Inbox, loaded: &Loaded, homes: &[Home]) {
    let tell = |text: String| inbox.report(DaemonId(0), Report::Notice(text.into()));
    if let Some(notice) = loaded.notice() {
        tell(notice);
        return;
    }
    let settings = &loaded.config.settings;
    let places = settings.production.clone();
    let missing = offload::look(move || config::missing(&places)).await.unwrap_or_default();
    let strange = homes::strange_hosts(homes, &settings.production).await;
    let all = missing.iter().map(|place| (place, config::NO_FOLDER));
    let all = all.chain(strange.iter().map(|place| (place, config::OTHER_HOST)));
    let all: Vec<(&Box<str>, &str)> = all.collect();
    if let Some((first, why)) = all.first() {
        let more = match all.len() - 1 {
            0 => String::new(),
            more => format!(" (and {more} more: pm2-tui config check)"),
        };
        tell(format!("production: {}: {why}{more}", clean(first)));
    }
}

/// The audit file, where one is wanted.
fn audit(app: &mut App, inbox: &Inbox) -> Option<Audit> {
    let inbox = inbox.clone();
    let tell = move |standing| inbox.report(DaemonId(0), Report::Audit(standing));
    let started = Audit::start(app.settings.audit.clone()?, tell);
    started.map_err(|error| app.notify(format!("no audit file is written: {error}"), true)).ok()
}

fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Why nothing can be drawn, and what can be done instead.
fn no_screen() -> String {
    let why = match environment("TERM").filter(|term| !term.is_empty()) {
        Some(term) => format!("TERM={} cannot show a screen", clean(&term)),
        None => "TERM is not set: what the terminal can show is unknown".to_owned(),
    };
    format!("{why}. {WITHOUT_A_SCREEN}")
}

/// The user's configuration, and what is wrong with it.
async fn configuration(cli: &Cli) -> Loaded {
    let named = cli.screen.config.clone();
    let load = move || config::load(named.as_deref(), |name| std::env::var_os(name));
    offload::look(load).await.unwrap_or_else(Loaded::unanswered)
}

/// Colours and glyphs for a terminal of this kind. A theme that the command line names counts more
/// than `NO_COLOR`, and that more than the configuration.
fn theme(kind: Kind, choice: Choice, is_named: bool) -> Theme {
    let is_named = is_named && choice != Choice::Auto;
    let detect = |name: &str| environment(name).filter(|_| !(is_named && name == "NO_COLOR"));
    let mut theme = Theme::detect(detect).choose(choice);
    if !kind.has_colors {
        theme.colors = Colors::None;
    }
    theme
}

/// What of the screen was kept before, and where.
struct Kept {
    path: Option<PathBuf>,
    /// The home that is watched, or all of them.
    home: String,
    before: Layout,
}

impl Kept {
    /// Takes up what was kept; says why nothing can be kept.
    fn take_up(app: &mut App, inbox: &Inbox) -> Self {
        let path = kept::path(environment);
        if let Some(trouble) = path.as_deref().and_then(kept::trouble) {
            inbox.report(DaemonId(0), Report::Notice(trouble.into()));
        }
        let homes = app.watched.daemons.iter().map(|daemon| &*daemon.home);
        let home = homes.collect::<Vec<_>>().join(":");
        let read = |path: &Path| kept::read(path, &home);
        app.restore(&path.as_deref().map(read).unwrap_or_default());
        Self { path, home, before: app.layout() }
    }

    /// Keeps what changed since; says why that cannot be, unless that was said at the start.
    fn keep(&self, app: &App) -> Option<String> {
        let layout = app.layout();
        let path = self.path.as_deref().filter(|_| layout != self.before)?;
        let error = kept::write(path, &self.home, &layout).err()?;
        tracing::warn!(%error, "the layout of the screen is not kept");
        kept::trouble(path).is_none().then(|| kept::not_kept(path, &error))
    }
}

/// Why the program ends.
enum Ended {
    Quit,
    Signal(i32),
}

/// What the terminal sends, and what is expected of it.
struct Keys {
    inputs: mpsc::Receiver<Input>,
    keyboard: Keyboard,
    pacer: Pacer,
}

/// Runs the loop, over suspensions, until the program is to end.
async fn watch(
    app: &mut App,
    screen: &mut Screen,
    keys: &mut Keys,
    inbox: &Inbox,
    daemons: &mut Daemons,
    clock: Clock,
) -> Result<Ended> {
    let shown = |pause| match pause {
        Pause::Signal(signal) => Ended::Signal(signal),
        _ => Ended::Signal(1),
    };
    let now = move || clock.now();
    loop {
        let Keys { inputs, pacer, .. } = &mut *keys;
        let pause = runtime::run(app, screen, pacer, inputs, inbox, daemons, now).await;
        match pause {
            Pause::Quit => return Ok(Ended::Quit),
            Pause::Signal(signal) => return Ok(Ended::Signal(signal)),
            // As if SIGHUP had come, which is what a lost terminal usually sends too.
            Pause::TerminalGone => {
                pacer.expect_no_answers();
                return Ok(Ended::Signal(1));
            }
            Pause::Pager => {
                let around = (inbox, &mut *daemons, clock);
                match Box::pin(own::show(app, screen, keys, around)).await? {
                    Some(pause) => return Ok(shown(pause)),
                    None => continue,
                }
            }
            Pause::Suspend => {}
        }
        suspend(screen, pacer, inputs, daemons).await?;
        app.resize(terminal::size()?);
        app.is_dirty = true;
        pacer.hurry();
    }
}

/// Stops the program as Ctrl-Z does: sockets first (a stopped reader makes God queue), then the
/// terminal. Where no shell could bring it back, the kernel ignores the signal and it goes on.
async fn suspend(
    screen: &mut Screen,
    pacer: &mut Pacer,
    inputs: &mut mpsc::Receiver<Input>,
    daemons: &mut Daemons,
) -> Result<()> {
    for daemon in &daemons.handles {
        daemon.suspend().await;
    }
    screen.leave(pacer.hear_out(inputs)).await;
    rustix::process::kill_current_process_group(rustix::process::Signal::TSTP)?;
    screen.enter_again().await.wrap_err("cannot take the terminal again")?;
    for daemon in &daemons.handles {
        daemon.resume();
    }
    Ok(())
}

/// The watched daemons; `DaemonId` is the index.
struct Daemons {
    handles: Vec<DaemonHandle>,
    /// Their homes, of those on this machine.
    homes: Vec<Option<PathBuf>>,
    /// The log file that is to be shown in a pager.
    paged: Option<Paged>,
    /// The user's own command that is to be run.
    ready: Option<Ready>,
    /// The audit file, where one is wanted.
    audit: Option<Audit>,
    /// What is run for a process that is errored.
    alerts: alert::Runner,
    /// Where what goes wrong with these two is told.
    inbox: Inbox,
}

impl World for Daemons {
    fn act(&mut self, daemon: DaemonId, action: Action, targets: Vec<Target>) {
        if let Some(daemon) = self.handles.get(usize::from(daemon.0)) {
            daemon.act(action, targets);
        }
    }

    fn perform(&mut self, daemon: DaemonId, id: TaskId, task: Task) {
        if let Some(daemon) = self.handles.get(usize::from(daemon.0)) {
            daemon.perform(id, task);
        }
    }

    fn call(&mut self, daemon: DaemonId, call: NamedCall) {
        if let Some(daemon) = self.handles.get(usize::from(daemon.0)) {
            daemon.call(call);
        }
    }

    fn halt(&mut self) {
        for daemon in &self.handles {
            daemon.halt();
        }
    }

    fn older(&mut self, daemon: DaemonId, of: Vec<PmId>, reach: Reach, room: usize) {
        if let Some(daemon) = self.handles.get(usize::from(daemon.0)) {
            daemon.older(of, reach, room);
        }
    }

    fn older_on(&mut self, daemon: DaemonId) {
        if let Some(daemon) = self.handles.get(usize::from(daemon.0)) {
            daemon.older_on();
        }
    }

    fn halt_older(&mut self) {
        self.handles.iter().for_each(DaemonHandle::halt_older);
    }

    fn reread(&mut self, daemon: DaemonId, parts: Vec<(Again, PartRead)>) {
        if let Some(daemon) = self.handles.get(usize::from(daemon.0)) {
            daemon.reread(parts);
        }
    }

    fn trigger(&mut self, daemon: DaemonId, trigger: Trigger) {
        if let Some(daemon) = self.handles.get(usize::from(daemon.0)) {
            daemon.trigger(trigger);
        }
    }

    fn examine(&mut self, daemon: DaemonId, pm_id: Option<PmId>) {
        if let Some(daemon) = self.handles.get(usize::from(daemon.0)) {
            daemon.examine(pm_id);
        }
    }

    fn watch_sizes(&mut self, scope: Scope) {
        self.handles.iter().for_each(|daemon| daemon.watch_sizes(scope.clone()));
    }

    fn bundle(&mut self, daemon: DaemonId, material: Material) {
        if let Some(daemon) = self.handles.get(usize::from(daemon.0)) {
            daemon.bundle(material);
        }
    }

    fn save_log(&mut self, saving: Saving) {
        // It is about no daemon: any of them reports what came of it.
        if let Some(daemon) = self.handles.first() {
            daemon.save_log(saving);
        }
    }

    fn audit(&mut self, line: String) {
        if let Some(audit) = &self.audit {
            audit.lines().write(line);
        }
    }

    fn alert(&mut self, alerted: Alerted) {
        self.alerts.run(&alerted, tell(&self.inbox));
    }

    fn page(&mut self, paged: Paged) {
        self.paged = Some(paged);
    }

    fn run(&mut self, ready: Ready) {
        self.ready = Some(ready);
    }

    fn refresh(&mut self) {
        for daemon in &self.handles {
            daemon.refresh();
        }
    }
}

/// What tells a sentence on the screen.
fn tell(inbox: &Inbox) -> impl Fn(String) + Send + use<> {
    let inbox = inbox.clone();
    move |text| inbox.report(DaemonId(0), Report::Notice(text.into()))
}

fn spawn_daemons(cli: &Cli, homes: Vec<Home>, inbox: &Inbox) -> Daemons {
    let spawn = |(index, home): (usize, Home)| {
        let options = Options {
            interval: cli.screen.interval(),
            frame_bytes_max: cli.frame_bytes_max(),
            settle: cli.settle.into(),
            measures_here: !cli.screen.ask_pm2,
        };
        let handle = daemon::spawn(DaemonId(index as u16), home.endpoint, options, inbox.clone());
        handle.watch_sizes(Scope::All);
        handle
    };
    let folders =
        homes.iter().map(|home| home.endpoint.is_local().then(|| home.endpoint.home.clone()));
    let folders = folders.collect();
    let handles = homes.into_iter().enumerate().map(spawn).collect();
    let alerts = alert::Runner::default();
    let inbox = inbox.clone();
    Daemons { handles, homes: folders, paged: None, ready: None, audit: None, alerts, inbox }
}

fn new_app(cli: &Cli, homes: &[Home], now: Moment) -> io::Result<App> {
    let interval_ms = cli.screen.interval().as_millis() as u64;
    let daemons = homes.iter().enumerate().map(|(index, home)| {
        let path = home.endpoint.home.to_string_lossy();
        let id = DaemonId(index as u16);
        let mut daemon = Daemon::new(id, &home.label, &clean(&path), interval_ms);
        daemon.cli_prefix = home.cli_prefix.as_str().into();
        daemon
    });
    let mut app = App::new(daemons.collect(), now, utc_offset_s(now.wall_ms), terminal::size()?);
    let bounds = Bounds { lines: cli.screen.log_lines(), bytes: cli.screen.log_bytes() };
    app.log_view = LogView::new(bounds);
    app.watched.user = daemon::audit::user().into();
    Ok(app)
}

/// The runtime's clock.
#[derive(Clone, Copy)]
struct Clock {
    started: Instant,
}

impl Clock {
    fn now(self) -> Moment {
        let steady_ms = i64::try_from(self.started.elapsed().as_millis()).unwrap_or(i64::MAX);
        Moment { wall_ms: now_ms(), steady_ms }
    }
}
