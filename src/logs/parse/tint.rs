//! Places in a line that are worth a soft colour: numbers with their units, addresses, quotations.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::Span;
use super::cursor::{Cursor, is_blank};

/// Bytes of a line that are looked at: more than a screen shows.
const LOOK: usize = 4096;
/// Places in a line at most.
const COUNT_MAX: usize = 128;
/// Bytes of a quotation at most: an apostrophe opens none that is closed far away.
const QUOTED_MAX: usize = 300;

/// What a place is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A number, its sign and unit included: `12 ms`, `-3.5%`, `4211`.
    Number,
    /// An address with a scheme.
    Url,
    /// A UUID.
    Uuid,
    /// An IPv4 or IPv6 address, its port included.
    Ip,
    /// An HTTP status.
    Status(u16),
    /// Text in quotes, the quotes included.
    Quoted,
}

/// A place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tint {
    /// Where, in the plain text.
    pub span: Span,
    /// What.
    pub kind: Kind,
}

/// The places in a plain text, in order, none over another. For lines without colours of their own:
/// see [`super::Plain::has_sequences`].
#[must_use]
pub fn tints(text: &[u8]) -> Vec<Tint> {
    let text = text.get(..text.len().min(LOOK)).unwrap_or_default();
    let mut found = Vec::new();
    let mut cursor = Cursor::new(text, 0);
    while let Some(byte) = cursor.peek() {
        if found.len() >= COUNT_MAX {
            break;
        }
        let start = cursor.at();
        let place = match byte {
            b'"' | b'\'' | b'`' => quoted(cursor, byte),
            b':' => ip(cursor),
            b'+' | b'-' => number(cursor),
            byte if byte.is_ascii_alphanumeric() => word(cursor),
            _ => None,
        };
        if let Some((kind, end)) = place.filter(|(_, end)| *end > start) {
            found.push(Tint { span: Span { start, end }, kind });
            cursor = Cursor::new(text, end);
        } else if byte.is_ascii_alphanumeric() {
            // What is no place is a word whole: `worker1`, `2024-01-02`, `v1.2.3`.
            skip_word(&mut cursor);
        } else if matches!(byte, b'-' | b'+' | b'.' | b'_') {
            cursor.skip(1);
            // `-v2`, `_id7`: not a number behind a sign.
            if cursor.peek() != Some(b'-') {
                skip_word(&mut cursor);
            }
        } else {
            cursor.skip(1);
            if byte == b':' {
                cursor.take_while(|next| next == b':');
            }
        }
    }
    found
}

fn skip_word(cursor: &mut Cursor<'_>) {
    loop {
        cursor.take_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80);
        let goes_on = cursor.peek_at(1).is_some_and(|byte| byte.is_ascii_alphanumeric());
        match cursor.peek() {
            Some(b'-' | b'.' | b'/' | b'\'') if goes_on => cursor.skip(1),
            // A time of the day; but `port:3000` has a number.
            Some(b':') if goes_on && cursor.at() > 0 && is_digit_before(*cursor) => cursor.skip(1),
            _ => return,
        }
    }
}

fn is_digit_before(cursor: Cursor<'_>) -> bool {
    cursor.since(cursor.at().saturating_sub(1)).first().is_some_and(u8::is_ascii_digit)
}

fn quoted(mut cursor: Cursor<'_>, quote: u8) -> Option<(Kind, usize)> {
    let before = cursor.since(cursor.at().checked_sub(1).unwrap_or(cursor.at())).first();
    if before.is_some_and(u8::is_ascii_alphanumeric) {
        return None;
    }
    cursor.skip(1);
    let start = cursor.at();
    loop {
        cursor.take_while(|byte| byte != quote && byte != b'\\');
        if cursor.at() - start > QUOTED_MAX {
            return None;
        }
        if cursor.next()? == quote {
            let is_end = !cursor.peek().is_some_and(|byte| byte.is_ascii_alphanumeric());
            let is_empty = cursor.at() == start + 1;
            return (is_end && !is_empty).then_some((Kind::Quoted, cursor.at()));
        }
        cursor.skip(1);
    }
}

fn word(cursor: Cursor<'_>) -> Option<(Kind, usize)> {
    url(cursor).or_else(|| uuid(cursor)).or_else(|| ip(cursor)).or_else(|| number(cursor))
}

fn url(mut cursor: Cursor<'_>) -> Option<(Kind, usize)> {
    let scheme =
        cursor.take_while(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"+.-".contains(&b));
    if !(2..=20).contains(&scheme.len()) || !cursor.eat_all(b"://") {
        return None;
    }
    let start = cursor.at();
    let is_of_url = |b: u8| b > b' ' && b != 0x7f && !b"\"'`<>|\\^{}".contains(&b);
    let body = cursor.take_while(is_of_url);
    let has_parenthesis = body.contains(&b'(');
    let is_ending = |b: &&u8| b".,;:!?]".contains(b) || (**b == b')' && !has_parenthesis);
    let ending = body.iter().rev().take_while(is_ending).count();
    let length = body.len() - ending;
    (length > 0).then_some((Kind::Url, start + length))
}

