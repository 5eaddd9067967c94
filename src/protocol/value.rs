//! amp-message arguments: what an AMP argument's first two bytes say it is (npm package
//! `amp-message` 0.1.2, `index.js`): `s:` text, `j:` JSON, anything else raw bytes.

use bytes::Bytes;

/// One decoded argument, borrowed from its frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    /// `j:` and JSON text, not yet parsed.
    Json(&'a [u8]),
    /// `s:` and text; invalid UTF-8 makes it [`Value::Raw`].
    Text(&'a str),
    /// Bytes without a known prefix.
    Raw(&'a [u8]),
}

impl<'a> Value<'a> {
    /// Reads the two-byte prefix of an argument.
    #[must_use]
    pub fn parse(arg: &'a [u8]) -> Self {
        if let Some(json) = arg.strip_prefix(b"j:") {
            return Self::Json(json);
        }
        match arg.strip_prefix(b"s:").map(std::str::from_utf8) {
            Some(Ok(text)) => Self::Text(text),
            _ => Self::Raw(arg),
        }
    }
}

/// Encodes text as an argument.
#[must_use]
pub fn text(text: &str) -> Bytes {
    Bytes::from([b"s:", text.as_bytes()].concat())
}

/// Encodes a JSON value as an argument.
#[must_use]
pub fn json(value: &serde_json::Value) -> Bytes {
    Bytes::from(format!("j:{value}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prefix_tells_the_kind() {
        assert_eq!(Value::parse(b"s:pong"), Value::Text("pong"));
        assert_eq!(Value::parse(b"s:"), Value::Text(""));
        assert_eq!(Value::parse(b"j:{}"), Value::Json(b"{}"));
        for raw in [&b""[..], b"s", b"x:1", b"s:\xff"] {
            assert_eq!(Value::parse(raw), Value::Raw(raw));
        }
    }

    #[test]
    fn what_is_encoded_reads_back() {
        assert_eq!(Value::parse(&text("é:1")), Value::Text("é:1"));
        let encoded = json(&serde_json::json!({ "a": [1] }));
        assert_eq!(Value::parse(&encoded), Value::Json(br#"{"a":[1]}"#));
    }
}
