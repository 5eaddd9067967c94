//! What is wanted of lines, as it is written.

use super::*;

#[test]
fn moments_are_read_as_people_write_them() {
    // 2026-11-28T03:12:00 one hour ahead of UTC.
    let now_ms = 1_795_831_920_000;
    let at = |text: &str| moment(text, now_ms, 3_600).map(|at_ms| (now_ms - at_ms) / 1_000);
    let table = [
        ("10m", Some(600)),
        ("90s", Some(90)),
        ("03:10", Some(120)),
        ("04:12", Some(23 * 3_600)),
        ("2026-11-28T03:11", Some(60)),
        ("2026-11-28 03:11:30", Some(30)),
        ("2026-11-28T02:12:00Z", Some(0)),
        ("2026-11-28", Some(3 * 3_600 + 720)),
        ("soon", None),
        ("10", None),
        ("", None),
    ];
    for (text, wanted) in table {
        assert_eq!(at(text), wanted, "{text}");
    }
}

#[test]
fn a_range_that_ends_before_it_begins_names_both_ends() {
    use clap::Parser;
    // 2026-11-28T02:12:00.
    let now_ms = 1_795_831_920_000;
    let told = |since: &str, until: &str, more: &[&str]| {
        let args = ["pm2-tui", "logs", "--since", since, "--until", until];
        let cli = crate::cli::Cli::parse_from(args.iter().chain(more));
        let Some(crate::cli::Command::Logs(what)) = cli.command else { panic!() };
        Filter::of(&what, now_ms, 0).map(|_| ()).map_err(|error| {
            assert_eq!(error.code(), super::super::super::failure::Code::Usage);
            error.line().unwrap()
        })
    };
    let both = "--since 02:00 (2026-11-28 02:00:00) is later than --until 01:00 (2026-11-28 \
                01:00:00): there is nothing between them";
    assert_eq!(told("02:00", "01:00", &[]), Err(both.into()));
    // That time of today is still to come.
    let wrapped = told("02:13", "02:11", &[]).unwrap_err();
    assert!(wrapped.starts_with("--since 02:13 is later than --until 02:11: "), "{wrapped}");
    assert!(wrapped.ends_with("write --since 'yesterday 02:13'"), "{wrapped}");
    assert_eq!(told("yesterday 02:13", "02:11", &[]), Ok(()));
    assert_eq!(told("01:00", "02:11", &[]), Ok(()));
    assert_eq!(told("02:00", "01:00", &["-f"]), Ok(()), "that is of tomorrow");
}

#[test]
fn a_range_that_is_still_to_come_is_told() {
    use clap::Parser;
    // 2026-11-28T02:12:00.
    let now_ms = 1_795_831_920_000;
    let read = |args: &[&str]| {
        let args = ["pm2-tui", "logs"].iter().chain(args);
        let Some(crate::cli::Command::Logs(what)) = crate::cli::Cli::parse_from(args).command
        else {
            panic!()
        };
        let filter = Filter::of(&what, now_ms, 0).map_err(|error| error.line().unwrap())?;
        Ok::<_, String>(filter.is_over_today(&what, now_ms, 0))
    };
    let later = read(&["--since", "2026-11-29"]).unwrap_err();
    assert_eq!(later, "--since 2026-11-29 is still to come: no line is that new");
    assert_eq!(read(&["--since", "2026-11-29", "-f"]), Ok(None));
    let tomorrow = "2026-11-29 02:11:00".to_owned();
    assert_eq!(read(&["-f", "--until", "02:11"]), Ok(Some(tomorrow)));
    assert_eq!(read(&["-f", "--until", "02:13"]), Ok(None));
    assert_eq!(read(&["--until", "02:11"]), Ok(None));
}

#[test]
fn a_time_of_the_day_that_is_taken_of_yesterday_is_told() {
    use clap::Parser;
    // 2026-11-28T02:12:00.
    let now_ms = 1_795_831_920_000;
    let told = |args: &[&str]| {
        let args = ["pm2-tui", "logs"].iter().chain(args);
        let Some(crate::cli::Command::Logs(what)) = crate::cli::Cli::parse_from(args).command
        else {
            panic!()
        };
        Filter::of(&what, now_ms, 0).unwrap().is_of_yesterday(&what, now_ms, 0)
    };
    let wanted = "--since 02:30 is still to come today: this takes 2026-11-27 02:30:00";
    assert_eq!(told(&["--since", "02:30"]), [wanted]);
    assert_eq!(told(&["--since", "02:30", "-f"]), [wanted]);
    assert!(told(&["--since", "02:10"]).is_empty());
    assert!(told(&["--since", "yesterday 02:30"]).is_empty(), "that is what was asked for");
    assert!(told(&["--since", "10h", "--until", "02:11"]).is_empty());
    let until = told(&["--until", "3am"]);
    assert_eq!(until, ["--until 3am is still to come today: this takes 2026-11-27 03:00:00"]);
    assert!(told(&["-f", "--until", "3am"]).is_empty(), "that is ahead");
}

#[test]
fn of_a_pattern_with_an_equals_sign_it_is_said_how_json_is_searched() {
    let said = |grep, exclude| {
        let found = Filter::for_test(Some(grep), exclude, None).finds_nothing();
        found.unwrap_err().line().unwrap()
    };
    let hint = "no line has what --grep asks for; lines of JSON are searched as they are printed: \
                \"reqId\":\"x\", not reqId=x";
    assert_eq!(said("reqId=x", None), hint);
    assert!(!said("reqId", Some("a=b")).contains("JSON"));
}

#[test]
fn what_is_followed_until_a_time_of_the_day_has_it_ahead() {
    let now_ms = 1_795_831_920_000;
    let next = |text: &str| {
        moment(text, now_ms, 0).map(|at_ms| (next_of_day(text, at_ms, now_ms) - now_ms) / 60_000)
    };
    // It is 02:12.
    assert_eq!(next("14:00"), Some(11 * 60 + 48));
    assert_eq!(next("02:00"), Some(24 * 60 - 12));
    assert_eq!(next("2026-11-28T02:00"), Some(-12));
    assert_eq!(next("-10m"), Some(-10));
    assert_eq!(next("2h"), Some(-120));
    assert_eq!(next("3am"), Some(48));
    assert_eq!(next("today 2:00"), Some(-12));
}

#[test]
fn a_broken_pattern_is_told() {
    let line = pattern("ä[bad").unwrap_err().line().unwrap();
    let wanted = "`ä[bad` is not a regular expression: unclosed character class at 2";
    assert!(line.contains(wanted), "{line}");
    assert!(pattern("timeout").unwrap().is_match(b"TIMEOUT"));
    assert!(!pattern("Timeout").unwrap().is_match(b"TIMEOUT"));
    assert!(pattern(&format!("(a{{1000}}){{{}}}", 1_000)).is_err(), "it would take all memory");
}
