use super::*;

fn parse(words: &[&str]) -> Result<Cli, clap::Error> {
    Cli::from_args([&["pm2-tui"], words].concat())
}

#[test]
fn the_definition_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn an_interval_is_a_number_in_range() {
    assert_eq!(parse_interval("0.5"), Ok(Duration::from_millis(500)));
    assert_eq!(parse_interval("3600"), Ok(Duration::from_hours(1)));
    for wrong in ["0", "-1", "0.1", "3601", "NaN", "inf", "abc", ""] {
        let message = parse_interval(wrong).unwrap_err();
        assert!(message.contains("0.2 to 3600"), "{wrong}: {message}");
    }
}

#[test]
fn a_negative_interval_is_refused_by_name_and_not_taken_for_an_option() {
    let error = parse(&["--interval", "-1"]).unwrap_err().to_string();
    assert!(error.contains("--interval") && error.contains("0.2 to 3600"), "{error}");
}

#[test]
fn options_of_the_screen_are_for_the_screen_and_the_demo() {
    for words in [&["demo", "--interval", "2"][..], &["--interval", "2", "demo"]] {
        let cli = parse(&[words, &["--log-mib", "3"]].concat()).unwrap();
        assert!(matches!(cli.command, Some(Command::Demo(_))));
        assert_eq!(cli.screen.interval(), Duration::from_secs(2));
        assert_eq!((cli.screen.log_bytes(), cli.screen.log_lines()), (3 << 20, 100_000));
    }
    let cli = parse(&["--interval", "2", "--log-lines", "200"]).unwrap();
    assert_eq!((cli.screen.interval().as_secs(), cli.screen.log_lines()), (2, 200));
    assert_eq!(parse(&[]).unwrap().screen.interval(), Duration::from_secs(1));
    let error = parse(&["--log-lines", "200", "ls"]).unwrap_err().to_string();
    assert!(error.contains("--log-lines is for the screen, not for ls"), "{error}");
    assert!(parse(&["ls", "--log-lines", "200"]).is_err());
}

#[test]
fn a_commands_own_options_come_first_and_the_rest_has_headings() {
    let help = |words: &[&str]| parse(words).unwrap_err().to_string();
    let kill = help(&["kill", "--help"]);
    assert!(!kill.contains("--log-mib") && !kill.contains("--interval"), "{kill}");
    let check = help(&["check", "--help"]);
    let (own, rest) = check.split_once("Options of every command:").unwrap();
    assert!(own.contains("--max-restarts") && own.contains("--help"), "{check}");
    assert!(!own.contains("--frame-mib") && rest.contains("--frame-mib"), "{check}");
    for words in [&["--help"][..], &["demo", "--help"]] {
        let text = help(words);
        let (_, screen) = text.split_once("Options of the screen:").unwrap();
        assert!(screen.contains("--log-mib"), "{text}");
    }
}

#[test]
fn homes_are_for_the_screen() {
    assert!(parse(&["--home", "/a", "/b"]).is_err());
    assert_eq!(parse(&["/a", "/b"]).unwrap().homes.len(), 2);
    for words in [&["/a", "ls"][..], &["/a", "--read-only", "list"]] {
        let error = parse(words).unwrap_err().to_string();
        assert!(error.contains("--home /a ls"), "{error}");
    }
    let odd = parse(&["/a b", "ls"]).unwrap_err().to_string();
    assert!(odd.contains("--home '/a b' ls"), "{odd}");
    for words in [&["--home", "/a", "ls"][..], &["ls", "--home", "/a"]] {
        assert_eq!(parse(words).unwrap().home.unwrap().to_str(), Some("/a"));
    }
}

#[test]
fn a_mistyped_command_is_no_home() {
    for (words, said) in [
        (&["lss", "--json"][..], "there is no command `lss`; did you mean `pm2-tui ls`?"),
        (&["/a", "lss"], "`pm2-tui ls`"),
        (&["log", "api"], "pm2-tui logs"),
    ] {
        let error = parse(words).unwrap_err();
        assert!(error.to_string().contains(said), "{error}");
        assert_eq!(error.exit_code(), 2);
    }
}

#[test]
fn a_bad_number_is_told_what_is_wanted() {
    for (words, wanted) in [
        (&["events", "--count", "abc"][..], "a whole number, 1 or more, is wanted"),
        (&["events", "--count", "-1"], "a whole number, 1 or more, is wanted"),
        (&["check", "--max-restarts", "x"], "a whole number from 0 to 4294967295 is wanted"),
        (&["check", "--max-cpu", "x"], "a percentage like 50 or 50% is wanted"),
        (&["check", "--max-cpu", "-1"], "a percentage like 50 or 50% is wanted"),
        (&["--log-lines", "7"], "a whole number from 100 to 5000000 is wanted"),
        (&["ls", "--frame-mib", "1.5"], "a whole number from 1 to 2048 is wanted"),
    ] {
        let error = parse(words).unwrap_err().to_string();
        assert!(error.contains(wanted), "{words:?}: {error}");
    }
    let cli = parse(&["check", "--max-cpu", "50%"]).unwrap();
    let Some(Command::Check(check)) = cli.command else { panic!() };
    assert_eq!(check.max_cpu, Some(50.0));
}

#[test]
fn a_command_to_run_is_split_without_a_shell() {
    let words = parse_words("mail -s 'an exception' \"$USER\"").unwrap();
    assert_eq!(words.program, "mail");
    assert_eq!(words.args, ["-s", "an exception", "$USER"]);
    assert!(parse_words("mail 'x").is_err());
    assert!(parse_words(" ").is_err());
    assert!(parse_words("''").is_err());
}

#[test]
fn arguments_of_a_call_may_look_like_anything() {
    let cli = parse(&["call", "m", "-5", "-", "{\"a\": 1}"]).unwrap();
    let Some(Command::Call(call)) = cli.command else { panic!() };
    assert_eq!(call.args, ["-5", "-", "{\"a\": 1}"]);
    assert!(parse(&["call"]).is_err());
    assert!(parse(&["restart"]).is_err());
    assert!(parse(&["wait", "api"]).is_err());
}
