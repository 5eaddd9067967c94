//! Which keys count: nothing acts by accident.
//!
//! Invariant: of keys that came together, one that acts counts only as the last, and only if all
//! before it are movements, so that `jjr` over a slow link works and a pasted `deploy` does nothing.
//! A key that is held acts once (`repeats` says which one is). A question is answered only by a key of its own, once it could be
//! read.

use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::Mode;
use super::command::Command;
use super::keymap::Keymap;
use super::message::Message;
use super::pane::Pane;
use super::press;
use super::repeats::Repeats;

/// For how long after a question was drawn a yes does not count.
const QUESTION_READ: Duration = Duration::from_millis(200);

/// After keys were refused, letters that come within this time go on with the same text: over a slow
/// link it comes in pieces.
const GOES_ON: Duration = Duration::from_secs(1);

/// What became of keys that came together.
#[derive(Debug, Clone, PartialEq)]
pub enum Admitted {
    /// These messages, in order.
    Messages(Vec<Message>),
    /// Nothing: they look like pasted text.
    Refused,
    /// Nothing: this key came so soon after such that it may go on with the text.
    GoesOn(char),
    /// Nothing: they go on with what was typed into something that closed by itself, or did not open.
    TypedOn,
}

/// For so long after a prompt closed by itself, or was refused, keys are taken for the rest of what is typed
/// into it.
const SPILLS: Duration = Duration::from_secs(3);

/// Remembers what it needs of the keys before. Times are of a clock that is never set back.
#[derive(Debug, Default)]
pub struct Gate {
    /// Which of those that act were pressed again, and which are held.
    repeats: Repeats<KeyEvent>,
    /// Since when the question is on the screen.
    question: Option<Duration>,
    /// When keys were last refused, or what went on with them.
    refused: Option<Duration>,
    /// Whether that began with a prompt that closed by itself, or did not open.
    is_spilled: bool,
    /// Whether the last key was typed into a prompt, and did not close it.
    is_typing: bool,
    /// When a letter was last pressed in a menu: it may be the first one of a word.
    chosen: Option<Duration>,
}

impl Gate {
    /// A frame was drawn.
    pub fn drawn(&mut self, mode: &Mode, now: Duration) {
        self.note_spilled(mode, now);
        if mode.is_question() {
            self.question.get_or_insert(now);
        } else {
            self.question = None;
        }
    }

    /// Keys are refused, perhaps without being looked at: what goes on with them is, too.
    pub fn refuse(&mut self, now: Duration) -> Admitted {
        self.is_spilled &= self.goes_on(now);
        // It does not shorten what a prompt that closed by itself began.
        self.refused = self.refused.max(Some(now));
        if self.is_spilled { Admitted::TypedOn } else { Admitted::Refused }
    }

    /// Whether letters go on with what was refused.
    fn goes_on(&self, now: Duration) -> bool {
        self.refused.is_some_and(|at| now.saturating_sub(at) < GOES_ON)
    }

    /// A prompt that no key closed closed by itself: who types into it types on.
    fn note_spilled(&mut self, mode: &Mode, now: Duration) {
        if !mode.takes_text() && std::mem::take(&mut self.is_typing) {
            self.spill(now);
        }
    }

    /// A prompt that was asked for did not open, or closed before anything was typed: who does not look types
    /// on.
    pub fn spill(&mut self, now: Duration) {
        self.refused = Some((now + SPILLS).saturating_sub(GOES_ON));
        self.is_spilled = true;
    }

