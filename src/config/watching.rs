//! `[alert]` and `[[watch]]`: what is to be noticed.
//!
//! Invariant: a threshold is taken whole or not at all.

use std::time::Duration;

use toml::Spanned;
use toml::de::DeValue;

use super::reading::Reading;
use super::values::{self, boolean, one_of};
use crate::app::settings::{Alert, Notification, Watch};

/// The keys of `[alert]`.
pub(super) const ALERT: &[&str] = &["bell", "notify", "run"];
/// The keys of `[[watch]]`.
pub(super) const WATCH: &[&str] = &["when", "for"];
/// The most thresholds.
const WATCHES_MAX: usize = 32;

const NOTIFY: &[(&str, Notification)] =
    &[("off", Notification::Off), ("osc9", Notification::Osc9), ("osc777", Notification::Osc777)];

/// Reads `[alert]`.
pub(super) fn alert(reading: &mut Reading<'_>, value: &Spanned<DeValue<'_>>) -> Alert {
    let mut alert = Alert::default();
    for (key, value) in reading.table("alert", value).into_iter().flatten() {
        let name = &**key.get_ref();
        match name {
            "bell" => alert.bell = reading.value(name, value, boolean).unwrap_or_default(),
            "notify" => {
                alert.notify = reading.value(name, value, one_of(NOTIFY)).unwrap_or_default();
            }
            "run" => alert.run = reading.value(name, value, values::program).unwrap_or_default(),
            unknown => reading.unknown(&key.span(), unknown, ALERT),
        }
    }
    alert
}

/// Reads all `[[watch]]`.
pub(super) fn watches(reading: &mut Reading<'_>, value: &Spanned<DeValue<'_>>) -> Vec<Watch> {
    let mut all = Vec::new();
    for (place, table) in reading.tables("watch", value) {
        if all.len() == WATCHES_MAX {
            reading.wrong(&place, format!("only the first {WATCHES_MAX} [[watch]] count"));
            break;
        }
        let (mut when, mut hold) = (None, Some(Duration::ZERO));
        for (key, value) in table {
            let name = &**key.get_ref();
            match name {
                "when" => when = reading.value(name, value, values::filter),
                "for" => {
                    hold = reading.value(name, value, values::span);
                    if hold == Some(Duration::ZERO) {
                        let why = "for: 0s is no time: without `for` it counts at once";
                        reading.wrong(&value.span(), why);
                    }
                }
                unknown => reading.unknown(&key.span(), unknown, WATCH),
            }
        }
        if table.get("when").is_none() {
            reading.wrong(&place, "[[watch]]: when = \"..\" is missing");
        }
        if let (Some(when), Some(hold)) = (when, hold) {
            let hold_ms = u64::try_from(hold.as_millis()).unwrap_or(u64::MAX);
            all.push(Watch { when, hold_ms });
        }
    }
    all
}
