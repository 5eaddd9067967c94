//! `[[command]]`: what is refused says so where one looks for it.

use super::sections;
use crate::app::command::Command;
use crate::app::keymap::Key;
use crate::app::message::Message;
use crate::app::{App, Pane, update};
use crate::model::Action;
use crate::model::moment::Moment;

/// What is refused is no command, and still there where one looks for it.
#[test]
fn a_refused_command_says_why_at_its_key_and_in_the_palette() {
    let text = "[[command]]\nname = \"b\"\nkey = \"f5\"\nrun = \"htop -p {pid}\"\n\
                [[command]]\nkey = \"f6\"\nrun = [\"htop\"]\n\
                [[command]]\nname = \"good\"\nkey = \"f5\"\nrun = [\"htop\"]\n\
                [[command]]\nname = \"good\"\nkey = \"f7\"\nrun = [\"htop\"]\n\
                [[command]]\nname = \"d\"\nkey = \"r\"\nrun = [\"x\"]\n";
    let (config, findings) = sections::read(text);
    assert_eq!(config.settings.commands.len(), 2, "good and d");
    let at = |key: &str| config.keys.named(Pane::Processes, Key::parse(key).unwrap());
    // A right one gets the key before a wrong one.
    assert_eq!(at("f5"), Some(Command::Own(0)));
    assert_eq!(at("f6"), Some(Command::Refused(1)));
    assert_eq!(at("f7"), Some(Command::Refused(2)));
    assert_eq!(at("r"), Some(Command::Act(Action::Restart)));
    let help = |command: Command| {
        let row = config.keys.rows().find(|row| row.command == command).unwrap();
        (row.label.to_string(), row.help.to_string())
    };
    let (label, why) = help(Command::Refused(0));
    assert_eq!(label, "b (line 1)");
    // The line that is wrong, as it is found.
    let wanted = "b is not run: line 4 of the configuration: run: a list is wanted: ";
    assert!(why.starts_with(wanted), "{why}");
    let missing =
        "command is not run: line 5 of the configuration: [[command]]: name = .. is missing";
    assert_eq!(help(Command::Refused(1)).1, missing);
    let keyless = "d: run x (without its key: d = r: r means restart already, and stays restart's)";
    assert_eq!(help(Command::Own(1)).1, keyless);
    assert_eq!(findings.len(), 5, "each is found once: {findings:#?}");
    let key = "b (line 1) = F5: F5 means good already, and stays good's";
    assert!(findings.iter().any(|it| it.text == key && it.line == Some(3)), "{findings:#?}");
    let mut app = App::new(Vec::new(), Moment::at(0), 0, (80, 24));
    app.keys = config.keys.clone();
    let message = Message::Command(Command::Refused(0));
    let effects = update(&mut app, Moment::at(0), message);
    assert_eq!(effects.0, []);
    assert_eq!(app.notice.unwrap().text, why);
}

/// All is said at once: who mends `run` need not find out then that the key is taken.
#[test]
fn the_key_of_a_refused_command_is_looked_at_too() {
    let text = "[[command]]\nname = \"b\"\nkey = \"r\"\nrun = \"htop\"\n\
                [[command]]\nname = \"c\"\nkey = \"enter\"\nrun = []\n";
    let (_, findings) = sections::read(text);
    let said: Vec<_> = findings.iter().map(|it| (it.line, it.text.as_str())).collect();
    let taken = "b (line 1) = r: r means restart already, and stays restart's";
    assert!(said.contains(&(Some(3), taken)), "{said:#?}");
    let is_of = |line| said.iter().filter(|(at, _)| *at == Some(line)).count();
    assert_eq!([3, 4, 7, 8].map(is_of), [1; 4], "{said:#?}");
}

#[test]
fn an_argument_that_stands_for_nothing_is_refused() {
    let run = |word: &str| {
        let text = format!("[[command]]\nname = \"b\"\nrun = [\"htop\", {word:?}]\n");
        let (config, findings) = sections::read(&text);
        (config.settings.commands.len(), findings.first().map(|it| it.text.clone()))
    };
    let (count, why) = run("{port}");
    assert_eq!(count, 0);
    let why = why.unwrap();
    assert!(why.starts_with("run: there is no {port}, but {name} "), "{why}");
    assert!(why.ends_with("write { port }"), "{why}");
    for word in ["{pid}", "{}", "{ port }", "{print $1}", "{\"a\":1}"] {
        assert_eq!(run(word), (1, None), "{word}");
    }
}
