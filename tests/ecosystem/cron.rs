//! The cron patterns that we take, run through the libraries that the releases of PM2 come with.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;

use pm2_tui::protocol::cron::{self, Reader};

use serde_json::Value;

use crate::harness::install::{Locked, Pm2, Release, is_all};

/// What may stand in a field: of it all, each field takes a part.
const WORDS: &[&str] = &[
    "*",
    "*/1",
    "*/2",
    "*/6",
    "*/7",
    "*/8",
    "*/11",
    "*/12",
    "*/24",
    "*/31",
    "*/60",
    "*/61",
    "*/0",
    "0",
    "1",
    "6",
    "7",
    "8",
    "11",
    "12",
    "23",
    "24",
    "28",
    "29",
    "30",
    "31",
    "32",
    "59",
    "60",
    "00",
    "007",
    "0-0",
    "1-5",
    "0-6",
    "1-7",
    "5-1",
    "1-11",
    "1-12",
    "0-59",
    "1-5/1",
    "1-5/2",
    "0-6/6",
    "1-31/31",
    "1,2",
    "5,1,5",
    "0,6",
    "1,2-4",
    "*/2,1",
    "1,*",
    "1,,2",
    ",1",
    "1,",
    "1-31/1",
    "5/2",
    "31/2",
    "59/2",
    "60/2",
    "0/5",
    "11/3",
    "12/3",
    "7/2",
    "8/2",
    "mon/2",
    "fri-7",
    "2-3/5",
    "1-1/2",
    "1-2/3",
    "?,1",
    "?",
    "L",
    "l",
    "W",
    "1#2",
    "5L",
    "jan",
    "DEC",
    "feb,nov",
    "jan-dec",
    "oct-dec/2",
    "dec-jan",
    "jan-2",
    "11-nov",
    "sun",
    "Sat",
    "mon,wed",
    "mon-fri",
    "sun-sat/3",
    "fri-mon",
    "mon-3",
    "monday",
    "janfeb",
    "+1",
    "-1",
    "1-2-3",
    "1/2",
    "1/2/3",
    "*5",
    "**",
    "*-5",
    "1.5",
    "a",
    "@daily",
];

/// Schedules each pattern of standard input with the library of the release in `argv[1]`, on each of
/// the days in `argv[3]`, and prints those that are read: that get a date, or none, in the time of
/// `argv[2]`.
const DRIVER: &str = "
const [, release, timeout, moments] = process.argv;
const { createRequire } = require('module');
const load = createRequire(release + '/package.json');
const isCroner = 'croner' in load('./package.json').dependencies;
const lib = load(isCroner ? 'croner' : 'cron');
console.warn = console.error = () => {};
const Real = Date;
let now;
class Fixed extends Real {
  constructor(...given) { given.length === 0 ? super(now) : super(...given); }
  static now() { return now; }
}
global.run = pattern => {
  if (isCroner) return lib(pattern, () => {}).stop();
  const job = new lib.CronJob({ cronTime: pattern, onTick() {}, start: false });
  job.start();
  job.stop();
};
const script = new (require('vm').Script)('run(pattern)');
const read = JSON.parse(require('fs').readFileSync(0, 'utf8')).filter(pattern => {
  global.pattern = pattern;
  // The older one knows no pattern that means another thing on another day.
  return (isCroner ? moments.split(',') : ['']).every(moment => {
    now = new Real(moment).getTime();
    if (isCroner) global.Date = Fixed;
    try {
      script.runInThisContext({ timeout: Number(timeout) });
      return true;
    } catch {
      return false;
    } finally {
      global.Date = Real;
    }
  });
});
process.stdout.write(JSON.stringify(read), () => process.exit(0));
";

/// Days on which a pattern with `?` or `L` may mean another thing.
const MOMENTS: &str =
    "2026-01-31T23:59:58,2027-02-28T00:00:00,2028-02-29T12:00:00,2028-12-31T23:59:59";

/// Every word in every field.
fn in_one_field() -> Vec<String> {
    let mut all = vec!["* * * *".to_owned(), "* * * * * * *".to_owned()];
    for word in WORDS {
        for place in 0..6 {
            let mut fields = ["*"; 6];
            fields[place] = word;
            all.push(fields.join(" "));
            all.push(fields[1..].join(" "));
        }
    }
    all
}

/// The same, in two fields at once, and every day in every month.
fn patterns() -> Vec<String> {
    let mut all = in_one_field();
    for word in WORDS {
        for other in WORDS {
            all.push(format!("0 0 {word} {other} *"));
            all.push(format!("0 0 {word} * {other}"));
        }
    }
    for day in 1..=31 {
        for month in (1..=12).map(|month| month.to_string()).chain(
            ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
                .map(str::to_owned),
        ) {
            all.push(format!("0 0 {day} {month} *"));
            all.push(format!("0 0 {day},31 {month} mon"));
        }
    }
    all
}

