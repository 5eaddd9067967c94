//! The cron patterns that we take, run through the libraries that the releases of PM2 come with.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use pm2_tui::protocol::cron;
use serde_json::Value;

use crate::harness::install::{Locked, Pm2, is_all};

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

/// Schedules each pattern of standard input, and prints those that do not get a date in time.
const DRIVER: &str = "
const isCroner = process.argv[1].endsWith('croner');
const lib = require(process.argv[1]);
console.warn = () => {};
global.run = pattern => {
  if (isCroner) return lib(pattern, () => {}).stop();
  const job = new lib.CronJob({ cronTime: pattern, onTick() {}, start: false });
  job.start();
  job.stop();
};
const script = new (require('vm').Script)('run(pattern)');
const bad = [];
for (const pattern of JSON.parse(require('fs').readFileSync(0, 'utf8'))) {
  global.pattern = pattern;
  try { script.runInThisContext({ timeout: 4000 }); } catch (error) { bad.push(`${pattern}: ${error.message}`); }
}
process.stdout.write(JSON.stringify(bad), () => process.exit(0));
";

/// Every word in every field, and every day in every month.
fn patterns() -> Vec<String> {
    let mut all = vec![String::new(), "* * * *".to_owned(), "* * * * * * *".to_owned()];
    for word in WORDS {
        for place in 0..6 {
            let mut fields = ["*"; 6];
            fields[place] = word;
            all.push(fields.join(" "));
            all.push(fields[1..].join(" "));
        }
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

fn refused_by(library: &PathBuf, patterns: &[String]) -> Vec<String> {
    let mut child = Command::new(&Pm2::install().node)
        .args(["-e", DRIVER])
        .arg(library)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let input = serde_json::to_vec(patterns).unwrap();
    child.stdin.take().unwrap().write_all(&input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}: {}", library.display(), output.status);
    let Value::Array(bad) = serde_json::from_slice(&output.stdout).unwrap() else { panic!() };
    bad.iter().map(|one| one.as_str().unwrap().to_owned()).collect()
}

pub(crate) fn every_pattern_that_we_take_is_read_by_every_release() {
    let taken: Vec<String> =
        patterns().into_iter().filter(|pattern| cron::check(pattern).is_ok()).collect();
    assert!(taken.len() > 1000, "{}", taken.len());
    let installed = |locked, path| Pm2::of(locked).folder.join("node_modules").join(path);
    // Of PM2 7 and 5.4, of 3.5 and 2.10, and of 4.5. Before, not God reads patterns but the app.
    let mut libraries = vec![
        installed(Locked::Current, "croner"),
        installed(Locked::Old, "pm2-3/node_modules/cron"),
    ];
    if is_all() {
        libraries.push(installed(Locked::Older, "pm2-4/node_modules/cron"));
    }
    for library in libraries {
        assert_eq!(refused_by(&library, &taken), [""; 0], "{}", library.display());
    }
}
