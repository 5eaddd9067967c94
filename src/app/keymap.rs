//! Keys to commands, out of the command table.
//!
//! Invariant: what the help shows is what the keys do; both read [`log_commands::all`].

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::command::Command;
use super::editor::Edit;
use super::inspection_keys::{Ask, DETAILS};
use super::log_commands;
use super::message::Message;
use super::mode::Mode;
use super::pane::Pane;

/// What a key means in a mode, with the focus in a pane, if anything: where text is asked for, letters and editing keys are
/// that, and only the other keys are commands.
#[must_use]
pub fn message(mode: &Mode, focus: Pane, key: KeyEvent) -> Option<Message> {
    if mode.takes_text()
        && let Some(message) = typed(key)
    {
        return Some(message);
    }
    command(mode, focus, key).map(Message::Command)
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

/// The command of a key in a mode and a pane, if it has one.
#[must_use]
pub fn command(mode: &Mode, focus: Pane, key: KeyEvent) -> Option<Command> {
    if key.kind == KeyEventKind::Release {
        return None;
    }
    let named = log_commands::all()
        .find(|row| row.is_in(focus) && row.keys.split(' ').any(|name| is_key(name, key)))
        .map(|row| row.command);
    match mode {
        Mode::Details(_) => in_details(key).or(named),
        Mode::Normal
        | Mode::Help { .. }
        | Mode::Why { .. }
        | Mode::Exceptions { .. }
        | Mode::Exception { .. }
        | Mode::Palette(_)
        | Mode::Arguments(_)
        | Mode::Compose(_)
        | Mode::Filter(_)
        | Mode::LogInput(_) => named,
        Mode::LogSheet(sheet) if !sheet.is_question() => named,
        Mode::Sheet(sheet) if !sheet.is_question() => named,
        Mode::Sheet(_) if named.is_some_and(Command::is_movement) => named,
        Mode::Confirm { .. }
        | Mode::ConfirmReload { .. }
        | Mode::ConfirmCall { .. }
        | Mode::LogSheet(_)
        | Mode::Sheet(_) => {
            match (key.code, named) {
                // Whoever wants out of the program, or to suspend it, is not asked again.
                (_, Some(Command::Suspend | Command::Redraw))
                | (KeyCode::Char('c'), Some(Command::Quit)) => named,
                // No answer: what Alt-y sends is also how some replies of a terminal begin.
                _ if key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) => None,
                (KeyCode::Char('y' | 'Y'), _) => Some(Command::Yes),
                (KeyCode::Char('t' | 'T'), _) if matches!(mode, Mode::ConfirmReload { .. }) => {
                    Some(Command::This)
                }
                (KeyCode::Char('n' | 'N' | 'q') | KeyCode::Esc, _) => Some(Command::No),
                _ => None,
            }
        }
    }
}

/// The command of a key in the details alone, if it has one.
fn in_details(key: KeyEvent) -> Option<Command> {
    if key.code == KeyCode::BackTab {
        return Some(Command::Details(Ask::Previous));
    }
    let row = DETAILS.iter().find(|row| row.keys.split(' ').any(|name| is_key(name, key)))?;
    match (row.command, key.code) {
        (Command::Details(Ask::Tab(_)), KeyCode::Char(digit)) => {
            let number = u8::try_from(digit.to_digit(10)?).ok()?;
            Some(Command::Details(Ask::Tab(number)))
        }
        (command, _) => Some(command),
    }
}

/// Whether a key event is the key of that name in the table.
fn is_key(name: &str, key: KeyEvent) -> bool {
    if let Some(letter) = name.strip_prefix("Ctrl-") {
        let wanted = letter.chars().next().map(|letter| letter.to_ascii_lowercase());
        let KeyCode::Char(pressed) = key.code else {
            return false;
        };
        return key.modifiers.contains(KeyModifiers::CONTROL)
            && wanted == Some(pressed.to_ascii_lowercase());
    }
    if key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) {
        return false;
    }
    match key.code {
        KeyCode::Up => name == "↑",
        KeyCode::Down => name == "↓",
        KeyCode::Left => name == "←",
        KeyCode::Right => name == "→",
        KeyCode::PageUp => name == "PgUp",
        KeyCode::PageDown => name == "PgDn",
        KeyCode::Home => name == "Home",
        KeyCode::End => name == "End",
        KeyCode::Tab | KeyCode::BackTab => name == "Tab",
        KeyCode::Esc => name == "Esc",
        KeyCode::Enter => name == "Enter",
        KeyCode::Char(' ') => name == "Space",
        // The character already tells whether Shift is held.
        KeyCode::Char(character) => name.chars().eq([character]),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Action;

    fn press(code: KeyCode, modifiers: KeyModifiers) -> Option<Command> {
        command(&Mode::Normal, Pane::Processes, KeyEvent::new(code, modifiers))
    }

    #[test]
    fn every_key_of_the_table_is_reachable_and_means_one_command() {
        for (row, pane) in
            log_commands::all().flat_map(|row| [(row, Pane::Processes), (row, Pane::Log)])
        {
            for name in row.keys.split(' ').filter(|_| row.is_in(pane)) {
                let owners = log_commands::all()
                    .filter(|other| {
                        other.is_in(pane) && other.keys.split(' ').any(|key| key == name)
                    })
                    .count();
                assert_eq!(owners, 1, "{name} has {owners} commands");
            }
        }
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
        let press = |code| command(&mode, Pane::Processes, KeyEvent::new(code, KeyModifiers::NONE));
        assert_eq!(press(KeyCode::Char('y')), Some(Command::Yes));
        assert_eq!(press(KeyCode::Char('n')), Some(Command::No));
        assert_eq!(press(KeyCode::Esc), Some(Command::No));
        assert_eq!(press(KeyCode::Char('d')), None);
        assert_eq!(press(KeyCode::Enter), None);
        for held in [KeyModifiers::ALT, KeyModifiers::CONTROL] {
            let press = KeyEvent::new(KeyCode::Char('y'), held);
            assert_eq!(command(&mode, Pane::Processes, press), None, "{held:?}");
        }
    }

    #[test]
    fn where_text_is_asked_for_letters_are_text() {
        use crate::app::palette::Palette;
        let mode = Mode::Palette(Palette::default());
        let press =
            |code, modifiers| message(&mode, Pane::Processes, KeyEvent::new(code, modifiers));
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
            &Mode::Normal,
            Pane::Log,
            KeyEvent::new(KeyCode::Char('q'), KeyModifiers::NONE),
        );
        assert_eq!(normal, Some(Message::Command(Command::Quit)));
    }
}