    /// Decides about keys that came together in a mode, with the focus in a pane.
    pub fn admit(
        &mut self,
        keymap: &Keymap,
        (mode, focus): (&Mode, Pane),
        keys: &[KeyEvent],
        now: Duration,
    ) -> Admitted {
        self.note_spilled(mode, now);
        if mode.takes_text() {
            self.repeats.forget();
            (self.refused, self.chosen) = (None, None);
            self.is_typing = keys.last().is_some_and(types);
            let is_pasted = keys.len() > 1 && keys.iter().any(is_text);
            return Admitted::Messages(typed(keymap, (mode, focus), keys, is_pasted));
        }
        let admitted = self.admit_commands(keymap, (mode, focus), keys, now);
        // Text in pieces says no yes, either; a no counts at any time.
        let counts = |message: &Message| {
            if mode.is_question() { is_yes(message) } else { !moves(message) && !repeats(message) }
        };
        let is_word =
            !mode.is_question() && self.chosen.is_some_and(|at| now.saturating_sub(at) < GOES_ON);
        let goes_on = (self.goes_on(now) || is_word)
            && keys.iter().any(goes_on_with_text)
            && matches!(&admitted, Admitted::Messages(messages) if messages.iter().any(counts));
        let is_refused = admitted == Admitted::Refused;
        if goes_on || is_refused {
            // Who says yes again and again is heard in the end.
            if (is_refused || !mode.is_question()) && self.refuse(now) == Admitted::TypedOn {
                return Admitted::TypedOn;
            }
            return match keys {
                // Alone it means nothing there.
                [_] if is_refused => Admitted::Messages(Vec::new()),
                [KeyEvent { code: KeyCode::Char(key), .. }] => Admitted::GoesOn(*key),
                _ => Admitted::Refused,
            };
        }
        // Whether it did something there or nothing, a letter may be the first one of an item's name.
        if let Admitted::Messages(messages) = &admitted
            && mode.is_menu()
            && keys.iter().all(is_text)
            && (messages.is_empty() || !messages.iter().all(moves))
        {
            self.chosen = Some(now);
        }
        admitted
    }

    /// Decides about keys that came together with something that is no key: movements alone count,
    /// and what asks for text takes them as pasted text.
    pub fn admit_beside_noise(
        &mut self,
        keymap: &Keymap,
        (mode, focus): (&Mode, Pane),
        keys: &[KeyEvent],
        now: Duration,
    ) -> Admitted {
        self.note_spilled(mode, now);
        if mode.takes_text() {
            self.repeats.forget();
            self.refused = None;
            self.is_typing = keys.last().is_some_and(types);
            return Admitted::Messages(typed(keymap, (mode, focus), keys, true));
        }
        let messages: Vec<Message> =
            keys.iter().filter_map(|key| press::message(keymap, mode, focus, *key)).collect();
        if messages.iter().all(moves) && !keys.iter().any(is_text) {
            return Admitted::Messages(messages);
        }
        self.refuse(now)
    }

    fn admit_commands(
        &mut self,
        keymap: &Keymap,
        (mode, focus): (&Mode, Pane),
        keys: &[KeyEvent],
        now: Duration,
    ) -> Admitted {
        let messages = keys.iter().map(|key| press::message(keymap, mode, focus, *key));
        let messages: Vec<Option<Message>> = messages.collect();
        if let [Some(message)] = &messages[..] {
            let is_admitted = keys.first().is_some_and(|key| self.admit_one(message, *key, now));
            let message = match message {
                message if is_admitted => Some(message.clone()),
                Message::Command(command) if command.acts() => Some(Message::Repeated(*command)),
                _ => None,
            };
            return Admitted::Messages(message.into_iter().collect());
        }
        let Some((last, before)) = messages.split_last() else {
            return Admitted::Messages(Vec::new());
        };
        let moves = |message: &Option<Message>| message.as_ref().is_some_and(moves);
        if !before.iter().all(moves) || mode.is_question() {
            // Keys without a meaning are no text either: function keys, say.
            let means_nothing = messages.iter().all(Option::is_none)
                && !keys.iter().any(|key| matches!(key.code, KeyCode::Char(_)));
            return if means_nothing { Admitted::Messages(Vec::new()) } else { Admitted::Refused };
        }
        let is_last_admitted = match (last, keys.last()) {
            (Some(message), Some(key)) => self.admit_one(message, *key, now),
            _ => false,
        };
        let count = if is_last_admitted { messages.len() } else { before.len() };
        Admitted::Messages(messages.into_iter().take(count).flatten().collect())
    }

