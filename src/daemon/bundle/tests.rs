//! A bundle and its file.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;

use flate2::read::GzDecoder;
use serde_json::json;

use super::*;
use crate::protocol::process::{PmId, ProcessStatus};

/// A disk without room.
struct Full;
impl Write for Full {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::StorageFull.into())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn order(path: PathBuf, home: &Path) -> Order {
    let mut info = ProcessInfo::new(PmId(3), "../my api", ProcessStatus::Online);
    let path_of = |name: &str| home.join(name).to_str().unwrap().into();
    (info.logs.out, info.logs.err) = (Some(path_of("o.log")), Some(path_of("none.log")));
    let listed = json!([{ "pm_id": 3, "pm2_env": {
        "node_version": "20.20.2", "SECRET": "hunter2", "env": { "SECRET": "hunter2" },
        "namespace": "\u{9b}31m\u{202e}\u{2028}" } }]);
    Order {
        path,
        may_replace: false,
        may_number: false,
        material: Material { processes: vec![info], ..Material::default() },
        listed: listed.as_array().cloned(),
        home: Some(home.to_owned()),
    }
}

fn unpacked(path: &Path) -> BTreeMap<String, String> {
    let mut archive = tar::Archive::new(GzDecoder::new(File::open(path).unwrap()));
    let read = |entry: io::Result<tar::Entry<'_, _>>| {
        let mut entry = entry.unwrap();
        assert_eq!(entry.header().mode().unwrap(), 0o600);
        let name = entry.path().unwrap().to_str().unwrap().to_owned();
        let mut text = String::new();
        entry.read_to_string(&mut text).unwrap();
        (name, text)
    };
    archive.entries().unwrap().map(read).collect()
}

#[test]
fn a_bundle_holds_what_an_incident_needs_and_no_secret_of_an_environment() {
    let home = tempfile::tempdir().unwrap();
    let console = "2026-11-28T03:12:04: PM2 log: App [../my api:3] exited with code [3] via signal [SIGINT]\n";
    std::fs::write(home.path().join("pm2.log"), console).unwrap();
    std::fs::write(home.path().join("o.log"), "one\ntwo\n").unwrap();
    let path = home.path().join("inc.tar.gz");
    let none = Unfinished::default();
    let written = write(order(path.clone(), home.path()), &none).unwrap();
    assert_eq!(written.files, 5);
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let files = unpacked(&path);
    let names: Vec<&str> = files.keys().map(String::as_str).collect();
    let wanted = [
        "inc/deaths.json",
        "inc/logs/3-..-my-api-out.log",
        "inc/pm2.log",
        "inc/processes.json",
        "inc/summary.md",
    ];
    assert_eq!(names, wanted);
    assert_eq!(files["inc/logs/3-..-my-api-out.log"], "one\ntwo\n");
    let processes = &files["inc/processes.json"];
    assert!(processes.contains("SECRET"), "its name");
    assert!(processes.contains(r"\u009b31m\u202e\u2028"), "no terminal acts on it: {processes}");
    assert!(!files.values().any(|text| text.contains("hunter2")));
    assert!(files["inc/deaths.json"].contains("ended by itself with exit code 3"));
    let summary = &files["inc/summary.md"];
    for words in ["20.20.2", "exit code 3", "none.log: No such file", "logs/3-..-my-api"] {
        assert!(summary.contains(words), "{words}: {summary}");
    }
    // Not a second time, unless that is allowed.
    let refused = write(order(path.clone(), home.path()), &none).unwrap_err();
    assert!(
        refused.contains("inc.tar.gz is there already: not replaced; name another"),
        "{refused}"
    );
    let again = Order { may_replace: true, ..order(path.clone(), home.path()) };
    assert_eq!(write(again, &none).unwrap().files, 5);
    let folder = Order { may_replace: true, ..order(home.path().to_owned(), home.path()) };
    assert!(write(folder, &none).unwrap_err().contains("not a regular file"));
    let nowhere = write(order(home.path().join("no/x.tar.gz"), home.path()), &none).unwrap_err();
    assert!(nowhere.contains("/no/x.tar.gz: there is no folder /"), "{nowhere}");
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 3, "no parts are left");
}

