//! Everything that can happen to the app.

use super::command::Command;
use super::editor::Edit;
use super::pointer::{Pointer, Under};
use crate::model::DaemonId;
use crate::model::report::Report;

/// One thing that happened. Its time goes beside it into `update`.
#[derive(Debug, Clone, PartialEq)]
pub enum Message {
    /// The user asked for something.
    Command(Command),
    /// The user typed a character into what asks for text.
    Text(char),
    /// Text was pasted, whole.
    Paste(String),
    /// Keys came together that look like pasted text, and were refused.
    Refused,
    /// This key came right behind such, and may go on with the text: it does nothing either.
    GoesOn(char),
    /// Keys that go on with what was typed into something that closed by itself: they do nothing.
    TypedOn,
    /// The key of this command came again as of one that is held: it does nothing.
    Repeated(Command),
    /// The user pressed an editing key there.
    Edit(Edit),
    /// The mouse did something, and what stands there.
    Pointer(Pointer, Under),
    /// The terminal has this many columns and rows now.
    Resized(u16, u16),
    /// A daemon's actors reported.
    Report(DaemonId, Report),
    /// Only time went by: something on the screen that counts it is due.
    Clock,
}
