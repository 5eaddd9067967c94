use jiff::tz::TimeZone;

use super::super::{Clock, Context, Level, Sign, read};
use super::*;

fn record(line: &str) -> Option<(Record, Reading)> {
    let clock = Clock { zone: &TimeZone::UTC, reference_ms: 0 };
    let reading = read(line.as_bytes(), &Context { declared: None, clock, is_stderr: false });
    Record::of(line.as_bytes(), &reading).map(|record| (record, reading))
}

fn line(text: &str) -> String {
    record(text).unwrap().0.line()
}

#[test]
fn nested_fields_are_flattened_in_their_order() {
    let text = r#"{"z":1,"msg":"m","a":{"b":{"c":"x y"},"d":[1,{"e":2}]},"z":2,"":{}}"#;
    assert_eq!(line(text), r#"m z=1 a.b.c="x y" a.d=[1,{"e":2}] z=2 ={}"#);
}

#[test]
fn a_row_of_a_trace_is_what_was_thrown() {
    let row = |text: &str| record(text).unwrap().0.row();
    let pm2 = r#"{"message":"Error: no disk\n    at load (node:internal/x:1:27)\n    at write (/srv/disk.js:7:3)\n","timestamp":"t","type":"err","process_id":0,"app_name":"a"}"#;
    assert_eq!(row(pm2), "Error: no disk   + 2 frames");
    let excerpt = r#"{"message":"/srv/index.js:12\n  throw err;\n  ^\n\nError: no disk\n    at write (/srv/disk.js:7:3)","type":"err","process_id":0,"app_name":"a"}"#;
    assert_eq!(row(excerpt), "Error: no disk   + 1 frame");
    let own = r#"{"msg":"cannot save\nError: full\n    at write (/srv/disk.js:7:3)","n":1}"#;
    assert_eq!(row(own), "cannot save Error: full n=1   + 1 frame");
    let stack = r#"{"err":{"stack":"Error: x\n    at a (/srv/a.js:1:2)"},"n":1}"#;
    assert_eq!(row(stack), "Error: x n=1");
    assert_eq!(row(r#"{"msg":"two\nlines","n":1}"#), "two\nlines n=1", "no trace");
}

#[test]
fn values_are_quoted_where_they_would_not_read_as_one_word() {
    let text = r#"{"a":"","b":"x=y","c":"say \"hi\"","d":"line\nline\ttab","e":"\u001b[31m","f":"ü/ok","g":"\ud83d\ude00"}"#;
    let expected = r#"a="" b="x=y" c="say \"hi\"" d="line\nline\ttab" e="\u{1b}[31m" f=ü/ok g=😀"#;
    assert_eq!(line(text), expected);
}

#[test]
fn what_is_no_json_to_its_end_stays_text() {
    for text in [
        r#"{"a":1} and more"#,
        r#"{"a":1"#,
        r#"{"a" 1}"#,
        r#"{"a":1,}"#,
        r"{a:1}",
        r#"{"a":undefined}"#,
        r#"{"a":"x}"#,
        r"{ message: 'util.inspect' }",
        r#"[{"a":1}]"#,
        r#"{"a":[}"#,
    ] {
        assert_eq!(record(text), None, "{text}");
    }
    assert!(record(r#"{"a":1}  "#).is_some());
    assert!(record("{}").is_some());
}

#[test]
fn a_line_over_the_bound_stays_text() {
    let long = |bytes: usize| format!(r#"{{"msg":"{}"}}"#, "x".repeat(bytes - 10));
    assert!(record(&long(LINE_MAX)).is_some());
    assert_eq!(record(&long(LINE_MAX + 1)), None);
    assert_eq!(record(&format!("a=1 b={}", "x".repeat(LINE_MAX))), None);
}

#[test]
fn deep_objects_are_json_text() {
    let deep = format!(r#"{{"msg":"m","a":{}1{}}}"#, r#"{"b":"#.repeat(500), "}".repeat(500));
    let (record, _) = record(&deep).unwrap();
    assert_eq!(record.fields.len(), 1);
    assert_eq!(record.fields[0].key, "a.b.b.b.b.b.b.b");
    assert!(record.fields[0].value.starts_with(r#"{"b":{"b":"#));
}

#[test]
fn sentences_with_an_equals_sign_are_no_logfmt() {
    assert_eq!(record("a=1 and so on"), None);
    assert_eq!(record("a=1"), None);
    assert_eq!(record("x = 1 y = 2"), None);
    assert_eq!(record("https://example.com/?a=1 b=2"), None);
    assert_eq!(line(r#"a=1 b="x \"y\"" c="#), r#"a=1 b="x \"y\"" c="""#);
}

#[test]
fn the_surer_name_is_the_role() {
    let (record, reading) =
        record(r#"{"event":"login","msg":"user came","severity":3,"level":"warn"}"#).unwrap();
    assert_eq!(record.line(), "user came event=login severity=3");
    assert_eq!(reading.level, Some((Level::Warn, Sign::Said)));
}

#[test]
fn one_object_of_pm2_in_another_is_text() {
    let inner = r#"{\"message\":\"x\",\"process_id\":1,\"app_name\":\"a\"}"#;
    let text = format!(r#"{{"message":"{inner}","process_id":2,"app_name":"b"}}"#);
    assert_eq!(line(&text), r#"{"message":"x","process_id":1,"app_name":"a"}"#);
}
