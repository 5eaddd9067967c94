//! Which messages of the bus are wanted, and under which of their two names.
//!
//! Invariant: what has two names ([`raw::other_topic`]) is printed once, unless both are asked for
//! by name.

use crate::client::{Message, PATTERNS_MAX, PatternError, Patterns};
use crate::protocol::bus::raw;

/// What tells how processes end, and which there are: heard whether or not it is printed.
const HEARD: [&str; 2] = ["log:PM2", "process:event"];

/// The topics that are wanted.
#[derive(Debug)]
pub(super) struct Topics<'a> {
    given: &'a [String],
    patterns: Patterns,
    /// The other name under which the message that was printed last comes next.
    copy: Option<String>,
}

impl<'a> Topics<'a> {
    /// # Errors
    /// A pattern that can never fit.
    pub(super) fn new(given: &'a [String]) -> Result<Self, PatternError> {
        let words: Vec<&str> = given.iter().map(String::as_str).collect();
        Ok(Self { given, patterns: Patterns::new(&words)?, copy: None })
    }

    /// What to subscribe to: with what has to be heard.
    pub(super) fn subscription(&self) -> Vec<&'a str> {
        let mut all: Vec<&str> = self.given.iter().map(String::as_str).collect();
        all.extend(HEARD.iter().filter(|topic| !self.patterns.fit(topic)));
        // Everything, where there is no room for more patterns.
        if all.len() > PATTERNS_MAX { Vec::new() } else { all }
    }

    /// Whether to print the message under the topic that it comes with.
    pub(super) fn want(&mut self, message: &Message) -> bool {
        let topic = message.topic();
        if self.copy.take().is_some_and(|copy| copy == topic) {
            return self.is_named(topic);
        }
        let is_wanted = self.patterns.fit(topic);
        if !matches!(topic, "process:event" | "process:msg") {
            return is_wanted;
        }
        let line = message.line();
        let other = line.and_then(|(text, _)| raw::other_topic(topic, text.as_bytes()));
        // It comes next under that name.
        let other = other.filter(|other| other != topic && self.patterns.fit(other));
        if self.is_named(topic) {
            self.copy = other;
            return true;
        }
        is_wanted && other.is_none()
    }

    /// Events are missing here.
    pub(super) fn gap(&mut self) {
        self.copy = None;
    }

    fn is_named(&self, topic: &str) -> bool {
        self.given.iter().any(|pattern| pattern == topic)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is printed of these, each `TOPIC PAYLOAD`.
    fn wanted(patterns: &[&str], messages: &[(&str, &str)]) -> Vec<String> {
        let given: Vec<String> = patterns.iter().map(|&pattern| pattern.into()).collect();
        let mut topics = Topics::new(&given).unwrap();
        let all = messages.iter().filter(|(topic, payload)| {
            topics.want(&Message::new((*topic).into(), payload.as_bytes().to_vec().into(), 0))
        });
        all.map(|(topic, _)| (*topic).to_owned()).collect()
    }

    #[test]
    fn what_has_two_names_is_printed_under_one() {
        let exit = r#"{"event":"exit"}"#;
        let heap = r#"{"raw":{"type":"my:heap"}}"#;
        let all = [
            ("process:event", exit),
            ("process:exit", exit),
            ("process:msg", heap),
            ("my:heap", heap),
            // Without another name.
            ("process:event", "{}"),
            ("process:msg", r#"{"raw":"x"}"#),
            // An app's own message of that topic.
            ("process:exit", r#"{"data":1}"#),
        ];
        let once = ["process:exit", "my:heap", "process:event", "process:msg", "process:exit"];
        assert_eq!(wanted(&[], &all), once);
        assert_eq!(wanted(&["*"], &all), once);
        let events = [all[0], all[1], all[6]];
        assert_eq!(wanted(&["process:*"], &events), ["process:exit", "process:exit"]);
        assert_eq!(wanted(&["process:exit"], &events), ["process:exit", "process:exit"]);
        // The daemon's own, by name, and what only its own name fits.
        assert_eq!(wanted(&["process:event"], &[all[0]]), ["process:event"]);
        assert_eq!(wanted(&["process:ev*"], &[all[0]]), ["process:event"]);
        let named = ["process:event", "process:exit"];
        assert_eq!(wanted(&["process:event", "*"], &events), named);
        assert_eq!(wanted(&named, &events), [&named[..], &["process:exit"]].concat());
        assert_eq!(wanted(&["log:*"], &all), [""; 0]);
    }

    #[test]
    fn what_tells_of_ends_is_heard_too() {
        let asked = |patterns: &[String]| {
            let topics = Topics::new(patterns).unwrap();
            topics.subscription().iter().map(|&it| it.to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(asked(&["log:*".into()]), ["log:*", "process:event"]);
        assert_eq!(asked(&["x".into()]), ["x", "log:PM2", "process:event"]);
        assert_eq!(asked(&[]), [""; 0]);
        let many: Vec<String> = (0..PATTERNS_MAX).map(|n| format!("t{n}")).collect();
        assert_eq!(asked(&many), [""; 0]);
    }
}