    /// Whether a key by itself counts.
    fn admit_one(&mut self, message: &Message, key: KeyEvent, now: Duration) -> bool {
        let Message::Command(command) = message else { return true };
        if command.is_movement() {
            self.repeats.forget();
            return true;
        }
        if key.kind == KeyEventKind::Repeat {
            return false;
        }
        if !self.repeats.is_press(key, now) && command.acts() {
            return false;
        }
        let is_read = self.question.is_some_and(|at| now.saturating_sub(at) >= QUESTION_READ);
        *command != Command::Yes || is_read
    }
}

fn moves(message: &Message) -> bool {
    matches!(message, Message::Command(command) if command.is_movement())
}

fn repeats(message: &Message) -> bool {
    matches!(message, Message::Repeated(_))
}

fn is_yes(message: &Message) -> bool {
    matches!(message, Message::Command(Command::Yes))
}

/// Whether a key may be of a text that was refused: a character, or the end of a line.
fn goes_on_with_text(key: &KeyEvent) -> bool {
    is_text(key) || key.code == KeyCode::Enter
}

/// Whether a key writes or moves in a text, and does not end it.
fn types(key: &KeyEvent) -> bool {
    use KeyCode::{Backspace, Delete, Down, End, Home, Left, Right, Up};
    is_text(key) || matches!(key.code, Backspace | Delete | Down | End | Home | Left | Right | Up)
}

/// Whether a key types a character.
fn is_text(key: &KeyEvent) -> bool {
    matches!(key.code, KeyCode::Char(_))
        && !key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT)
}

