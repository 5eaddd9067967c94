//! `logs` on a real PM2: filters and stack traces, files of another user, PM2's stamps.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use rustix::process::Signal;
use serde_json::json;

use super::program::{pm2_tui, program};
use crate::harness::apps::{counter, script};
use crate::harness::home::Pm2Home;
use crate::harness::install::Release;
use crate::harness::procfs::Proc;
use crate::harness::screen::COCKPIT;
use crate::harness::wait_until;

/// Filters mean entries: those of the files, and those that come.
pub(crate) fn a_trace_is_taken_or_left_whole() {
    let text = "function all() {\n\
                console.log('one');\n\
                console.log(new Error('boom 1').stack.split('\\n').slice(0, 3).join('\\n'));\n\
                console.log('two');\n\
                }\n\
                all();\n\
                process.on('SIGUSR2', all);\n\
                setInterval(function () {}, 1e9);";
    let home = Pm2Home::with(Release::Seven, &[script("app", "js", text)]);
    let out = home.path().join("logs/app-out.log");
    wait_until("it has logged", || {
        fs::read_to_string(&out).unwrap_or_default().lines().count() == 5
    });
    let run = |arguments: &[&str]| pm2_tui(home.path(), &[&["logs", "--raw"], arguments].concat());
    let all = fs::read_to_string(&out).unwrap();
    let trace: String = all.split_inclusive('\n').skip(1).take(3).collect();
    assert!(trace.starts_with("Error: boom 1\n    at "), "{trace}");
    for arguments in [["--grep", "at all"], ["--grep", "boom"], ["--level", "error"]] {
        assert_eq!(run(&arguments).with(0).out, trace, "{arguments:?}");
    }
    assert_eq!(run(&["--exclude", "at all"]).with(0).out, "one\ntwo\n");
    let none = run(&["--grep", "three"]).with(1);
    assert_eq!((none.out.as_str(), none.err.matches("--grep").count()), ("", 1), "{none:?}");
    let none = run(&["--exclude", "."]).with(1);
    let wanted = "pm2-tui: no line is left by --exclude\n";
    assert_eq!((none.out.as_str(), none.err.as_str()), ("", wanted), "{none:?}");
    let none = run(&["--grep", "two", "--exclude", "t.o"]).with(1);
    assert!(none.err.contains("--grep asks for and is left by --exclude"), "{none:?}");

    let arguments = ["logs", "-f", "-n", "0", "--raw", "--grep", "process.all|two"];
    let mut child = program(home.path(), &arguments).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let app = Proc::find(home.one("app").pid).unwrap();
    // When it listens is not told: what was logged before that is not printed, be it within a trace.
    let lines = lines.skip_while(|line| !line.starts_with("Error: boom"));
    let printed: Arc<Mutex<Vec<String>>> = Arc::default();
    let taking = Arc::clone(&printed);
    let reading = std::thread::spawn(move || {
        for line in lines.take(4) {
            taking.lock().unwrap().push(line);
        }
    });
    wait_until("it is printed", || {
        app.signal(Signal::USR2);
        printed.lock().unwrap().len() == 4
    });
    reading.join().unwrap();
    let printed = printed.lock().unwrap().clone();
    let begins = ["Error: boom 1", "    at process.all ", "    at process.emit ", "two"];
    let is_it = |(line, begin): (&String, &str)| line.starts_with(begin);
    assert!(printed.len() == 4 && printed.iter().zip(begins).all(is_it), "{printed:?}");
    Proc::find(child.id().cast_signed()).unwrap().signal(Signal::TERM);
    child.wait().unwrap();
}

/// What may not be read is named once, and the rest is printed.
pub(crate) fn files_of_another_user_are_named() {
    let text = "console.log('said'); console.error('kept'); setInterval(function () {}, 1e9);";
    let home = Pm2Home::with(Release::Seven, &[script("app", "js", text)]);
    let log = |name: &str| home.path().join("logs").join(name);
    wait_until("it has logged", || {
        let size = |name: &str| fs::metadata(log(name)).map_or(0, |about| about.len());
        size("app-out.log") > 0 && size("app-error.log") > 0
    });
    let mode = |path: &std::path::Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    mode(home.path(), 0o755);
    for socket in ["rpc.sock", "pub.sock"] {
        mode(&home.path().join(socket), 0o777);
    }
    mode(&log("app-error.log"), 0o000);
    // Root may do everything.
    let folder = tempfile::Builder::new().prefix("pt").tempdir_in("/tmp").unwrap();
    mode(folder.path(), 0o755);
    let arguments = ["--home", home.path().to_str().unwrap(), "logs", "app", "--raw"];
    let mut command = if rustix::process::geteuid().is_root() {
        let copy = folder.path().join("pm2-tui");
        fs::copy(COCKPIT, &copy).unwrap();
        mode(&copy, 0o755);
        let mut command = Command::new("/usr/bin/setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(copy);
        command
    } else {
        Command::new(COCKPIT)
    };
    let told = command.args(arguments).env_clear().output().unwrap();
    let (out, err) =
        (String::from_utf8(told.stdout).unwrap(), String::from_utf8(told.stderr).unwrap());
    assert_eq!((out.as_str(), told.status.code()), ("said\n", Some(1)), "{err}");
    assert_eq!(err.matches("app-error.log").count(), 1, "{err}");
    assert!(err.contains("Permission denied"), "{err}");
}

/// A fork app with `--time`: PM2 itself drops some of its lines, in the file and on the bus alike
/// (docs/pm2-ops.md section 1.2). What it keeps is printed once, byte for byte.
pub(crate) fn what_pm2_stamps_is_printed_as_it_is_in_the_file() {
    let app = counter("stamped", 20_000, 20, "").with(json!({"time": true}));
    let home = Pm2Home::with(Release::Seven, &[app]);
    let file = home.path().join("logs/stamped-out.log");
    let size = |path: &std::path::Path| fs::metadata(path).map_or(0, |about| about.len());
    wait_until("it has logged a lot", || size(&file) > 500_000);
    let printed = home.apps().join("printed");
    let mut following = program(home.path(), &["logs", "-f", "--raw", "-n", "10000000", "--out"]);
    following.stdout(fs::File::create(&printed).unwrap());
    let mut child = following.spawn().unwrap();
    wait_until("history is printed", || size(&printed) > 500_000);
    let before = size(&printed);
    wait_until("what follows is", || size(&printed) > before + 200_000);
    assert!(home.cli(&["stop", "stamped"]).status.success());
    wait_until("all is printed", || size(&printed) >= size(&file));
    Proc::find(child.id().cast_signed()).unwrap().signal(Signal::TERM);
    child.wait().unwrap();
    let (printed, file) = (fs::read(&printed).unwrap(), fs::read(&file).unwrap());
    let first = printed.iter().zip(&file).position(|(one, other)| one != other);
    assert_eq!((first, printed.len()), (None, file.len()));
}
