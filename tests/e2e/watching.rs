//! What is shown of a real PM2.

use rustix::process::Signal;

use crate::harness::apps;
use crate::harness::home::Pm2Home;
use crate::harness::install::Release;
use crate::harness::procfs::Proc;
use crate::harness::screen::{Screen, is_log_title, is_selected, is_table_title, row, row_says};
use crate::harness::wait_until;

pub(crate) fn rows_show_pm2s_words() {
    let home = Pm2Home::with(
        Release::Seven,
        &[
            apps::ticker("tick"),
            apps::cluster("web"),
            apps::crasher("crash"),
            apps::idle("halted"),
            apps::shell("script"),
            apps::delayed("later"),
        ],
    );
    home.add_ghost("ghost");
    home.cli(&["stop", "halted"]);
    home.wait_status("crash", "errored");
    home.wait_status("later", "waiting restart");
    home.mark();

    // Wide enough for a header with all these counts and the release.
    let mut screen = home.cockpit((160, 40));
    let says = [
        ("tick", "fork"),
        ("tick", "online"),
        ("web", "cluster"),
        ("web", "online"),
        ("crash", "errored"),
        ("halted", "stopped"),
        ("script", "online"),
        ("ghost", "never started"),
        ("later", "waiting restart"),
    ];
    for (name, words) in says {
        screen.wait_for(&format!("{name}: {words}"), |text| row_says(text, name, words));
    }
    let text = screen.wait_for("both instances of the cluster", |text| {
        text.lines().filter(|line| line.contains(" web ") && line.contains("cluster")).count() == 2
    });
    screen.wait_for("the release and the connection in the header", |text| {
        let header = text.lines().next().unwrap_or_default();
        header.contains("7.0.4") && header.contains("● live")
    });
    // Three crashes and the limit of three: PM2's own count stands in the row.
    let restarts = home.one("crash").restarts.to_string();
    assert!(
        row(&text, "crash").unwrap().split_whitespace().any(|word| word == restarts),
        "{restarts} restarts:\n{text}"
    );
    home.assert_unharmed_but(&[]);
}

pub(crate) fn log_lines_show_clean() {
    let home = Pm2Home::with(Release::Seven, &[apps::logger("noisy")]);
    home.mark();
    let mut screen = home.cockpit((120, 40));
    let text = screen.wait_for("every kind of line", |text| {
        ["red plain", "before", "漢字", "on stderr", "cleared"]
            .iter()
            .all(|words| text.contains(words))
    });
    let line = |words: &str| text.lines().find(|line| line.contains(words)).unwrap();
    assert!(line("red plain").contains("noisy[0]"), "{text}");
    assert!(line("red plain").contains(" │ "), "{text}");
    assert!(line("on stderr").contains(" ┃ "), "{text}");
    assert!(!text.contains("stolen title"), "{text}");
    assert!(line("before").contains("after"), "{text}");
    // Had the app's control sequence reached the terminal, the header would be gone.
    assert!(text.lines().next().unwrap().contains("live"), "{text}");

    screen.press("q");
    let ending = screen.wait_exit();
    assert!(
        !ending.tail.windows(4).any(|bytes| bytes == b"\x1b]0;"),
        "an app's OSC sequence reached the terminal"
    );
    home.assert_unharmed_but(&[]);
}

pub(crate) fn an_exception_shows() {
    let home = Pm2Home::with(Release::Seven, &[apps::thrower("thrower"), apps::idle("calm")]);
    home.mark();
    let mut screen = home.cockpit((120, 40));
    screen.wait_for("a row", |text| row_says(text, "thrower", "online"));
    // Its handler is there, and so is the bus.
    screen.wait_for("the app to be ready", |text| text.contains("armed"));
    let before = home.one("thrower");
    Proc::find(before.pid).unwrap().signal(Signal::USR2);
    screen.wait_for("the exception with its message", |text| {
        // What the process printed and what PM2 told are one entry: its title and a frame.
        let is_title = |line: &&str| line.contains("┃ E Error: boom 4711");
        let below = text.lines().skip_while(|line| !is_title(line)).nth(1);
        below.is_some_and(|line| line.contains("at process.") && line.contains("frame"))
            && !text.contains("exception: boom")
    });
    screen.wait_for("the exit", |text| {
        text.lines().any(|line| line.contains("thrower[0]") && line.contains("exit"))
    });
    home.wait_status("thrower", "online");
    home.assert_unharmed_but(&["thrower"]);
}

