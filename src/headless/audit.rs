//! Lines of the audit file for what the commands do, where the configuration wants one.
//!
//! Invariant: what is asked for is noted before it is sent, and what came of it after. A command neither
//! waits for the file nor fails with it; that it is not written is said once.

use std::path::PathBuf;

use super::{Context, output};
use crate::daemon::audit::{self, Audit, Lines};
use crate::daemon::clock::now_ms;
use crate::model::audit::{Standing, Who, asked, outcome};

/// Where a command notes what it does.
#[derive(Debug, Clone)]
pub(super) struct Book {
    lines: Lines,
    user: String,
}

/// What was asked for, and of whom, as the lines have it.
pub(super) type Deeds = Vec<(String, String)>;

/// Begins to write the file; `None` where no thread can be had.
pub(super) fn begin(path: PathBuf) -> Option<(Audit, Book)> {
    let was_told = std::sync::atomic::AtomicBool::new(false);
    let tell = move |standing: Standing| {
        let is_first = || !was_told.swap(true, std::sync::atomic::Ordering::Relaxed);
        if let Some(why) = standing.trouble.filter(|_| is_first()) {
            output::complain(&format!("warning: {why}"));
        }
    };
    match Audit::start(path, tell) {
        Ok(file) => {
            let book = Book { lines: file.lines(), user: audit::user() };
            Some((file, book))
        }
        Err(error) => {
            output::complain(&format!("warning: the audit file is not written: {error}"));
            None
        }
    }
}

impl Context {
    /// Notes what is about to be done, each with whom it is done to.
    pub(super) fn note_asked(&self, deeds: &[(String, String)]) {
        for (action, target) in deeds {
            self.note(|who| asked(now_ms(), who, action, target));
        }
    }

    /// Notes what came of it.
    pub(super) fn note_outcome(&self, deed: (&str, &str), (is_good, words): (bool, &str)) {
        self.note(|who| outcome(now_ms(), who, deed, (is_good, words)));
    }

    /// Notes that nothing came of any of it.
    pub(super) fn note_failed(&self, deeds: &[(String, String)], why: &str) {
        for (action, target) in deeds {
            self.note_outcome((action, target), (false, why));
        }
    }

    fn note(&self, line: impl FnOnce(Who<'_>) -> String) {
        let Some(book) = &self.book else { return };
        let home = self.home();
        book.lines.write(line(Who { user: &book.user, home: &home }));
    }
}
