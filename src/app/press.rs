//! What a key means where it is pressed: in a mode, with the focus in a pane.
//!
//! Invariant: where text is typed or a question is asked, keys are fixed: nothing there can be bound
//! away, and nothing that is bound there acts.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::command::Command;
use super::editor::Edit;
use super::inspection_ask::Ask;
use super::keymap::{Key, Keymap};
use super::message::Message;
use super::mode::Mode;
use super::pane::Pane;

/// What a key means in a mode, with the focus in a pane, if anything: where text is asked for, letters
/// and editing keys are that, and only the other keys are commands.
#[must_use]
pub fn message(keymap: &Keymap, mode: &Mode, focus: Pane, key: KeyEvent) -> Option<Message> {
    if mode.takes_text()
        && let Some(message) = typed(key)
    {
        return Some(message);
    }
    command(keymap, mode, focus, key).map(Message::Command)
}

/// The command of a key in a mode and a pane, if it has one.
#[must_use]
pub fn command(keymap: &Keymap, mode: &Mode, focus: Pane, event: KeyEvent) -> Option<Command> {
    if event.kind == KeyEventKind::Release {
        return None;
    }
    let key = Key::of(event);
    let named = key.and_then(|key| keymap.named(focus, key));
    if mode.takes_text() {
        return in_text(mode, event, named);
    }
    if mode.is_question() {
        return in_question(mode, event, named);
    }
    match mode {
        Mode::Details(_) => key.and_then(|key| keymap.in_details(key)).or(named),
        // What goes on in the log has the keys of the log.
        Mode::Exception { .. } => {
            named.or_else(|| key.and_then(|key| keymap.named(Pane::Log, key)))
        }
        _ => named,
    }
}

/// The keys of a hint, written with the default ones, as they are now where it stands; `None` where the
/// command has none.
#[must_use]
pub fn now(keymap: &Keymap, mode: &Mode, focus: Pane, keys: &str) -> Option<String> {
    if mode.takes_text() || mode.is_question() {
        return Some(keys.to_owned());
    }
    keymap.now(matches!(mode, Mode::Details(_)), focus, keys)
}

/// What a key types.
fn typed(key: KeyEvent) -> Option<Message> {
    if key.kind == KeyEventKind::Release {
        return None;
    }
    let has_control = key.modifiers.contains(KeyModifiers::CONTROL);
    let has_alt = key.modifiers.contains(KeyModifiers::ALT);
    let edit = match key.code {
        KeyCode::Char('u') if has_control => Edit::DeleteToStart,
        KeyCode::Char('w') if has_control => Edit::DeleteWord,
        KeyCode::Char('h') if has_control => Edit::Backspace,
        KeyCode::Char('a') if has_control => Edit::Start,
        KeyCode::Char('e') if has_control => Edit::End,
        KeyCode::Backspace if has_control || has_alt => Edit::DeleteWord,
        KeyCode::Backspace => Edit::Backspace,
        KeyCode::Delete => Edit::Delete,
        KeyCode::Left => Edit::Left,
        KeyCode::Right => Edit::Right,
        KeyCode::Home => Edit::Start,
        KeyCode::End => Edit::End,
        KeyCode::Char(c) if !has_control && !has_alt => return Some(Message::Text(c)),
        _ => return None,
    };
    Some(Message::Edit(edit))
}

/// What a key that types nothing means where text is typed. Whatever is bound to it, it does not act.
fn in_text(mode: &Mode, event: KeyEvent, named: Option<Command>) -> Option<Command> {
    if matches!(
        named,
        Some(Command::Quit | Command::Suspend | Command::Redraw | Command::Reconnect)
    ) {
        return named;
    }
    let is_details = matches!(mode, Mode::Details(_));
    if event.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) {
        return None;
    }
    Some(match event.code {
        KeyCode::Enter => Command::Open,
        KeyCode::Esc => Command::Back,
        KeyCode::Up => Command::Up,
        KeyCode::Down => Command::Down,
        KeyCode::PageUp => Command::PageUp,
        KeyCode::PageDown => Command::PageDown,
        KeyCode::Tab if is_details => Command::Details(Ask::Next),
        KeyCode::BackTab if is_details => Command::Details(Ask::Previous),
        KeyCode::Tab | KeyCode::BackTab => Command::NextPane,
        _ => return None,
    })
}