fn uuid(mut cursor: Cursor<'_>) -> Option<(Kind, usize)> {
    for (index, length) in [8, 4, 4, 4, 12].into_iter().enumerate() {
        if index > 0 {
            cursor.want(b'-')?;
        }
        let group = cursor.rest().get(..length)?;
        if !group.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        cursor.skip(length);
    }
    is_word_end(cursor).then_some((Kind::Uuid, cursor.at()))
}

fn ip(start: Cursor<'_>) -> Option<(Kind, usize)> {
    let mut cursor = start;
    let four = cursor.take_while(|byte| byte.is_ascii_digit() || byte == b'.');
    let four_text = four.strip_suffix(b".").unwrap_or(four);
    if four_text.len() >= 7 && parse::<Ipv4Addr>(four_text).is_some() {
        let mut end = Cursor::new(cursor.since(0), start.at() + four_text.len());
        if four_text.len() == four.len() && cursor.peek() == Some(b':') {
            let mut port = cursor;
            port.skip(1);
            if port.number(1, 5).is_some() && is_word_end(port) {
                end = port;
            }
        }
        return Some((Kind::Ip, end.at()));
    }
    let mut cursor = start;
    let six = cursor.take_while(|byte| byte.is_ascii_hexdigit() || byte == b':' || byte == b'.');
    let has_two_colons = six.split(|byte| *byte == b':').nth(2).is_some();
    if !has_two_colons || six.len() > 45 {
        return None;
    }
    let six = six.strip_suffix(b".").unwrap_or(six);
    let is_six = parse::<Ipv6Addr>(six).is_some() && six.len() > 2;
    is_six.then_some((Kind::Ip, start.at() + six.len()))
}

fn parse<T: std::str::FromStr>(text: &[u8]) -> Option<T> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

const UNITS: &[&str] = &[
    "ms", "s", "us", "µs", "μs", "ns", "m", "min", "h", "d", "%", "B", "b", "kB", "KB", "MB", "GB",
    "TB", "kb", "mb", "gb", "KiB", "MiB", "GiB", "k", "K", "M", "G", "x", "Hz", "kHz", "MHz",
    "GHz", "px", "rps", "fps", "C", "°C", "V", "W",
];
/// Units that also stand behind a blank; shorter ones would be words.
const APART: &[&str] = &[
    "ms", "s", "µs", "ns", "min", "%", "B", "kB", "KB", "MB", "GB", "TB", "KiB", "MiB", "GiB",
    "bytes", "sec", "secs", "seconds", "minutes", "hours", "days",
];

fn number(start: Cursor<'_>) -> Option<(Kind, usize)> {
    let mut cursor = start;
    let before = start.since(start.at().checked_sub(1).unwrap_or(start.at())).first();
    let has_sign = cursor.eat(b'-') || cursor.eat(b'+');
    if has_sign && before.is_some_and(|byte| !is_blank(*byte) && !b"=(:[,".contains(byte)) {
        return None;
    }
    let digits = cursor.take_while(|byte| byte.is_ascii_digit()).len();
    if digits == 0 {
        return None;
    }
    // 1,234,567 and 12.5
    while cursor.peek() == Some(b',') && three_digits(cursor) {
        cursor.skip(4);
    }
    if cursor.peek() == Some(b'.') && cursor.peek_at(1).is_some_and(|byte| byte.is_ascii_digit()) {
        cursor.skip(1);
        cursor.take_while(|byte| byte.is_ascii_digit());
    }
    if let Some(status) = status(start, cursor) {
        return Some((Kind::Status(status), cursor.at()));
    }
    let end = unit(cursor, UNITS).or_else(|| {
        let mut apart = cursor;
        apart.eat(b' ').then(|| unit(apart, APART)).flatten()
    });
    let is_bare = is_word_end(cursor)
        && !(matches!(cursor.peek(), Some(b'-' | b':' | b'/' | b'.'))
            && cursor.peek_at(1).is_some_and(|byte| byte.is_ascii_alphanumeric()));
    end.or_else(|| is_bare.then_some(cursor.at())).map(|end| (Kind::Number, end))
}

fn three_digits(mut cursor: Cursor<'_>) -> bool {
    cursor.skip(1);
    cursor.count_digits() == 3
}

