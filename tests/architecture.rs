//! The invariants of ARCHITECTURE.md that can be read off the source: who imports whom, who may
//! name what, and how large files are.

use std::fs;
use std::path::{Path, PathBuf};

mod imports;

use self::imports::Modules;
use crate::harness::trials::{Test, simulated};

pub(crate) fn trials() -> Vec<Test> {
    vec![
        simulated(imports_are_read),
        simulated(imports_point_one_way),
        simulated(no_modules_import_each_other),
        simulated(names_stay_where_they_belong),
        simulated(files_are_short_enough_to_read),
        simulated(every_module_says_what_holds),
        simulated(the_map_names_every_module),
    ]
}

/// What each module may import of the others. A module that is not listed may import all.
const IMPORTS: &[(&str, &[&str])] = &[
    ("protocol", &[]),
    ("logs", &["model", "protocol"]),
    ("model", &["protocol"]),
    ("daemon", &["logs", "model", "protocol"]),
    ("demo", &["protocol"]),
    ("ecosystem", &["protocol"]),
    ("client", &["daemon", "ecosystem", "model", "protocol"]),
    ("app", &["logs", "model", "protocol"]),
    ("view", &["app", "logs", "model", "protocol"]),
    ("cli", &["protocol"]),
    ("config", &["app", "cli", "model", "protocol", "view"]),
    ("headless", &["cli", "client", "config", "daemon", "ecosystem", "logs", "model", "protocol"]),
];

/// A name in the source, the modules that may have it, and why.
const NAMES: &[(&str, &[&str], &str)] = &[
    ("UnixStream", &["daemon", "demo"], "only daemon opens sockets (demo is the other end)"),
    ("tokio::net", &["daemon", "demo"], "only daemon opens sockets (demo is the other end)"),
    ("ratatui", &["view", "terminal", "lib"], "only view and terminal draw"),
    (
        "crossterm",
        &["terminal", "input", "runtime", "app/keymap", "app/press", "app/gate"],
        "keys and the terminal only",
    ),
    ("SystemTime::now", &["daemon", "demo"], "time arrives in messages"),
    (
        "Command::new",
        &["ecosystem/node", "headless/exec", "session/alert", "session/pager"],
        "nothing starts a process, least of all a daemon; only a config file in JavaScript, which \
         the user names, is evaluated with the user's node, --exec and [alert] run the command that \
         they name, and a log file is shown in the user's pager, where the user's own commands run, \
         too",
    ),
    ("println!", &[], "standard output is the screen"),
    ("unbounded", &[], "every queue has a bound"),
    ("allow(", &[], "expect(.., reason) is the only exception"),
];

const LINES_MAX: usize = 500;

fn sources() -> Vec<(String, String)> {
    fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.extension() {
                _ if path.is_dir() => walk(&path, files),
                Some(extension) if extension == "rs" => files.push(path),
                _ => {}
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    walk(&root, &mut files);
    let read = |path: PathBuf| {
        let name = path.strip_prefix(&root).unwrap().with_extension("");
        (name.to_str().unwrap().to_owned(), fs::read_to_string(&path).unwrap())
    };
    files.into_iter().map(read).collect()
}

/// The code of a file without its comments and unit tests.
fn production(source: &str) -> String {
    let code = source.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

fn is_test(name: &str) -> bool {
    name.ends_with("tests") || name.contains("tests/")
}

/// The modules of the library, without tests and comments.
fn modules() -> (Vec<String>, Modules) {
    let files = sources().into_iter().filter(|(name, _)| !is_test(name) && !is_root(name));
    let files: Vec<_> = files.map(|(name, source)| (name, production(&source))).collect();
    let modules = Modules::of(&files);
    let name = |(name, _): (String, String)| name.strip_suffix("/mod").unwrap_or(&name).to_owned();
    (files.into_iter().map(name).collect(), modules)
}

fn is_root(name: &str) -> bool {
    matches!(name, "lib" | "main")
}

fn imports_are_read() {
    imports::assert_reads_imports();
}

fn imports_point_one_way() {
    let (names, modules) = modules();
    for name in names {
        let module = name.split('/').next().unwrap();
        let Some((_, allowed)) = IMPORTS.iter().find(|(known, _)| *known == module) else {
            continue;
        };
        for other in modules.named_by(&name) {
            let other = other.split('/').next().unwrap();
            let is_allowed = other == module || allowed.contains(&other);
            assert!(is_allowed, "{name}.rs imports {other}");
        }
    }
}

fn no_modules_import_each_other() {
    let circles = modules().1.circles();
    assert!(circles.is_empty(), "circles of imports:\n{}", circles.join("\n"));
}

fn names_stay_where_they_belong() {
    for (name, source) in sources().into_iter().filter(|(name, _)| !is_test(name)) {
        let code = production(&source);
        for (word, owners, why) in NAMES {
            let owned =
                owners.iter().any(|owner| name == *owner || name.starts_with(&format!("{owner}/")));
            assert!(owned || !code.contains(word), "{name}.rs names {word}: {why}");
        }
    }
}

fn files_are_short_enough_to_read() {
    for (name, source) in sources() {
        let lines = source.lines().count();
        assert!(lines <= LINES_MAX, "{name}.rs has {lines} lines, more than {LINES_MAX}");
    }
}

fn every_module_says_what_holds() {
    for (name, source) in sources().into_iter().filter(|(name, _)| !is_test(name)) {
        assert!(source.starts_with("//!"), "{name}.rs has no module documentation");
        let last = name.rsplit('/').next().unwrap();
        let vague = ["utils", "util", "helpers", "common", "manager", "misc"];
        assert!(!vague.contains(&last), "{name}.rs has a name that says nothing");
    }
}

fn the_map_names_every_module() {
    let map = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("ARCHITECTURE.md"));
    let map = map.unwrap();
    for (name, _) in sources().into_iter().filter(|(name, _)| !name.ends_with("mod")) {
        let top = name.split('/').next().unwrap();
        assert!(map.contains(&format!("`{top}")), "ARCHITECTURE.md does not name {top}");
    }
}
