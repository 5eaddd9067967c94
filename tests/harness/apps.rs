//! The apps that the tests put under a real PM2, as entries of an ecosystem file.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

/// An app to be: its name, its script and the rest of its entry.
#[derive(Debug, Clone)]
pub struct App {
    /// Its name in PM2.
    pub name: String,
    source: Source,
    entry: Value,
}

#[derive(Debug, Clone)]
enum Source {
    /// A script to write: the file's extension and text.
    Text(&'static str, String),
    /// A program that is there already.
    Program(&'static str),
}

impl App {
    /// With this as the rest of its entry.
    pub fn with(mut self, entry: Value) -> Self {
        self.entry = entry;
        self
    }

    /// Writes the script into `folder` and gives the entry for the ecosystem file.
    pub fn written_to(&self, folder: &Path) -> Value {
        let script = match &self.source {
            Source::Text(extension, text) => {
                let file = folder.join(format!("{}.{extension}", self.name));
                fs::write(&file, text).unwrap();
                file.to_str().unwrap().to_owned()
            }
            Source::Program(path) => (*path).to_owned(),
        };
        let mut entry = self.entry.clone();
        entry["name"] = json!(self.name);
        entry["script"] = json!(script);
        entry["cwd"] = json!(folder);
        entry
    }
}

/// An app whose script is this text.
pub fn script(name: &str, extension: &'static str, text: impl Into<String>) -> App {
    App { name: name.to_owned(), source: Source::Text(extension, text.into()), entry: json!({}) }
}

/// A fork app that logs `NAME tick N` every 200 ms.
pub fn ticker(name: &str) -> App {
    script(
        name,
        "js",
        format!("let n = 0; setInterval(() => console.log(`{name} tick ${{++n}}`), 200);"),
    )
}

/// A node app that does nothing.
pub fn idle(name: &str) -> App {
    script(name, "js", "setInterval(() => {}, 1e9);")
}

/// `/bin/sleep`: nothing, at the least cost.
pub fn sleeper(name: &str) -> App {
    App {
        name: name.to_owned(),
        source: Source::Program("/bin/sleep"),
        entry: json!({"interpreter": "none", "args": ["86400"]}),
    }
}

/// A cluster of two that serve HTTP on a free port.
pub fn cluster(name: &str) -> App {
    script(
        name,
        "js",
        "require('http').createServer((q, a) => a.end('hello')).listen(0, '127.0.0.1');",
    )
    .with(json!({"exec_mode": "cluster", "instances": 2}))
}

/// Throws after 250 ms; `errored` after three tries, within about a second.
pub fn crasher(name: &str) -> App {
    script(name, "js", "setTimeout(() => { throw new Error('crasher threw') }, 250);")
        .with(json!({"max_restarts": 3, "min_uptime": 5000}))
}

/// Crashes at once and then waits a minute: `waiting restart`.
pub fn delayed(name: &str) -> App {
    script(name, "js", "setTimeout(() => process.exit(3), 250);")
        .with(json!({"restart_delay": 60_000}))
}

/// Logs a coloured line, an OSC title, wide characters and a line on stderr, every 300 ms.
pub fn logger(name: &str) -> App {
    script(
        name,
        "js",
        r"let n = 0;
setInterval(() => {
  n += 1;
  console.log(`\x1b[31mred\x1b[0m plain`);
  console.log(`before\x1b]0;stolen title\x07after`);
  console.log(`wide 漢字 end`);
  console.error(`on stderr`);
  console.log(`cleared\x1b[2J\x1b[Hno`);
}, 300);",
    )
}

/// Logs its name and a number for ever, each line with this end: so many lines at once, then so many
/// every 10 ms. One called `shared` has the number of its instance in the name.
pub fn counter(name: &str, at_once: u32, every_10_ms: u32, end: &str) -> App {
    script(
        name,
        "js",
        format!(
            "var n = 0, name = '{name}';\n\
             if (name === 'shared') name += process.env.NODE_APP_INSTANCE;\n\
             function line() {{ console.log(name + ' ' + n++ + '{end}'); }}\n\
             for (var i = 0; i < {at_once}; i++) line();\n\
             setInterval(function () {{ for (var i = 0; i < {every_10_ms}; i++) line(); }}, 10);"
        ),
    )
}

/// A shell script.
pub fn shell(name: &str) -> App {
    script(name, "sh", "while :; do echo from the shell; sleep 1; done\n")
}

/// Throws an exception when it gets SIGUSR2, and says `armed` again and again while it can.
pub fn thrower(name: &str) -> App {
    script(
        name,
        "js",
        "process.on('SIGUSR2', () => { throw new Error('boom 4711') });
setInterval(() => console.log('armed'), 200);",
    )
}

/// Answers each message that it gets with one of type `my:answer`.
pub fn answerer(name: &str) -> App {
    script(
        name,
        "js",
        "process.on('message', (got) => process.send({ type: 'my:answer', data: { got } }));
setInterval(() => {}, 1e9);",
    )
}

/// Waits for the file `go` in its folder and logs this many lines of about 92 bytes, one by one, as
/// fast as PM2 takes them, with a pause of so many milliseconds after each 2,000; the last is
/// [`LAST_LINE`]. The file `done` then says when PM2 had taken
/// that one, in milliseconds since 1970.
pub fn flood(name: &str, lines: u64, pause_ms: u64) -> App {
    let text = format!(
        r"const fs = require('fs');
function flood(from) {{
  for (let n = from; n < {lines}; n += 1) {{
    if (process.stdout.writableNeedDrain) {{
      process.stdout.once('drain', () => flood(n));
      return;
    }}
    if ({pause_ms} > 0 && n % 2000 === 0 && n > from) {{
      setTimeout(() => flood(n), {pause_ms});
      return;
    }}
    console.log(String(n).padStart(9, '0') + '{FLOOD_TEXT}');
  }}
  process.stdout.write('{LAST_LINE}\n', () => {{
    fs.writeFileSync('done.part', String(Date.now()));
    fs.renameSync('done.part', 'done');
  }});
}}
const timer = setInterval(() => {{ if (fs.existsSync('go')) {{ clearInterval(timer); flood(1); }} }}, 50);
setInterval(() => {{}}, 1e9);"
    );
    script(name, "js", text)
}

/// What a line of a flood says after its number.
pub const FLOOD_TEXT: &str =
    " a line of a burst as a busy service would write it, and a bit longer than short";

/// What a flood ends with.
pub const LAST_LINE: &str = "the-burst-ends-here";