pub(crate) fn resize_to_40x10_and_back() {
    let home = Pm2Home::with(
        Release::Seven,
        &[apps::ticker("tick"), apps::idle("idle"), apps::idle("more")],
    );
    home.mark();
    let mut screen = home.cockpit((120, 40));
    screen.select("idle");
    screen.resize((40, 10));
    let text = screen.wait_for("the small screen", |text| {
        row(text, "idle").is_some_and(is_selected)
            && text.lines().all(|line| line.chars().count() <= 40)
            && text.lines().last().is_some_and(|line| line.contains('q'))
    });
    assert_eq!(text.lines().count(), 10, "{text}");
    // The first key after a resize is answered (crossterm's mio reader holds it back).
    screen.press("\t");
    screen.wait_for("the log alone", |text| {
        text.lines().any(is_log_title) && !text.lines().any(is_table_title)
    });
    screen.press("\t");
    screen.wait_for("the table again", |text| text.lines().any(is_table_title));
    screen.resize((120, 40));
    let text = screen.wait_for("the large screen", |text| {
        row(text, "idle").is_some_and(is_selected)
            && text.lines().any(is_log_title)
            && text.lines().any(|line| line.chars().count() > 100)
    });
    // No cell of the small screen is left behind: the titles go over the whole width, and what is
    // cut off at 40 columns goes on.
    for title in text.lines().filter(|line| is_log_title(line) || is_table_title(line)) {
        assert_eq!(title.chars().count(), 120, "{text}");
    }
    screen.wait_for("the ticks to go on", |text| text.contains("tick tick"));
    home.assert_unharmed_but(&[]);
}

impl Pm2Home {
    /// pm2-tui on this home, polling twice a second.
    pub(crate) fn cockpit(&self, size: (u16, u16)) -> Screen {
        let home = self.path().to_str().unwrap();
        Screen::cockpit(size, &["--home", home, "--interval", "0.5"])
    }
}

/// It died before anybody watched: the box is made up from files. It dies again: that is seen.
pub(crate) fn w_shows_why_it_died() {
    let text = "console.error('Error: no such database'); process.exit(9);";
    let home = Pm2Home::with(
        Release::Seven,
        &[apps::script("dead", "js", text)
            .with(serde_json::json!({"max_restarts": 1, "min_uptime": 20_000}))],
    );
    home.wait_status("dead", "errored");
    let mut screen = home.cockpit((120, 40));
    screen.select("dead");
    screen.press("W");
    screen.wait_for("why it died", |text| {
        text.contains("Error: no such database") && text.contains("reconstructed from PM2's log")
    });
    screen.press("\u{1b}");
    screen.wait_for("the table", |text| text.contains("Processes"));
    screen.press("r");
    screen.wait_for("what came of it", |text| text.contains("down: errored"));
    screen.press("W");
    screen.wait_for("what was seen", |text| text.contains("observed live"));
}

/// What throws is listed, one shown whole, and all of it taken away in a bundle.
pub(crate) fn x_groups_exceptions_and_b_writes_a_bundle() {
    let home = Pm2Home::with(Release::Seven, &[apps::thrower("thrower"), apps::sleeper("good")]);
    home.mark();
    let mut screen = home.cockpit((120, 40));
    screen.wait_for("it listens", |text| text.contains("armed"));
    let pid = home.one("thrower").pid;
    Proc::find(pid).unwrap().signal(Signal::USR2);
    wait_until("it is restarted", || home.one("thrower").restarts == 1);
    screen.press("X");
    screen.wait_for("the group", |text| {
        text.contains("1 in 1 group")
            && text.contains("Error: boom 4711")
            && text.contains("thrower[0]")
    });
    screen.press("\r");
    screen.wait_for("it whole", |text| {
        text.contains("once: first") && text.contains("    at process.")
    });
    screen.press("\u{1b}");
    screen.wait_for("the list", |text| text.contains("Enter show whole"));
    screen.press("\u{1b}");
    screen.wait_for("the table", |text| text.contains("Processes"));
    screen.press("B");
    screen.wait_for("the notice", |text| text.contains("wrote ") && text.contains(".tar.gz"));
    let files = std::fs::read_dir(screen.folder()).unwrap().map(|file| file.unwrap().path());
    let bundle = files.into_iter().find(|path| path.extension().is_some_and(|it| it == "gz"));
    let files = crate::cli::bundle::unpacked(&bundle.expect("it is in the working folder"));
    for (name, words) in [
        ("exceptions.json", "Error: boom 4711"),
        ("events.txt", "exception"),
        ("metrics.csv", "\"good\","),
        ("deaths.json", "uncaught exception"),
        ("processes.json", "pm_exec_path"),
        ("summary.md", "PM2: 7.0.4"),
    ] {
        assert!(files[name].contains(words), "{name}: {}", files[name]);
    }
    home.assert_unharmed_but(&["thrower"]);
}

