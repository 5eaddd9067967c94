//! A word that is not a command: mistyped, or one of pm2's own commands.
//!
//! Invariant: it is never guessed what was meant and done; it is only said.

/// pm2's words, and what does the same here; nothing does for those without.
const PM2: &[(&[&str], &str)] = &[
    (&["status", "ps", "l"], "ls"),
    (&["jlist", "prettylist"], "ls --json"),
    (&["desc", "env"], "describe"),
    (&["log"], "logs"),
    (&["monit", "dash", "dashboard", "imonit"], ""),
    (&["sendSignal"], "signal"),
    (&["attach"], "stdin"),
    (&["reloadLogs", "ping"], "call"),
];

/// pm2's words for what only pm2 does.
const ONLY_PM2: &[&str] = &[
    "cleardump",
    "startup",
    "unstartup",
    "update",
    "install",
    "uninstall",
    "module",
    "set",
    "unset",
    "get",
    "conf",
    "deploy",
    "serve",
    "init",
    "link",
    "unlink",
    "plus",
    "report",
    "autoinstall",
];

/// Says of a word that it is no command, and what to use. `commands` are the names that are.
pub(super) fn unknown<'a>(word: &str, commands: impl Iterator<Item = &'a str>) -> String {
    let ours = commands.map(|name| (name, Meaning::Ours));
    let theirs = PM2
        .iter()
        .flat_map(|(names, here)| names.iter().map(move |name| (*name, Meaning::Here(here))));
    let others = ONLY_PM2.iter().map(|name| (*name, Meaning::Nowhere));
    let near = ours.chain(theirs).chain(others).map(|(name, meaning)| {
        (strsim::damerau_levenshtein(&word.to_lowercase(), &name.to_lowercase()), name, meaning)
    });
    // One wrong letter in three is still a typing error.
    let nearest =
        near.min_by_key(|(edits, ..)| *edits).filter(|(edits, ..)| edits * 3 <= word.len());
    let rest = match nearest {
        None => " and no such folder: pm2-tui --help lists the commands".to_owned(),
        Some((_, name, Meaning::Ours)) => format!("; did you mean `pm2-tui {name}`?"),
        Some((_, name, Meaning::Here(""))) => {
            format!(": pm2's `{name}` is `pm2-tui` without a command")
        }
        Some((_, name, Meaning::Here("call"))) => {
            format!(": pm2's `{name}` is `pm2-tui call {name}` here")
        }
        Some((_, name, Meaning::Here(here))) => {
            format!(": pm2's `{name}` is `pm2-tui {here}` here")
        }
        Some((_, name, Meaning::Nowhere)) => {
            format!(": `{name}` is not available here; use pm2 {name}")
        }
    };
    format!("there is no command `{word}`{rest}")
}

/// What a word means.
#[derive(Debug, Clone, Copy)]
enum Meaning<'a> {
    /// It is a command here.
    Ours,
    /// It is pm2's, and this does the same.
    Here(&'a str),
    /// It is pm2's, and only there.
    Nowhere,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(word: &str) -> String {
        let commands =
            ["ls", "list", "restart", "stop", "start", "delete", "check", "events", "describe"];
        let text = unknown(word, commands.into_iter());
        text.strip_prefix(&format!("there is no command `{word}`")).unwrap().to_owned()
    }

    #[test]
    fn a_slip_names_the_near_command() {
        for (word, command) in [
            ("lss", "ls"),
            ("sl", ""),
            ("Start", "start"),
            ("restrat", "restart"),
            ("chekc", "check"),
        ] {
            let wanted = format!("; did you mean `pm2-tui {command}`?");
            assert!(said(word) == wanted || command.is_empty(), "{word}: {}", said(word));
        }
        for word in ["nonsense", "xy", "sl", ""] {
            assert_eq!(said(word), " and no such folder: pm2-tui --help lists the commands");
        }
    }

    #[test]
    fn a_word_of_pm2_names_what_does_the_same() {
        for (word, wanted) in [
            ("status", ": pm2's `status` is `pm2-tui ls` here"),
            ("statsu", ": pm2's `status` is `pm2-tui ls` here"),
            ("jlist", ": pm2's `jlist` is `pm2-tui ls --json` here"),
            ("monit", ": pm2's `monit` is `pm2-tui` without a command"),
            ("dash", ": pm2's `dash` is `pm2-tui` without a command"),
            ("ping", ": pm2's `ping` is `pm2-tui call ping` here"),
            ("describes", "; did you mean `pm2-tui describe`?"),
            ("sendSignal", ": pm2's `sendSignal` is `pm2-tui signal` here"),
            ("startup", ": `startup` is not available here; use pm2 startup"),
        ] {
            assert_eq!(said(word), wanted);
        }
    }
}