#[test]
fn of_a_log_file_that_is_not_taken_whole_that_is_said() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("pm2.log"), "all\n").unwrap();
    // Lines of 64 bytes: the last 256 KiB are whole lines but for the first.
    let long = format!("{}\n", "x".repeat(63)).repeat(16 << 10);
    std::fs::write(home.path().join("o.log"), long).unwrap();
    let path = home.path().join("inc.tar.gz");
    write(order(path.clone(), home.path()), &Unfinished::default()).unwrap();
    let summary = &unpacked(&path)["inc/summary.md"];
    let wanted = "logs/3-..-my-api-out.log: the last 255.9 KiB of 1.0 MiB\n";
    assert!(summary.contains(wanted), "{summary}");
    assert!(summary.contains("pm2.log: 4 B\n"), "{summary}");
}

#[test]
fn nothing_is_left_of_a_bundle_for_which_there_is_no_room() {
    let home = tempfile::tempdir().unwrap();
    let mut part = tempfile::Builder::new().suffix(".part").tempfile_in(home.path()).unwrap();
    part.write_all(b"half").unwrap();
    let full = io::Error::from_raw_os_error(28);
    let said = failed(part, "/srv/x.tar.gz", &full);
    let wanted =
        "cannot write /srv/x.tar.gz: No space left on device (os error 28); nothing was kept";
    assert_eq!(said, wanted);
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0, "no part is left");
    let entry = Entry { name: "a".to_owned(), bytes: b"x".to_vec(), of: None };
    let error = pack(Full, "x", vec![entry], 0).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
}

#[test]
fn the_second_of_two_of_one_name_is_told_the_way_out() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("inc.tar.gz");
    let part = tempfile::Builder::new().suffix(".part").tempfile_in(home.path()).unwrap();
    // The other one is whole first.
    std::fs::write(&path, "the other").unwrap();
    let order = order(path.clone(), home.path());
    let error = put(part, path.clone(), (&order, &path)).unwrap_err();
    let said = failed(error.file, "inc.tar.gz", &error.error);
    let wanted = "inc.tar.gz was written meanwhile: not replaced; name another file with -o, or run \
                  it again to replace this one; nothing was kept";
    assert_eq!(said, wanted);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "the other");
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 1, "no part is left");
}

#[test]
fn what_is_not_finished_at_the_end_of_the_program_is_removed() {
    let home = tempfile::tempdir().unwrap();
    let unfinished = Unfinished::default();
    let [part, done] = ["a.part", "b.part"].map(|name| home.path().join(name));
    for path in [&part, &done] {
        std::fs::write(path, "half").unwrap();
        assert!(unfinished.begin(path));
    }
    unfinished.end(&done);
    unfinished.remove();
    assert!(!part.exists() && done.exists(), "what is no part any more stays");
    let late = write(order(home.path().join("late.tar.gz"), home.path()), &unfinished);
    assert!(late.unwrap_err().ends_with("late.tar.gz is not written: the program ends"));
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 1);
}

#[test]
fn a_name_that_nobody_chose_gets_a_number_where_it_is_taken() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("inc.tar.gz");
    let write = || {
        let order = Order { may_number: true, ..order(path.clone(), home.path()) };
        write(order, &Unfinished::default()).unwrap().path
    };
    let wanted = ["inc.tar.gz", "inc-2.tar.gz", "inc-3.tar.gz"];
    for name in wanted {
        assert!(write().ends_with(&format!("/{name}")), "{name}");
    }
    // Somebody took the free name meanwhile.
    let part = tempfile::NamedTempFile::new_in(home.path()).unwrap();
    let order = Order { may_number: true, ..order(path.clone(), home.path()) };
    let put = put(part, path.clone(), (&order, &path)).unwrap();
    assert_eq!(put.file_name().unwrap(), "inc-4.tar.gz");
}
