//! Lines that are one call of a stack, and whether it is in the program's own files.

use super::super::cursor::{Cursor, find, is_blank};

/// Packages of Java that are seldom the program.
const JAVA: &[&str] = &[
    "java.",
    "javax.",
    "jdk.",
    "sun.",
    "com.sun.",
    "jakarta.",
    "kotlin.",
    "kotlinx.",
    "scala.",
    "org.springframework.",
    "org.apache.",
    "org.hibernate.",
    "org.eclipse.",
    "io.netty.",
    "reactor.",
];

/// `    at f (file:1:2)` of Node.js and `\tat pkg.Class.method(File.java:1)` of Java: whether own.
pub(super) fn call(line: &[u8]) -> Option<bool> {
    let words = line.trim_ascii_start();
    if words.len() == line.len() {
        return None;
    }
    let call = words.strip_prefix(b"at ")?;
    let call = call.strip_suffix(b" {").unwrap_or(call);
    if let Some(is_own) = java(call) {
        return Some(is_own);
    }
    let place = match call.strip_suffix(b")") {
        Some(inside) => {
            let open = inside.iter().rposition(|byte| *byte == b'(')?;
            inside.get(open + 1..)?
        }
        None => call.strip_prefix(b"async ").unwrap_or(call),
    };
    let is_place = ends_with_line(place)
        || [&b"<anonymous>"[..], b"native"].contains(&place)
        || place.starts_with(b"index ")
        || place.starts_with(b"eval at ");
    is_place.then(|| is_own_script(place))
}

/// `:12` or `:12:34` at the end.
fn ends_with_line(place: &[u8]) -> bool {
    let digits = place.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    digits > 0 && place.iter().rev().nth(digits) == Some(&b':') && place.len() > digits + 1
}

fn is_own_script(place: &[u8]) -> bool {
    let is_path = place.iter().any(|byte| *byte == b'/' || *byte == b'\\');
    let starts = [&b"node:"[..], b"internal/", b"ext:", b"deno:"];
    let foreign = [&b"node_modules/"[..], b"node_modules\\", b"/.yarn/", b"/.pnpm/"];
    is_path
        && !starts.iter().any(|start| place.starts_with(start))
        && !foreign.iter().any(|folder| find(place, folder).is_some())
}

/// `pkg.Class.method(File.java:12)`, `java.base/java.lang.Thread.run(Thread.java:840)`.
fn java(call: &[u8]) -> Option<bool> {
    // Classes of a logger's choice: `~[app.jar:1.0]`.
    let end = call.iter().position(|byte| *byte == b')')?;
    let open = call.iter().position(|byte| *byte == b'(')?;
    let place = call.get(open + 1..end)?;
    let is_java = [&b".java"[..], b".kt", b".scala", b".groovy"]
        .iter()
        .any(|kind| find(place, kind).is_some() && !place.contains(&b'/'));
    if !is_java && !matches!(place, b"Native Method" | b"Unknown Source" | b"<generated>") {
        return None;
    }
    let name = call.get(..open)?;
    let name = name.rsplit(|byte| *byte == b'/').next()?;
    Some(!JAVA.iter().any(|package| name.starts_with(package.as_bytes())))
}

/// `  File "/srv/app.py", line 12, in main`.
pub(super) fn python(line: &[u8]) -> Option<bool> {
    let place = line.trim_ascii_start().strip_prefix(b"File \"")?;
    if line.first() != Some(&b' ') || find(place, b"\", line ").is_none() {
        return None;
    }
    let foreign = [&b"site-packages/"[..], b"dist-packages/", b"/lib/python", b"<frozen "];
    Some(!foreign.iter().any(|folder| find(place, folder).is_some()))
}

/// `\t/srv/main.go:12 +0x1d`.
pub(super) fn go(line: &[u8]) -> Option<bool> {
    let place = line.strip_prefix(b"\t")?;
    let end = find(place, b".go:")?;
    let path = place.get(..end)?;
    let foreign =
        [&b"/pkg/mod/"[..], b"/go/src/runtime/", b"/usr/local/go/", b"/usr/lib/go", b"/vendor/"];
    Some(!foreign.iter().any(|folder| find(path, folder).is_some()))
}

/// `main.main()`, `net/http.(*conn).serve(0xc0000b2000, {0x7f1d, 0xc000})`.
pub(super) fn is_go_call(line: &[u8]) -> bool {
    let mut cursor = Cursor::new(line, 0);
    let name = cursor.take_while(|byte| !is_blank(byte) && byte != b'(');
    name.contains(&b'.') && cursor.peek() == Some(b'(') && line.ends_with(b")")
}

/// `             at ./src/main.rs:2:5`.
pub(super) fn rust(line: &[u8]) -> Option<bool> {
    let words = line.trim_ascii_start();
    let place = words.strip_prefix(b"at ")?;
    if words.len() == line.len() || !ends_with_line(place) {
        return None;
    }
    let foreign = [&b"/rustc/"[..], b".cargo/registry/", b"/rustlib/"];
    Some(!foreign.iter().any(|folder| find(place, folder).is_some()))
}
