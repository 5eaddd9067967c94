//! Which messages of the bus are wanted, and under which of their two names.
//!
//! Invariant: what has two names ([`raw::other_topic`]) is printed once, unless both are asked for
//! by name; so is what an event says and the daemon's console, too. What an app consists of
//! (`application:dependencies`, at each start) is printed where a pattern means it.

use crate::client::{Message, PATTERNS_MAX, PatternError, Patterns};
use crate::model::lifecycle;
use crate::protocol::bus::raw;

/// What tells how processes end, and which there are: heard whether or not it is printed.
const HEARD: [&str; 2] = ["log:PM2", "process:event"];

/// What the packages of an app come under.
const PACKAGES: &str = "application:dependencies";

/// The topics that are wanted.
#[derive(Debug)]
pub(super) struct Topics<'a> {
    given: &'a [String],
    patterns: Patterns,
    /// Whether packages of apps are wanted: by name, not by a pattern for everything.
    has_packages: bool,
    /// Whether lines of the daemon's console are left out that repeat an event.
    leaves_repeats: bool,
    /// The other name under which the message that was printed last comes next.
    copy: Option<String>,
}

impl<'a> Topics<'a> {
    /// # Errors
    /// A pattern that can never fit.
    pub(super) fn new(given: &'a [String]) -> Result<Self, PatternError> {
        let words: Vec<&str> = given.iter().map(String::as_str).collect();
        let patterns = Patterns::new(&words)?;
        let some: Vec<&str> = words.into_iter().filter(|word| *word != "*").collect();
        let has_packages = !some.is_empty() && Patterns::new(&some)?.fit(PACKAGES);
        let has_events = ["process:online", "process:exit"].iter().all(|it| patterns.fit(it));
        let leaves_repeats = has_events && given.iter().all(|word| word != "log:PM2");
        Ok(Self { given, patterns, has_packages, leaves_repeats, copy: None })
    }

    /// Prints everything as it comes.
    pub(super) fn unedited(self) -> Self {
        Self { leaves_repeats: false, ..self }
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
        let is_wanted = match topic {
            PACKAGES => self.has_packages,
            "log:PM2" if self.leaves_repeats => self.patterns.fit(topic) && !is_repeat(message),
            topic => self.patterns.fit(topic),
        };
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

/// Whether a message of the daemon's console says nothing but what events say.
fn is_repeat(message: &Message) -> bool {
    let event = message.decode();
    let text = event.as_ref().and_then(|event| event.data.get("data")?.as_str());
    text.is_some_and(|text| text.lines().all(lifecycle::repeats_event))
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
    fn what_events_say_and_what_apps_consist_of_is_left_out() {
        let console = |text: &str| {
            ("log:PM2", format!(r#"{{"process":{{"pm_id":"PM2"}},"data":"{text}\n"}}"#))
        };
        let online = console("App [api:0] online");
        let other = console("PM2 error: no such file");
        let packages = ("application:dependencies", "{}".to_owned());
        let all = [&online, &other, &packages].map(|(topic, payload)| (*topic, payload.as_str()));
        assert_eq!(wanted(&[], &all), ["log:PM2"]);
        assert_eq!(wanted(&["*"], &all), ["log:PM2"]);
        assert_eq!(wanted(&["log:*"], &all), ["log:PM2", "log:PM2"], "no event says it");
        assert_eq!(wanted(&["log:PM2", "*"], &all), ["log:PM2", "log:PM2"], "by name");
        for named in ["application:dependencies", "application:*", "*dep*"] {
            assert_eq!(wanted(&[named], &all), ["application:dependencies"], "{named}");
        }
        let given = Vec::new();
        let mut chunks = Topics::new(&given).unwrap().unedited();
        let (topic, payload) = all[0];
        let message = Message::new(topic.into(), payload.as_bytes().to_vec().into(), 0);
        assert!(chunks.want(&message), "as it came");
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
