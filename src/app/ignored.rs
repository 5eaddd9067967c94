//! What is said of keys that were not taken.
//!
//! Invariant: no press that was meant to act is dropped without a word, and why something closed by
//! itself stays said while what is typed on is dropped.

use super::cursor;
use super::editor::BYTES_MAX;
use super::message::Message;
use super::notice::{About, Notice};
use super::state::App;

/// Says why a key did nothing.
pub(super) fn tell(app: &mut App, message: &Message) {
    match *message {
        Message::Refused => {
            say(app, "several keys at once were ignored: they looked like pasted text".to_owned());
        }
        Message::GoesOn(key) if app.mode.is_question() => {
            let what = "was ignored: it came right after another key; press it again";
            say(app, format!("{key} {what}"));
        }
        Message::GoesOn(key) => {
            let what = "was ignored: it may go on with text typed or pasted before; wait a second";
            say(app, format!("{key} {what}"));
        }
        Message::TypedOn => {
            let what = "what you type on is ignored for 3 s";
            let now_ms = app.now.steady_ms;
            let notice = app.why_closed.as_ref().map(|closed| closed.notice(what, now_ms));
            app.say(notice.unwrap_or_else(|| Notice::new(what, true, now_ms)));
        }
        Message::Repeated(command) => cursor::repeated(app, command),
        _ => {}
    }
}

/// Says that nothing was taken of what was typed or pasted where it does not fit; where it does, that is said
/// no more.
pub(super) fn fits(app: &mut App, fits: bool) {
    app.notice.take_if(|notice| notice.about == About::Answer);
    if !fits {
        let text = format!("not inserted: longer than {} KiB", BYTES_MAX >> 10);
        app.say(Notice::new(text, true, app.now.steady_ms).about(About::Answer));
    }
}

/// In a question it is said beside the answers, and leaves with them.
fn say(app: &mut App, text: String) {
    let about = if app.mode.is_question() { About::Answer } else { About::Nothing };
    app.say(Notice::new(text, false, app.now.steady_ms).about(about));
}