/// Those of the patterns that the library of a release reads.
fn read_by(release: Release, patterns: &BTreeSet<String>, patience_ms: u32) -> BTreeSet<String> {
    let folder = folder(release);
    let mut child = Command::new(&Pm2::install().node)
        .args(["-e", DRIVER, "--"])
        .arg(folder)
        .args([&patience_ms.to_string(), MOMENTS])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let input = serde_json::to_vec(patterns).unwrap();
    child.stdin.take().unwrap().write_all(&input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{release:?}: {}", output.status);
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Where the package of a release is.
fn folder(release: Release) -> PathBuf {
    let (cli, _) = release.program();
    cli.parent().unwrap().parent().unwrap().to_owned()
}

/// The library of a release, with its version.
fn library(release: Release) -> String {
    let folder = folder(release);
    let read = |path: PathBuf| -> Option<Value> {
        serde_json::from_slice(&fs::read(path.join("package.json")).ok()?).ok()
    };
    let depends = read(folder.clone()).unwrap();
    let name = if depends["dependencies"]["croner"].is_string() { "croner" } else { "cron" };
    let installed = folder.ancestors().find_map(|it| read(it.join("node_modules").join(name)));
    format!("{name} {}", installed.unwrap()["version"])
}

/// One release for each library that those that are asked come with: what another release with the
/// same one reads is the same.
fn releases() -> Vec<Release> {
    let is_asked = |release: &Release| is_all() || release.locked() != Locked::Older;
    let mut seen = BTreeSet::new();
    let is_new = |release: &Release| seen.insert(library(*release));
    Release::ALL.into_iter().filter(is_asked).filter(is_new).collect()
}

/// Judges each of the releases, all at once: each is a program of its own.
fn each_release(judge: impl Fn(Release, Reader) + Sync) {
    let releases = releases();
    assert!(releases.len() >= 3, "{releases:?}");
    thread::scope(|scope| {
        for release in releases {
            let judge = &judge;
            scope.spawn(move || judge(release, Reader::of_release(Some(release.version()))));
        }
    });
}

pub(crate) fn every_pattern_that_we_take_is_read_by_the_release() {
    let all = patterns();
    let taken_by = |reader: Reader| -> BTreeSet<String> {
        all.iter().filter(|it| cron::check(it, reader).is_ok()).cloned().collect()
    };
    // Of which it is not known what runs: God must not die of it, in 2.10 and later.
    let by_all = taken_by(Reader::Every);
    each_release(|release, reader| {
        let taken = taken_by(reader);
        assert!(taken.len() > 1000, "{reader:?}: {}", taken.len());
        let more = by_all.difference(&taken).next();
        assert!(reader == Reader::FirstCron || more.is_none(), "{reader:?}: {more:?}");
        let read = read_by(release, &taken, 4000);
        let unread: Vec<&String> = taken.difference(&read).collect();
        assert_eq!(unread, [""; 0], "{release:?} {reader:?}");
    });
}

/// What some library reads and we refuse: an empty part that it passes over, what never runs, a name
/// within a word, a start outside of the field, and a step of 1 that `croner` 4.1.92 refuses.
const REFUSED: &[&str] = &[
    ",1", "1,", "1,,2", "?,1", "**", "*5", "janfeb", "0/5", "12/3", "31/2", "59/2", "60/2",
    "1-5/1", "1-31/1",
];

pub(crate) fn what_we_refuse_the_release_does_not_read() {
    let all = in_one_field();
    // The first ones read nearly everything, and mean something else by it: 60 is 59.
    let is_strict = |reader: &Reader| *reader != Reader::FirstCron;
    each_release(|release, reader| {
        if !is_strict(&reader) {
            return;
        }
        let refused: BTreeSet<String> =
            all.iter().filter(|it| cron::check(it, reader).is_err()).cloned().collect();
        // `cron` takes a name in any field for its number.
        let is_named = |it: &str| reader == Reader::Cron && it.contains(char::is_alphabetic);
        let is_known = |pattern: &String| {
            is_named(pattern) || pattern.split(' ').any(|word| REFUSED.contains(&word))
        };
        let read = read_by(release, &refused, 200);
        let read: Vec<&String> = read.iter().filter(|it| !is_known(it)).collect();
        assert_eq!(read, [""; 0], "{release:?} {reader:?}");
    });
}
