use super::*;

/// A letter for each line: `.` text, `o` opens, `T` title, `f` frame, `F` own frame, `+` more; `/`
/// stands where an entry begins, `^` where the line before is its title.
fn told(text: &str) -> String {
    let mut feed = Traces::default();
    let mut told = String::new();
    for line in text.lines() {
        let step = feed.feed(line.as_bytes());
        told.push_str(if step.joins_previous {
            "^"
        } else if step.is_first {
            "/"
        } else {
            ""
        });
        told.push(match step.part {
            Part::Text => '.',
            Part::Opens => 'o',
            Part::Title => 'T',
            Part::Frame { is_own: false } => 'f',
            Part::Frame { is_own: true } => 'F',
            Part::More => '+',
        });
    }
    told
}

fn found(text: &str) -> Vec<Trace> {
    traces(text.lines().map(str::as_bytes))
}

const NODE: &str = "\
ready
/srv/app/index.js:42
    throw new Error('boom')
    ^

Error: boom
    at Object.<anonymous> (node:internal/modules/cjs/loader:1143:10)
    at Layer.handle [as handle_request] (/srv/app/node_modules/express/lib/router/layer.js:95:5)
    at async main (/srv/app/index.js:42:11)
    at new Promise (<anonymous>)
    at process.processTicksAndRejections (node:internal/process/task_queues:95:5) {
  code: 'ENOENT',
  info: {
    path: '/x'
  },
  [cause]: Error: inner
      at inner (file:///srv/app/inner.mjs:3:9)
      ... 4 lines matching cause stack trace ...
}

Node.js v20.20.2
next";

#[test]
fn node_with_excerpt_properties_and_cause() {
    assert_eq!(told(NODE), "./o+++TffFff+++++F++++.");
    let traces = found(NODE);
    assert_eq!(traces, [Trace { first: 1, lines: 20, title: 5, frames: 6, own: Some(8) }]);
}

#[test]
fn node_without_anything_around() {
    let text = "\
TypeError: x is not a function
    at f (/srv/a.js:1:2)
    at /srv/b.js:3:4
Error: second
    at Module._compile (internal/modules/cjs/loader.js:1085:14)
    at C:\\srv\\c.js:1:1
    at async Promise.all (index 0)
after";
    assert_eq!(told(text), "/TFF/TfFf.");
}

#[test]
fn a_list_of_requires_is_of_the_message() {
    let text = "\
Error: Cannot find module './missing'
Require stack:
- /srv/app/index.js
    at Module._resolveFilename (node:internal/modules/cjs/loader:1143:15)
    at Object.<anonymous> (/srv/app/index.js:1:1) {
  code: 'MODULE_NOT_FOUND',
  requireStack: [ '/srv/app/index.js' ]
}";
    assert_eq!(told(text), "/T++fF+++");
}

#[test]
fn an_error_without_frames_is_its_properties() {
    let text = "\
[Error: ENOENT: no such file or directory, open 'x'] {
  errno: -2,
  code: 'ENOENT'
}
text";
    assert_eq!(told(text), "/T+++.");
}

#[test]
fn a_syntax_error_is_one() {
    let text = "\
/srv/app/index.js:3
  foo bar
      ^^^

SyntaxError: Unexpected identifier
    at internalCompileFunction (node:internal/vm:73:18)

Node.js v20.20.2";
    assert_eq!(told(text), "/o+++Tf++");
}

#[test]
fn frames_make_the_line_before_them_a_title() {
    let text = "before\nsomething odd was thrown\n    at f (/srv/a.js:1:2)\nafter";
    assert_eq!(told(text), "..^F.");
    assert_eq!(found(text), [Trace { first: 1, lines: 2, title: 1, frames: 1, own: Some(2) }]);
    assert_eq!(found("    at f (/srv/a.js:1:2)"), []);
}

#[test]
fn sentences_are_no_frames() {
    let text = "\
  at noon we eat
at /srv/a.js:1:2
  at last (it works)
/srv/app/index.js:42
next line
Error: alone
text";
    assert_eq!(told(text), ".../o+/T.");
    assert_eq!(found(text), [Trace { first: 3, lines: 2, title: 3, frames: 0, own: None }]);
}

#[test]
fn python_ends_with_what_was_raised() {
    let text = "\
Traceback (most recent call last):
  File \"/srv/app.py\", line 12, in main
    run()
    ~~~^^
  File \"/usr/lib/python3/dist-packages/lib.py\", line 3, in run
    raise KeyError('x')
KeyError: 'x'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File \"/srv/other.py\", line 2, in <module>
    main()
  File \"/srv/venv/site-packages/y.py\", line 9, in g
    g()
ValueError: bad
after";
    assert_eq!(told(text), "/oF++f+T++++F+f+T.");
    assert_eq!(found(text), [Trace { first: 0, lines: 16, title: 15, frames: 4, own: Some(11) }]);
}

#[test]
fn go_has_its_places_in_lines_of_their_own() {
    let text = "\
panic: runtime error: index out of range [3] with length 3
[signal SIGSEGV: segmentation violation]

goroutine 1 [running]:
runtime.throw({0x4a2f1d?, 0x0?})
\t/usr/local/go/src/runtime/panic.go:1077 +0x48
main.run(...)
\t/srv/app/main.go:12
main.main()
\t/srv/app/main.go:8 +0x1d
created by main.start in goroutine 1
\t/root/go/pkg/mod/example.com/x@v1.0.0/x.go:4 +0x25
exit status 2
after";
    assert_eq!(told(text), "/T++++f+F+F+f+.");
    assert_eq!(found(text)[0].own, Some(7));
}

#[test]
fn java_has_causes() {
    let text = "\
Exception in thread \"main\" java.lang.IllegalStateException: bad
\tat com.example.App.run(App.java:12)
\tat java.base/java.lang.Thread.run(Thread.java:840)
\tat org.springframework.boot.Launcher.main(Launcher.java:1)
Caused by: java.io.IOException: Broken pipe
\tat sun.nio.ch.FileDispatcherImpl.write0(Native Method)
\t... 12 more
after";
    assert_eq!(told(text), "/TFff+f+.");
}

#[test]
fn rust_panics() {
    let text = "\
thread 'main' panicked at src/main.rs:2:5:
boom
stack backtrace:
   0: std::panicking::begin_panic
             at /rustc/abc/library/std/src/panicking.rs:1:2
   1: app::main
             at ./src/main.rs:2:5
note: Some details are omitted
after";
    assert_eq!(told(text), "/T+++f+F+.");
}

#[test]
fn an_entry_has_an_end() {
    let text = format!("Error: x\n{}", "    at f (/srv/a.js:1:2)\n".repeat(2500));
    let found = found(&text);
    assert!(found.iter().all(|trace| trace.lines <= LINES_MAX + 1), "{found:?}");
}

#[test]
fn a_frame_takes_no_line_from_another_entry() {
    let text = "\
Traceback (most recent call last):
  File \"/srv/app.py\", line 12, in main
ValueError: bad
    at f (/srv/a.js:1:2)
    at g (/srv/a.js:3:4)";
    let entries = found(text).iter().map(|trace| (trace.first, trace.lines)).collect::<Vec<_>>();
    assert_eq!(entries, [(0, 3), (3, 2)]);
}
