//! One process of a `getMonitorData` reply, whole.
//!
//! Invariant: only the one that is asked for is built; of the others nothing but the id is read.

use serde::Deserialize;
use serde_json::Value as Json;
use serde_json::value::RawValue;

use super::PmId;
use crate::protocol::json;

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    args: Vec<Vec<&'a RawValue>>,
}

#[derive(Deserialize)]
struct Identity {
    pm_id: Option<u32>,
}

/// The process with this id, as the daemon sent it: with its environment, so that it is nothing to
/// show or keep as it is. `None` where the reply does not have it.
#[must_use]
pub fn whole(body: &[u8], pm_id: PmId) -> Option<Json> {
    let found = json::read(body, |text| {
        let envelope: Envelope<'_> = json::from_slice(text)?;
        let processes = envelope.args.into_iter().next().unwrap_or_default();
        let is_it = |raw: &&&RawValue| {
            let identity = serde_json::from_str::<Identity>(raw.get());
            identity.is_ok_and(|identity| identity.pm_id == Some(pm_id.0))
        };
        processes.iter().find(is_it).map(|raw| serde_json::from_str(raw.get())).transpose()
    });
    found.ok().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_process_asked_for_is_found_whole() {
        let body = br#"{"args":[[{"pm_id":0,"name":"a"},{"name":"b","pm_id":7,
            "pm2_env":{"env":{"A":"\ud83d"}}},{"pm_id":"odd"}]]}"#;
        let found = whole(body, PmId(7)).unwrap();
        assert_eq!(found["pm2_env"]["env"]["A"], "\u{fffd}");
        assert_eq!(whole(body, PmId(1)), None);
        for odd in [&b"{}"[..], b"{\"args\":[]}", b"{\"args\":[{\"error\":true}]}", b"[", b""] {
            assert_eq!(whole(odd, PmId(7)), None);
        }
    }
}