/// Where the longest unit that is next ends, if a word ends there.
fn unit(cursor: Cursor<'_>, units: &[&str]) -> Option<usize> {
    let ends = units.iter().filter_map(|unit| {
        let mut after = cursor;
        (after.eat_all(unit.as_bytes()) && is_word_end(after)).then_some(after.at())
    });
    ends.max()
}

fn is_word_end(cursor: Cursor<'_>) -> bool {
    cursor.peek().is_none_or(|byte| !byte.is_ascii_alphanumeric() && byte != b'_' && byte < 0x80)
}

/// Three digits behind a request or a word for it.
fn status(start: Cursor<'_>, end: Cursor<'_>) -> Option<u16> {
    let digits = end.since(start.at());
    let status = parse::<u16>(digits).filter(|status| (100..600).contains(status))?;
    if digits.len() != 3 || !is_word_end(end) {
        return None;
    }
    let before = start.since(0);
    let words = before.trim_ascii_end();
    let names: [&[u8]; 6] =
        [b"status=", b"status:", b"status", b"statusCode=", b"statusCode:", b"status_code="];
    if names.iter().any(|name| words.ends_with(name)) {
        return Some(status);
    }
    let mut back = words.rsplit(|byte| is_blank(*byte));
    let last = back.next()?;
    let last = last.strip_suffix(b"\"").unwrap_or(last);
    let is_answer = last.starts_with(b"HTTP/");
    let mut is_request = || {
        let method = back.next().unwrap_or_default();
        let methods: [&[u8]; 7] =
            [b"GET", b"POST", b"PUT", b"PATCH", b"DELETE", b"HEAD", b"OPTIONS"];
        last.starts_with(b"/") && methods.contains(&method)
    };
    (is_answer || is_request()).then_some(status)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The places, each with a letter of its kind.
    fn places(text: &str) -> Vec<String> {
        let shown = |tint: &Tint| {
            let letter = match tint.kind {
                Kind::Number => 'n',
                Kind::Url => 'u',
                Kind::Uuid => 'i',
                Kind::Ip => 'a',
                Kind::Status(_) => 's',
                Kind::Quoted => 'q',
            };
            format!("{letter} {}", String::from_utf8_lossy(tint.span.of(text.as_bytes())))
        };
        tints(text.as_bytes()).iter().map(shown).collect()
    }

    #[test]
    fn numbers_have_their_units() {
        assert_eq!(
            places("took 12 ms, 3.5s or 1,234,567 bytes; -4% of +2.5MiB at 90°C"),
            ["n 12 ms", "n 3.5s", "n 1,234,567 bytes", "n -4%", "n +2.5MiB", "n 90°C"]
        );
        assert_eq!(places("port=3000 retries: 3, (7) x=-1"), ["n 3000", "n 3", "n 7", "n -1"]);
    }

    #[test]
    fn parts_of_words_are_no_numbers() {
        assert!(
            places("worker-1 v1.2.3 2024-01-02 15:04:05 utf8 a1b2 x_3 node20 sha-1").is_empty()
        );
        assert!(places("it's don't 1st 0x1f 12abc 3/4").is_empty());
    }

    #[test]
    fn addresses() {
        assert_eq!(
            places("GET https://example.com/a?b=1#c, (http://x.y/z) and redis://localhost:6379."),
            ["u https://example.com/a?b=1#c", "u http://x.y/z", "u redis://localhost:6379"]
        );
        assert_eq!(
            places(
                "10.0.0.7:4211 ::1 ::ffff:127.0.0.1 fe80::1 1.2.3 10.0.0.300 12:34:56 127.0.0.1."
            ),
            ["a 10.0.0.7:4211", "a ::1", "a ::ffff:127.0.0.1", "a fe80::1", "a 127.0.0.1"]
        );
        assert_eq!(
            places("id 1998c17a-8e81-493e-95a6-8ceb537c10e3 1998c17a-8e81-493e-95a6-8ceb537c10e3x"),
            ["i 1998c17a-8e81-493e-95a6-8ceb537c10e3"]
        );
    }

    #[test]
    fn status_behind_a_request_or_its_name() {
        assert_eq!(places("GET /api 200 12.3 ms - 42"), ["s 200", "n 12.3 ms", "n 42"]);
        assert_eq!(
            places("HTTP/1.1\" 404 12 status=500 status: 201"),
            ["n 12", "s 500", "s 201"].into_iter().fold(vec!["s 404"], |mut all, one| {
                all.push(one);
                all
            })
        );
        assert_eq!(places("sent 200 mails"), ["n 200"]);
    }

    #[test]
    fn quotations() {
        assert_eq!(
            places(r#"say "a \" b" and 'c' or `d`, not it's 'open"#),
            [r#"q "a \" b""#, "q 'c'", "q `d`"]
        );
        assert_eq!(places("\"\" ''").len(), 0);
    }
}
