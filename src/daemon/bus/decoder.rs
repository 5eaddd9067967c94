//! Messages of the bus as values, with what a message before says of them.
//!
//! Invariant: at most [`SIGNALS_MAX`] signals wait for the `exit` that they belong to.

use std::collections::HashMap;

use crate::model::lifecycle;
use crate::protocol::amp::Frame;
use crate::protocol::bus::{self, BusError, BusEvent, BusMessage, BusPmId, EventKind};
use crate::protocol::process::PmId;

/// The most signals that wait for the `exit` they belong to.
const SIGNALS_MAX: usize = 4096;

/// Decodes one connection.
#[derive(Debug, Default)]
pub(in crate::daemon) struct Decoder {
    /// The signals that the daemon's console named and whose `exit` event is still to come.
    signals: HashMap<PmId, Box<str>>,
}

impl Decoder {
    /// The message. An `exit` has the signal that the daemon's console named just before.
    pub(in crate::daemon) fn decode(&mut self, frame: &Frame) -> Result<BusMessage, BusError> {
        let mut message = bus::decode(frame)?;
        match &mut message.event {
            BusEvent::DaemonLog { data, .. } => {
                let named =
                    data.lines().filter_map(|line| match lifecycle::read_exit_line(line)? {
                        (BusPmId::Process(id), Some(signal)) => Some((id, signal)),
                        _ => None,
                    });
                for (id, signal) in named {
                    if self.signals.len() >= SIGNALS_MAX {
                        self.signals.clear();
                    }
                    self.signals.insert(id, signal.into());
                }
            }
            BusEvent::Process(event) if event.kind == EventKind::Exit && !event.is_old_worker => {
                let named = self.signals.remove(&event.info.pm_id);
                event.signal = named.or(event.signal.take());
            }
            _ => {}
        }
        Ok(message)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::protocol::value;

    fn line(signal: &str) -> String {
        format!("App [my:a]pp:12] exited with code [0] via signal [{signal}]")
    }

    #[test]
    fn a_signal_is_joined_to_the_next_exit_of_its_process_once() {
        let mut decoder = Decoder::default();
        let mut decode = |topic: &str, payload: &Json| {
            let frame = Frame::new(vec![value::text(topic), value::json(payload)]).unwrap();
            match decoder.decode(&frame).unwrap().event {
                BusEvent::Process(event) => event.signal,
                _ => None,
            }
        };
        let said = json!({ "process": { "pm_id": "PM2" }, "data": line("SIGSEGV") + "\nmore\n" });
        let exit = |id: Json| json!({ "event": "exit", "process": { "pm_id": id } });
        decode("log:PM2", &said);
        assert_eq!(decode("process:event", &exit(json!(1))), None, "another process");
        assert_eq!(decode("process:event", &exit(json!("_old_12"))), None, "its old worker");
        let online = json!({ "event": "online", "process": { "pm_id": 12 } });
        assert_eq!(decode("process:event", &online), None);
        let signal = decode("process:event", &exit(json!(12)));
        assert_eq!(signal.as_deref(), Some("SIGSEGV"));
        assert_eq!(decode("process:event", &exit(json!(12))), None, "it is of one exit");
    }
}