/// What a key means to a question that is answered by a letter.
fn in_question(mode: &Mode, event: KeyEvent, named: Option<Command>) -> Option<Command> {
    // No answer: what Alt-y sends is also how some replies of a terminal begin.
    let is_held = event.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT);
    match (event.code, named) {
        (KeyCode::Char('y' | 'Y'), _) if !is_held => Some(Command::Yes),
        (KeyCode::Char('t' | 'T'), _) if !is_held && matches!(mode, Mode::ConfirmReload { .. }) => {
            Some(Command::This)
        }
        (KeyCode::Char('n' | 'N' | 'q') | KeyCode::Esc, _) if !is_held => Some(Command::No),
        // Whoever wants out of the program, or to suspend it, is not asked again.
        (_, Some(Command::Suspend | Command::Redraw))
        | (KeyCode::Char('c'), Some(Command::Quit)) => named,
        _ if matches!(mode, Mode::Sheet(_)) => named.filter(|command| command.is_movement()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Action;

    fn press(code: KeyCode, modifiers: KeyModifiers) -> Option<Command> {
        command(&Keymap::default(), &Mode::Normal, Pane::Processes, KeyEvent::new(code, modifiers))
    }

    #[test]
    fn letters_tell_case_and_control() {
        let restart = Some(Command::Act(Action::Restart));
        assert_eq!(press(KeyCode::Char('r'), KeyModifiers::NONE), restart);
        assert_eq!(
            press(KeyCode::Char('R'), KeyModifiers::SHIFT),
            Some(Command::Act(Action::Reload))
        );
        assert_eq!(press(KeyCode::Char('r'), KeyModifiers::CONTROL), Some(Command::Reconnect));
        assert_eq!(press(KeyCode::Char('c'), KeyModifiers::CONTROL), Some(Command::Quit));
        assert_eq!(press(KeyCode::Char('b'), KeyModifiers::NONE), None);
        assert_eq!(press(KeyCode::Char('d'), KeyModifiers::ALT), None);
    }

    #[test]
    fn a_question_takes_only_its_answers() {
        use crate::model::{DaemonId, Target};
        use crate::protocol::process::{PmId, ProcessInfo, ProcessStatus};
        let target = Target::of(&ProcessInfo::new(PmId(1), "api", ProcessStatus::Online));
        let daemon = DaemonId(0);
        let mode = Mode::Confirm { action: Action::Delete, daemon, target };
        let press = |code| {
            command(
                &Keymap::default(),
                &mode,
                Pane::Processes,
                KeyEvent::new(code, KeyModifiers::NONE),
            )
        };
        assert_eq!(press(KeyCode::Char('y')), Some(Command::Yes));
        assert_eq!(press(KeyCode::Char('n')), Some(Command::No));
        assert_eq!(press(KeyCode::Esc), Some(Command::No));
        assert_eq!(press(KeyCode::Char('d')), None);
        assert_eq!(press(KeyCode::Enter), None);
        for held in [KeyModifiers::ALT, KeyModifiers::CONTROL] {
            let press = KeyEvent::new(KeyCode::Char('y'), held);
            assert_eq!(
                command(&Keymap::default(), &mode, Pane::Processes, press),
                None,
                "{held:?}"
            );
        }
    }

    #[test]
    fn where_text_is_asked_for_letters_are_text() {
        use crate::app::palette::Palette;
        let mode = Mode::Palette(Palette::default());
        let press = |code, modifiers| {
            message(&Keymap::default(), &mode, Pane::Processes, KeyEvent::new(code, modifiers))
        };
        let plain = |code| press(code, KeyModifiers::NONE);
        let control = |c| press(KeyCode::Char(c), KeyModifiers::CONTROL);
        for c in ['q', 'R', ':', '?', ' ', '漢'] {
            assert_eq!(plain(KeyCode::Char(c)), Some(Message::Text(c)));
        }
        assert_eq!(plain(KeyCode::Enter), Some(Message::Command(Command::Open)));
        assert_eq!(plain(KeyCode::Esc), Some(Message::Command(Command::Back)));
        assert_eq!(plain(KeyCode::Home), Some(Message::Edit(Edit::Start)));
        assert_eq!(plain(KeyCode::Up), Some(Message::Command(Command::Up)));
        assert_eq!(control('w'), Some(Message::Edit(Edit::DeleteWord)));
        assert_eq!(control('c'), Some(Message::Command(Command::Quit)));
        assert_eq!(control('z'), Some(Message::Command(Command::Suspend)));
        assert_eq!(press(KeyCode::Char('x'), KeyModifiers::ALT), None);
        let normal = message(
            &Keymap::default(),
            &Mode::Normal,
            Pane::Log,
            KeyEvent::new(KeyCode::Char('q'), KeyModifiers::NONE),
        );
        assert_eq!(normal, Some(Message::Command(Command::Quit)));
    }

    #[test]
    fn nothing_is_bound_away_where_text_is_typed_or_a_question_is_asked() {
        use crate::app::keymap::{Binding, Place};
        use crate::app::palette::Palette;
        use crate::model::{DaemonId, Target};
        use crate::protocol::process::{PmId, ProcessInfo, ProcessStatus};
        let bound = |place, command: &str, keys: &[&str], line| {
            let keys = keys.iter().map(|key| (*key).to_owned()).collect();
            Binding { place, command: command.to_owned(), keys, line }
        };
        let (keymap, _) = Keymap::configured(
            &[
                bound(Place::Everywhere, "open", &["o"], 1),
                bound(Place::Everywhere, "suspend", &["y"], 2),
                bound(Place::Everywhere, "restart", &["ctrl-d"], 3),
                bound(Place::Everywhere, "up", &["n"], 4),
            ],
            &[],
        );
        let event = |code| KeyEvent::new(code, KeyModifiers::NONE);
        let palette = Mode::Palette(Palette::default());
        assert_eq!(
            command(&keymap, &palette, Pane::Processes, event(KeyCode::Enter)),
            Some(Command::Open)
        );
        assert_eq!(
            command(&keymap, &palette, Pane::Processes, event(KeyCode::Up)),
            Some(Command::Up)
        );
        let acting = KeyEvent::new(KeyCode::Char('d'), KeyModifiers::CONTROL);
        assert_eq!(message(&keymap, &palette, Pane::Processes, acting), None);
        let target = Target::of(&ProcessInfo::new(PmId(1), "api", ProcessStatus::Online));
        let mode = Mode::Confirm { action: Action::Delete, daemon: DaemonId(0), target };
        assert_eq!(
            command(&keymap, &mode, Pane::Processes, event(KeyCode::Char('y'))),
            Some(Command::Yes)
        );
        assert_eq!(
            command(&keymap, &mode, Pane::Processes, event(KeyCode::Char('n'))),
            Some(Command::No)
        );
        assert_eq!(command(&keymap, &mode, Pane::Processes, acting), None);
    }
}
