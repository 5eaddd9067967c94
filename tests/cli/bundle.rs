//! `bundle` on a real PM2: what is in it, who may read it, what is replaced, and a disk that is full.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use flate2::read::GzDecoder;
use serde_json::{Value, json};

use super::program::{ended, pm2_tui, program};
use crate::harness::apps::{self, script};
use crate::harness::home::Pm2Home;
use crate::harness::install::Release;
use crate::harness::screen::COCKPIT;

/// The files of a bundle, without the folder that they are in.
pub(crate) fn unpacked(path: &Path) -> BTreeMap<String, String> {
    let mut archive = tar::Archive::new(GzDecoder::new(File::open(path).unwrap()));
    let mut files = BTreeMap::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().to_str().unwrap().to_owned();
        let (_, name) = name.split_once('/').expect("all is in one folder");
        let name = name.to_owned();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        files.insert(name, String::from_utf8_lossy(&bytes).into_owned());
    }
    files
}

pub(crate) fn it_holds_what_an_incident_needs() {
    let throws = "console.log('last words'); throw new TypeError('bad config');";
    let home = Pm2Home::with(
        Release::Seven,
        &[
            script("throws", "js", throws).with(json!({
                "max_restarts": 2, "min_uptime": 20_000, "env": { "API_TOKEN": "hunter2-4711" }
            })),
            apps::sleeper("good"),
        ],
    );
    home.wait_status("throws", "errored");
    home.mark();
    let path = home.path().join("incident.tar.gz");
    let file = path.to_str().unwrap();
    let run = |arguments: &[&str]| pm2_tui(home.path(), arguments);
    let told = run(&["bundle", "-o", file]).with(0);
    assert!(told.out.starts_with(&format!("wrote {file}: ")), "{told:?}");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let files = unpacked(&path);
    let processes: Value = serde_json::from_str(&files["processes.json"]).unwrap();
    assert!(processes[0]["env"].as_array().unwrap().contains(&json!("API_TOKEN")), "its name");
    assert!(processes[0]["node_version"].is_string() || processes[1]["node_version"].is_string());
    for (name, text) in &files {
        assert!(!text.contains("hunter2-4711"), "a secret is in {name}");
    }
    let deaths: Value = serde_json::from_str(&files["deaths.json"]).unwrap();
    let of = |name: &str| deaths.as_array().unwrap().iter().find(|it| it["name"] == name).unwrap();
    let last = &of("throws")["deaths"][0];
    assert_eq!((&last["kind"], &last["exit_code"]), (&json!("exception"), &json!("1")), "{last}");
    assert_eq!(of("good")["deaths"], json!([]));
    assert!(files["pm2.log"].contains("too many unstable restarts"));
    let log = files.keys().find(|name| name.ends_with("-throws-out.log")).unwrap();
    assert!(files[log].contains("last words\n"));
    let summary = &files["summary.md"];
    for words in
        ["PM2: 7.0.4", "uncaught exception: TypeError: bad config", "deaths.json", "errored"]
    {
        assert!(summary.contains(words), "{words}: {summary}");
    }
    // What is there is replaced only after a yes.
    let refused = run(&["bundle", "-o", file]).with(2);
    let wanted = format!("{file} is there and would be replaced: `bundle -o {file}` needs --yes");
    assert!(refused.err.contains(&wanted), "{refused:?}");
    assert!(run(&["bundle", "good", "-o", file, "--yes"]).with(0).out.starts_with("wrote "));
    let files = unpacked(&path);
    assert!(!files.keys().any(|name| name.contains("throws")), "{:?}", files.keys());
    let processes: Value = serde_json::from_str(&files["processes.json"]).unwrap();
    assert_eq!(processes.as_array().unwrap().len(), 1);
    assert!(run(&["bundle", "nobody", "-o", file, "--yes"]).with(1).err.contains("nobody"));
    let nowhere = run(&["bundle", "-o", "/nonexistent/x.tar.gz"]).with(1);
    assert!(
        nowhere.err.contains("/nonexistent/x.tar.gz: there is no folder /nonexistent"),
        "{nowhere:?}"
    );
    // Without a name it is named by host and time, in the working folder.
    let folder = tempfile::tempdir().unwrap();
    let mut unnamed = program(home.path(), &["bundle"]);
    let named = ended({
        unnamed.current_dir(folder.path());
        unnamed
    });
    assert!(named.with(0).out.contains("/pm2-tui-"));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    home.assert_unharmed_but(&[]);
}

/// A limit on the size of files stands for a disk that is full.
pub(crate) fn nothing_is_left_where_there_is_no_room() {
    let noise = "for (let i = 0; i < 4000; i += 1) console.log(Math.random() + ' ' + Math.random());\n\
                 setInterval(() => {}, 1e9);";
    let home = Pm2Home::with(Release::Seven, &[script("noisy", "js", noise)]);
    let log = home.path().join("logs/noisy-out.log");
    crate::harness::wait_until("it has logged", || {
        fs::read_to_string(&log).unwrap_or_default().lines().count() == 4_000
    });
    let file = home.path().join("incident.tar.gz");
    let mut command = Command::new("sh");
    command
        .args(["-c", "ulimit -f 16; exec \"$0\" \"$@\"", COCKPIT, "bundle", "-o"])
        .arg(&file)
        .env("PM2_HOME", home.path());
    let told = ended(command).with(1);
    assert!(told.err.contains(&format!("cannot write {}: ", file.display())), "{told:?}");
    assert!(told.err.trim_end().ends_with("; nothing was kept"), "{told:?}");
    let names = fs::read_dir(home.path()).unwrap().map(|entry| entry.unwrap().file_name());
    let names: Vec<String> = names.map(|name| name.to_string_lossy().into_owned()).collect();
    assert!(!names.iter().any(|name| name.contains("incident")), "{names:?}");
}
