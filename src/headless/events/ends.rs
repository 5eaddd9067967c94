//! How processes ended: the signals that only the daemon's console names.
//!
//! Invariant: a signal is told of the end that it belongs to; the process being online again ends it.

use std::collections::{HashMap, HashSet};

use crate::client::Message;
use crate::model::lifecycle;
use crate::protocol::bus::{BusPmId, EventKind, ProcessEvent, raw};
use crate::protocol::process::ProcessStatus;
use crate::protocol::text::clean;

/// The most processes whose end is remembered.
const ENDS_MAX: usize = 4096;

/// What is known of a message about a process.
#[derive(Debug, Default)]
pub(super) struct How<'a> {
    /// What the daemon says; `None` where the message is no such event.
    pub(super) event: Option<Box<ProcessEvent>>,
    /// Its word, cleaned.
    pub(super) word: String,
    /// The signal that ended it, where the console named one.
    pub(super) signal: Option<&'a str>,
    /// Whether the console said how it ended.
    pub(super) is_heard: bool,
    /// Whether it was being stopped.
    pub(super) is_asked: bool,
}

/// What the console said of ends: the signal, if it named one; and which ends were asked for.
#[derive(Debug, Default)]
pub(super) struct Ends {
    heard: HashMap<BusPmId, Option<Box<str>>>,
    /// Those that are being stopped.
    stopping: HashSet<BusPmId>,
}

impl Ends {
    /// The console said something.
    pub(super) fn hear(&mut self, text: &str) {
        for line in text.lines() {
            let Some((id, signal)) = lifecycle::read_exit_line(line) else { continue };
            if self.heard.len() >= ENDS_MAX && !self.heard.contains_key(&id) {
                self.heard.clear();
            }
            self.heard.insert(id, signal.map(|signal| clean(signal).into()));
        }
    }

    /// Remembers what an event says of those that follow.
    pub(super) fn note(&mut self, event: &ProcessEvent) {
        let id = id(event);
        match (&event.kind, &event.info.status) {
            (EventKind::Online, _) => {
                self.heard.remove(&id);
                self.stopping.remove(&id);
            }
            (EventKind::Exit, ProcessStatus::Stopping) => {
                if self.stopping.len() >= ENDS_MAX {
                    self.stopping.clear();
                }
                self.stopping.insert(id);
            }
            _ => {}
        }
    }

    /// Events are missing here.
    pub(super) fn gap(&mut self) {
        self.heard.clear();
        self.stopping.clear();
    }

    /// What is known of a message.
    pub(super) fn of(&self, message: &Message) -> How<'_> {
        if !message.topic().starts_with("process:") {
            return How::default();
        }
        let Some((text, _)) = message.line() else { return How::default() };
        let Some(mut event) = raw::process_event(text.as_bytes()) else { return How::default() };
        let word = raw::other_topic("process:event", text.as_bytes()).unwrap_or_default();
        let word = word.strip_prefix("process:").unwrap_or(&word).to_owned();
        let end = match event.kind {
            EventKind::Exit | EventKind::RestartOverlimit => self.heard.get(&id(&event)),
            _ => None,
        };
        let is_asked = event.kind == EventKind::Exit
            && event.info.status == ProcessStatus::Stopped
            && self.stopping.contains(&id(&event));
        let signal = end.and_then(|end| end.as_deref());
        event.signal = signal.map(Box::from);
        How { event: Some(event), word, signal, is_heard: end.is_some(), is_asked }
    }
}

/// Its id, as the bus has it.
pub(super) fn id(event: &ProcessEvent) -> BusPmId {
    let id = event.info.pm_id;
    if event.is_old_worker { BusPmId::Old(id) } else { BusPmId::Process(id) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn message(word: &str, pm_id: &serde_json::Value) -> Message {
        let payload = json!({
            "event": word, "process": { "pm_id": pm_id, "status": "stopped", "exit_code": 0 }
        });
        Message::new("process:event".into(), payload.to_string().into_bytes().into(), 0)
    }

    #[test]
    fn a_signal_is_of_one_end() {
        let mut ends = Ends::default();
        let said = |ends: &Ends, id: serde_json::Value| {
            let message = message("exit", &id);
            let how = ends.of(&message);
            assert_eq!((how.word.as_str(), how.event.is_some()), ("exit", true));
            (how.signal.map(str::to_owned), how.is_heard)
        };
        ends.hear("App [a:1] exited with code [0] via signal [SIGKILL]\nApp [a:1] starting\n");
        ends.hear("App [a:_old_2] exited with code [0] via signal [SIGINT]\n");
        assert_eq!(said(&ends, json!(1)), (Some("SIGKILL".into()), true));
        assert_eq!(said(&ends, json!("_old_2")), (None, true));
        assert_eq!(said(&ends, json!(2)), (None, false));
        let online = message("online", &json!(1));
        let how = ends.of(&online);
        assert_eq!((how.signal, how.is_heard), (None, false), "it is of exits only");
        let online = how.event.unwrap();
        ends.note(&online);
        assert_eq!(said(&ends, json!(1)), (None, false));
        ends.gap();
        assert_eq!(said(&ends, json!("_old_2")), (None, false));
    }

    #[test]
    fn what_is_no_such_event_is_known_nothing_of() {
        let ends = Ends::default();
        for (topic, payload) in
            [("log:out", "{\"event\":\"exit\"}"), ("process:exit", "{}"), ("process:event", "{")]
        {
            let message = Message::new(topic.into(), payload.as_bytes().to_vec().into(), 0);
            assert!(ends.of(&message).event.is_none(), "{topic}");
        }
    }
}