/// What keys type into what asks for text. Where several came together, Enter is a line break of
/// pasted text and sends nothing.
fn typed(
    keymap: &Keymap,
    (mode, focus): (&Mode, Pane),
    keys: &[KeyEvent],
    is_pasted: bool,
) -> Vec<Message> {
    let mut is_after_return = false;
    let message = |key: &KeyEvent| match key.code {
        // A line feed, which Control and J type; behind a carriage return it is the same break.
        KeyCode::Char('j') if is_pasted && key.modifiers == KeyModifiers::CONTROL => {
            (!std::mem::take(&mut is_after_return)).then_some(Message::Text('\n'))
        }
        KeyCode::Enter if is_pasted => {
            is_after_return = true;
            Some(Message::Text('\n'))
        }
        KeyCode::Tab if is_pasted => Some(Message::Text('\t')),
        _ if is_pasted && !is_text(key) => match press::message(keymap, mode, focus, *key) {
            Some(Message::Edit(edit)) => Some(Message::Edit(edit)),
            _ => None,
        },
        _ => press::message(keymap, mode, focus, *key),
    };
    keys.iter().filter_map(message).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::palette::Palette;
    use crate::model::Action;
    use crate::model::DaemonId;
    use crate::model::call::NamedCall;

    const MS: Duration = Duration::from_millis(1);

    fn keys(text: &str) -> Vec<KeyEvent> {
        let code = |c| match c {
            '\r' => KeyCode::Enter,
            '↓' => KeyCode::Down,
            '←' => KeyCode::Left,
            c => KeyCode::Char(c),
        };
        text.chars().map(|c| KeyEvent::new(code(c), KeyModifiers::NONE)).collect()
    }

    fn question() -> Mode {
        let call = NamedCall::new("stopProcessId", vec![1.into()]);
        Mode::ConfirmCall { daemon: DaemonId(0), call }
    }

    fn commands(text: &str) -> Option<Vec<Command>> {
        match Gate::default().admit(
            &Keymap::default(),
            (&Mode::Normal, Pane::Processes),
            &keys(text),
            MS,
        ) {
            Admitted::Messages(messages) => {
                let command = |message| match message {
                    Message::Command(command) => command,
                    other => panic!("{other:?}"),
                };
                Some(messages.into_iter().map(command).collect())
            }
            _ => None,
        }
    }

    #[test]
    fn text_in_pieces_answers_no_question() {
        let (keymap, mode, mut gate) = (Keymap::default(), question(), Gate::default());
        gate.drawn(&mode, Duration::ZERO);
        let mut say =
            |text, ms: u32| gate.admit(&keymap, (&mode, Pane::Processes), &keys(text), ms * MS);
        assert_eq!(say("a long text ", 600), Admitted::Refused);
        assert_eq!(say("y", 605), Admitted::GoesOn('y'));
        let no = Admitted::Messages(vec![Message::Command(Command::No)]);
        assert_eq!(say("n", 610), no);
        // Said again and again it counts in the end.
        assert_eq!(say("y", 1_100), Admitted::GoesOn('y'));
        assert_eq!(say("y", 1_500), Admitted::GoesOn('y'));
        let yes = Admitted::Messages(vec![Message::Command(Command::Yes)]);
        assert_eq!(say("y", 1_700), yes);
    }

    /// The process of the prompt went while its text was typed.
    #[test]
    fn what_is_typed_on_when_a_prompt_closed_by_itself_does_nothing() {
        let (keymap, mut gate) = (Keymap::default(), Gate::default());
        let prompt = Mode::Palette(Palette::default());
        let admit = |gate: &mut Gate, mode: &Mode, text: &str, ms: u32| {
            gate.admit(&keymap, (mode, Pane::Processes), &keys(text), ms * MS)
        };
        let acts =
            |admitted: Admitted| matches!(admitted, Admitted::Messages(all) if !all.is_empty());
        assert!(acts(admit(&mut gate, &prompt, "e", 0)));
        gate.drawn(&Mode::Normal, 500 * MS);
        for (key, ms) in [("s", 510), ("t", 2_000), ("a", 3_400), ("r", 4_200), ("\r", 4_900)] {
            let admitted = admit(&mut gate, &Mode::Normal, key, ms);
            assert_eq!(admitted, Admitted::TypedOn, "{key}: no words of pasted text");
        }
        assert!(acts(admit(&mut gate, &Mode::Normal, "r", 6_000)), "who types no more is heard");
        // What a key closed is closed.
        admit(&mut gate, &prompt, "x", 10_000);
        admit(&mut gate, &prompt, "\r", 10_300);
        gate.drawn(&Mode::Normal, 10_350 * MS);
        assert!(acts(admit(&mut gate, &Mode::Normal, "s", 10_500)));
    }

    #[test]
    fn a_key_that_acts_counts_only_behind_movements() {
        let restart = Command::Act(Action::Restart);
        assert_eq!(commands("r"), Some(vec![restart]));
        assert_eq!(commands("jjr"), Some(vec![Command::Down, Command::Down, restart]));
        assert_eq!(commands("↓jk"), Some(vec![Command::Down, Command::Down, Command::Up]));
        for text in
            ["deploy", "rj", "dy", "yes", "rr", "restart\rdelete\r", "xr", "jdy", ":q", "OR"]
        {
            assert_eq!(commands(text), None, "{text}");
        }
    }

    #[test]
    fn beside_what_is_no_key_only_movements_count() {
        let admit = |mode: &Mode, text: &str| {
            let mut gate = Gate::default();
            gate.drawn(mode, Duration::ZERO);
            let at = (mode, Pane::Processes);
            gate.admit_beside_noise(&Keymap::default(), at, &keys(text), 9_000 * MS)
        };
        for text in ["r", "jr", "q", "x", "d"] {
            assert_eq!(admit(&Mode::Normal, text), Admitted::Refused, "{text}");
        }
        assert_eq!(admit(&question(), "y"), Admitted::Refused);
        let down = Admitted::Messages(vec![Message::Command(Command::Down)]);
        assert_eq!(admit(&Mode::Normal, "↓"), down);
        let palette = Mode::Palette(Palette::default());
        let line_break = Admitted::Messages(vec![Message::Text('\n')]);
        assert_eq!(admit(&palette, "\r"), line_break, "it opens nothing");
    }

    #[test]
    fn a_held_key_acts_once_and_a_held_movement_moves() {
        let mut gate = Gate::default();
        let repeated = Message::Repeated(Command::Act(Action::Restart));
        let mut press = |text: &str, at_ms: u32| {
            at_table(&mut gate, text, at_ms) == Admitted::Messages(vec![repeated.clone()])
        };
        assert!(!press("r", 0));
        for at_ms in [500, 533, 566, 1_200] {
            assert!(press("r", at_ms), "held, {at_ms}");
        }
        assert!(!press("r", 2_000), "pressed again");
        assert!(!press("j", 2_033) && !press("j", 2_066) && !press("r", 2_100));
    }

    #[test]
    fn a_question_is_answered_by_a_key_of_its_own_once_it_was_read() {
        let mode = question();
        let yes = |gate: &mut Gate, text: &str, at_ms: u32| {
            let admitted =
                gate.admit(&Keymap::default(), (&mode, Pane::Processes), &keys(text), at_ms * MS);
            admitted == Admitted::Messages(vec![Message::Command(Command::Yes)])
        };
        let mut gate = Gate::default();
        assert!(!yes(&mut gate, "y", 10_000), "not drawn yet");
        gate.drawn(&mode, 20_000 * MS);
        assert!(!yes(&mut gate, "y", 20_199));
        assert!(!yes(&mut gate, "yy", 21_000) && !yes(&mut gate, "jy", 21_000));
        assert!(!yes(&mut gate, "y", 21_001), "it may go on with them");
        assert!(yes(&mut gate, "y", 22_001));
        gate.drawn(&Mode::Normal, 22_100 * MS);
        gate.drawn(&mode, 23_000 * MS);
        assert!(!yes(&mut gate, "y", 23_100), "another question");
    }

    #[test]
    fn what_is_pasted_into_a_prompt_sends_nothing() {
        let mode = Mode::Palette(Palette::default());
        let admit = |text| {
            Gate::default().admit(&Keymap::default(), (&mode, Pane::Processes), &keys(text), MS)
        };
        let Admitted::Messages(messages) = admit("a\rb\r") else { panic!() };
        let wanted = ['a', '\n', 'b', '\n'].map(Message::Text);
        assert_eq!(messages, wanted);
        let mut windows = keys("a\rb");
        windows.insert(2, KeyEvent::new(KeyCode::Char('j'), KeyModifiers::CONTROL));
        let admitted =
            Gate::default().admit(&Keymap::default(), (&mode, Pane::Processes), &windows, MS);
        let wanted = ['a', '\n', 'b'].map(Message::Text).to_vec();
        assert_eq!(admitted, Admitted::Messages(wanted), "CR LF is one break");
        assert_eq!(admit("\r"), Admitted::Messages(vec![Message::Command(Command::Open)]));
    }

    /// Keys that come together while the table is in front.
    fn at_table(gate: &mut Gate, text: &str, at_ms: u32) -> Admitted {
        let at = (&Mode::Normal, Pane::Processes);
        gate.admit(&Keymap::default(), at, &keys(text), at_ms * MS)
    }

    #[test]
    fn what_goes_on_with_refused_text_does_nothing() {
        let mut gate = Gate::default();
        let mut press = |text: &str, at_ms| at_table(&mut gate, text, at_ms);
        // `/worker` over a slow link.
        assert_eq!(press("/w", 0), Admitted::Refused);
        for (letter, at_ms) in [("o", 300), ("r", 600), ("k", 900), ("s", 1_200), ("r", 1_500)] {
            let admitted = press(letter, at_ms);
            let acts = matches!(&admitted, Admitted::Messages(all) if !all.iter().all(moves));
            assert!(!acts, "{letter}: {admitted:?}");
            let key = letter.chars().next().unwrap();
            let is_told = admitted == Admitted::GoesOn(key);
            assert!(is_told || matches!(admitted, Admitted::Messages(_)), "{letter}: {admitted:?}");
            let would_act = matches!(letter, "r" | "s");
            assert_eq!(is_told, would_act, "{letter} does nothing, and that is said");
        }
        assert!(matches!(press("r", 3_000), Admitted::Messages(all) if all.len() == 1));
    }

    #[test]
    fn the_end_of_a_refused_line_does_not_answer_for_it() {
        let mut gate = Gate::default();
        let mut press = |text: &str, at_ms| at_table(&mut gate, text, at_ms);
        assert_eq!(press("deploy", 0), Admitted::Refused);
        assert_eq!(press("\r", 300), Admitted::Refused);
        assert_eq!(press("\r", 1_200), Admitted::Refused, "it goes on");
        let open = Admitted::Messages(vec![Message::Command(Command::Open)]);
        assert_eq!(press("\r", 2_300), open);
    }
}
