//! Where its output goes, and its pid.

use serde_json::{Value as Json, json};

use super::{Entries, Section, Source, Tone};
use crate::model::disk::size_words;

/// The files, with their sizes.
pub(super) fn logs(source: &Source<'_>) -> Section {
    let mut entries = Entries::default();
    for (field, key, label) in [
        ("pm_out_log_path", "out", "output"),
        ("pm_err_log_path", "err", "errors"),
        ("pm_log_path", "both", "both"),
    ] {
        let Some(path) = source.field(field).and_then(Json::as_str) else { continue };
        // PM2 opens no file whose path has one of these in it (docs/pm2-ops.md section 1.1).
        let is_nowhere = ["NULL", "/dev/null"].iter().any(|no| path.contains(no));
        let size = (source.seen.size_of)(path).filter(|_| !is_nowhere);
        let (text, tone) = match size {
            _ if is_nowhere => (format!("{path}, not written"), Tone::Faint),
            Some(size) => {
                let grown = (source.seen.growth_of)(path);
                (format!("{path}, {}", size_words(size, grown)), Tone::Plain)
            }
            None => (path.to_owned(), Tone::Plain),
        };
        entries.toned(key, label, text, json!({ "path": path, "bytes": size }), tone);
    }
    entries.field(source, "pm_pid_path", "pid file");
    for (key, label) in [
        ("log_date_format", "date format"),
        ("log_type", "log type"),
        ("merge_logs", "merged"),
        ("disable_logs", "disabled"),
    ] {
        entries.field(source, key, label);
    }
    entries.into_section("logs", "Logs")
}
