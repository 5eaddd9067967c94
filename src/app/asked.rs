//! An action of an app that was asked about before it is triggered: where its replies are shown.
//!
//! Invariant: nothing is triggered here.

use super::inspection::Asked;
use super::marks::Marked;
use super::mode::Mode;
use super::state::App;
use super::what::What;
use crate::model::{DaemonId, Target};

/// An action of the open details' process was asked for, and a question came between: its replies are
/// shown there.
pub(super) fn note(app: &mut App, what: &What, marked: &Marked) {
    let Mode::Details(sheet) = &mut app.mode else { return };
    let What::Trigger { action, .. } = what else { return };
    let daemon = sheet.daemon;
    let of_it = marked.targets.iter().filter(|(of, _)| *of == daemon);
    let asked = |(_, target): &(DaemonId, Target)| Asked {
        action: action.clone(),
        target: target.clone(),
        reply: None,
    };
    sheet.asked = of_it.map(asked).collect();
}
