//! Why an ecosystem file was not taken.
//!
//! Invariant: one clean line each, naming the file, and the app and key where there is one.

use crate::protocol::text;

/// The longest name that an error shows, characters.
const SHOWN_CHARS_MAX: usize = 200;
/// The longest reason that an error shows, characters.
pub(super) const REASON_CHARS_MAX: usize = 500;

/// Why an ecosystem file or one of its apps was not taken; nothing was started.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EcosystemError {
    /// The file could not be read.
    #[error("{file}: cannot be read: {reason}")]
    Unreadable {
        /// The file.
        file: String,
        /// What the system said.
        reason: String,
    },
    /// The folder of a log or pid file could not be made.
    #[error("{folder}: cannot be made: {reason}")]
    Folder {
        /// The folder.
        folder: String,
        /// What the system said.
        reason: String,
    },
    /// The extension is none of an ecosystem file's.
    #[error("{file}: not a config file: its name should end in {known}")]
    Extension {
        /// The file.
        file: String,
        /// The known endings.
        known: &'static str,
    },
    /// A JavaScript file that is an app, by its name and text: it was not run.
    #[error(
        "{file}: a script, not an ecosystem file (one exports apps, or is named NAME.config.js), so \
         nothing was run; put it into one: {{\"apps\": [{{\"script\": {file:?}}}]}}"
    )]
    Script {
        /// The file.
        file: String,
    },
    /// The file is no JSON or YAML.
    #[error("{file}:{line}:{column}: {reason}")]
    Syntax {
        /// The file.
        file: String,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What is wrong there.
        reason: String,
    },
    /// A JavaScript file, and no `node` to evaluate it with.
    #[error("{file}: a JavaScript file needs node to be read, and there is no node in PATH")]
    NoNode {
        /// The file.
        file: String,
    },
    /// Node did not give a value: an exception, nothing exported, too long or too much.
    #[error("{file}: {reason}")]
    Evaluation {
        /// The file.
        file: String,
        /// What node said, or which limit was passed.
        reason: String,
    },
    /// The value as a whole is no list of apps.
    #[error("{file}: {reason}")]
    Shape {
        /// The file.
        file: String,
        /// What is wrong.
        reason: String,
    },
    /// No app has the environment that was asked for.
    #[error("{file}: no app has env_{name}; {known}")]
    Environment {
        /// The file.
        file: String,
        /// The environment's name.
        name: String,
        /// Which environments there are.
        known: String,
    },
    /// One app has something that is not understood.
    #[error("{file}: app {app}: {key}: {reason}")]
    App {
        /// The file.
        file: String,
        /// The app's name, else its place in the file, from 1.
        app: String,
        /// The key.
        key: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// Foreign text in one clean line of bounded length.
pub(super) fn shown(name: &str) -> String {
    text::clean_to(name, SHOWN_CHARS_MAX)
}

/// A syntax error at a place, cleaned.
pub(super) fn syntax(file: &str, line: usize, column: usize, reason: &str) -> EcosystemError {
    EcosystemError::Syntax {
        file: shown(file),
        line: line.max(1),
        column: column.max(1),
        reason: text::clean_to(reason, REASON_CHARS_MAX),
    }
}
