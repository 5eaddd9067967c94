//! How a process ended, and the words for it: the one place where code and signal become text.

/// How a process ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// With this code.
    Code(Box<str>),
    /// By this signal.
    Signal(Box<str>),
    /// Nobody saw how.
    Unseen,
}

impl End {
    /// The last end of a process, by what PM2 says of it: code 0 of each signal. The signal is that of its
    /// black box, where it has one.
    #[must_use]
    pub fn last(code: &str, signal: Option<&str>) -> Self {
        match signal.filter(|_| code == "0") {
            Some(signal) => Self::Signal(signal.into()),
            None => Self::Code(code.into()),
        }
    }

    /// The signal by which it ended, where that is known.
    #[must_use]
    pub fn signal(&self) -> Option<&str> {
        match self {
            Self::Signal(signal) => Some(signal),
            // 0.12 has the signal's name there.
            Self::Code(code) => Some(&**code).filter(|code| code.starts_with("SIG")),
            Self::Unseen => None,
        }
    }

    /// The same in a narrow column: `1`, `SIGKILL`, and `0?` for 0 or a signal.
    #[must_use]
    pub fn short(&self) -> String {
        match self {
            Self::Signal(signal) => signal.to_string(),
            Self::Code(code) if **code == *"0" => "0?".to_owned(),
            Self::Code(code) => code.to_string(),
            Self::Unseen => "?".to_owned(),
        }
    }

    /// How it ended, of whom PM2's console was heard, as it is where there is a bus at all, or read.
    #[must_use]
    pub fn words(&self) -> String {
        self.heard(true)
    }

    /// The same; `is_heard` is whether PM2's console said it, which tells each signal but SIGINT from an
    /// exit code 0 (docs/pm2-ops.md section 0).
    #[must_use]
    pub fn heard(&self, is_heard: bool) -> String {
        match self {
            Self::Signal(signal) => format!("killed by {signal}"),
            // 0.12 has the signal's name there.
            Self::Code(code) if code.starts_with("SIG") => format!("killed by {code}"),
            Self::Code(code) if **code == *"0" && is_heard => "exit code 0 or SIGINT".to_owned(),
            Self::Code(code) if **code == *"0" => "exit code 0 or a signal".to_owned(),
            Self::Code(code) => format!("exit code {code}"),
            Self::Unseen => "exit code unknown".to_owned(),
        }
    }

    /// The same for programs: `code 1`, `SIGKILL`, `unknown`.
    pub(super) fn brief(&self, is_heard: bool) -> String {
        match self {
            Self::Signal(signal) => signal.to_string(),
            Self::Unseen => "unknown".to_owned(),
            Self::Code(_) => behind_exit(&self.heard(is_heard)).to_owned(),
        }
    }

    /// What is said of a signal that was sent just before, from here.
    #[must_use]
    pub fn sent(&self, signal: &str) -> String {
        match self {
            Self::Signal(by) if **by == *signal => format!("sent {HERE}"),
            _ => format!("after {signal} was sent {HERE}"),
        }
    }
}

/// How this program is named as the one that did something.
pub const HERE: &str = "by pm2-tui (here)";

/// The same of the pm2 command, of another pm2-tui, and of what else reports what it did as these do: they cannot be
/// told apart.
pub(super) const BY_ANOTHER: &str = "by another client";

/// The words for an end where `exit` need not be said: behind that word, and in a row of the table.
pub(super) fn behind_exit(words: &str) -> &str {
    words.strip_prefix("exit ").unwrap_or(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zero_alone_is_never_said_to_be_a_clean_end() {
        let code = |code: &str| End::Code(code.into());
        assert_eq!(code("0").words(), "exit code 0 or SIGINT");
        assert_eq!(code("0").heard(false), "exit code 0 or a signal");
        assert_eq!(code("1").words(), "exit code 1");
        assert_eq!(code("SIGTERM").words(), "killed by SIGTERM");
        assert_eq!(End::Signal("SIGKILL".into()).heard(false), "killed by SIGKILL");
        assert_eq!(End::Unseen.words(), "exit code unknown");
        let brief =
            [code("1"), End::Signal("SIGKILL".into()), End::Unseen].map(|it| it.brief(true));
        assert_eq!(brief, ["code 1", "SIGKILL", "unknown"]);
        assert_eq!(behind_exit(&code("1").words()), "code 1");
        let last = [("0", None), ("0", Some("SIGKILL")), ("1", Some("SIGKILL")), ("SIGTERM", None)]
            .map(|(code, signal)| End::last(code, signal));
        assert_eq!(last.each_ref().map(End::short), ["0?", "SIGKILL", "1", "SIGTERM"]);
        let signals = last.each_ref().map(End::signal);
        assert_eq!(signals, [None, Some("SIGKILL"), None, Some("SIGTERM")]);
    }
}