/// What is typed leaves rows out; what acts, acts on a row that is there.
pub(crate) fn a_filter_leaves_rows_out() {
    let apps = [apps::sleeper("alpha"), apps::sleeper("beta"), apps::crasher("gamma")];
    let home = Pm2Home::with(Release::Seven, &apps);
    home.wait_status("gamma", "errored");
    home.mark();
    let mut screen = home.cockpit((120, 40));
    screen.select("alpha");
    let has = |text: &str, name: &str| row(text, name).is_some();
    screen.press("/");
    screen.wait_for("the prompt", |text| text.contains("Enter keep"));
    screen.press("beta");
    screen.wait_for("one row", |text| has(text, "beta") && !has(text, "alpha"));
    screen.press("\r");
    screen.wait_for("it is kept", |text| text.contains("1 of 3") && text.contains("s stop"));
    screen.press("s");
    home.wait_status("beta", "stopped");
    screen.press("\u{1b}");
    screen.wait_for("all rows", |text| has(text, "alpha") && has(text, "gamma"));
    screen.press("!");
    screen.wait_for("what is not well", |text| has(text, "gamma") && !has(text, "alpha"));
    home.assert_unharmed_but(&["beta", "gamma"]);
}

/// The log of one process is searched and filtered; letters there act on nothing.
pub(crate) fn the_log_of_one_is_searched() {
    let talker = |name: &str| {
        let text = format!(
            "let n = 0; setInterval(() => {{ n += 1; console.log('{name} says Needle ' + n); \
             console.log('{name} says hay ' + n); }}, 400);"
        );
        apps::script(name, "js", text)
    };
    let home = Pm2Home::with(Release::Seven, &[talker("one"), talker("two")]);
    home.mark();
    let mut screen = home.cockpit((120, 40));
    screen.wait_for("lines of both", |text| {
        text.contains("one says hay") && text.contains("two says hay")
    });
    screen.select("two");
    screen.press("l");
    screen.wait_for("the log of one", |text| {
        text.lines().any(|line| is_log_title(line) && line.contains("two["))
            && text.contains("two says hay")
            && !text.contains("one says")
    });
    // It is in front.
    screen.wait_for("the log in front", |text| text.contains("Tab, then r"));
    screen.press("/");
    screen.wait_for("the prompt", |text| text.contains("Enter keep"));
    screen.press("Needle");
    screen.wait_for("a count while it is typed", |text| {
        let title = text.lines().find(|line| is_log_title(line));
        title.is_some_and(|title| title.contains("/ Needle") && title.contains(" of "))
    });
    // Letters that are typed restart and delete nothing; nor do they in the log.
    screen.press("\r");
    screen.wait_for("it is kept", |text| text.contains("Tab, then r"));
    for (letter, says) in [("d", "then d deletes"), ("s", "then s stops")] {
        screen.press(letter);
        screen.wait_for("where it acts", |text| text.contains(says));
    }
    screen.press("&");
    screen.wait_for("the prompt", |text| text.contains("first: lines without it"));
    screen.press("hay");
    screen.wait_for("what is typed", |text| text.contains("& hay"));
    screen.press("\r");
    screen.wait_for("only what passes the filter", |text| {
        let is_kept = text.contains("& hay") && text.contains("Tab, then r");
        is_kept && text.contains("two says hay") && !text.contains("says Needle")
    });
    screen.press("0");
    screen.wait_for("all again, filtered", |text| text.contains("one says hay"));
    home.assert_unharmed_but(&[]);
}
