use super::*;

const ALL: [Reader; 5] =
    [Reader::Every, Reader::FirstCron, Reader::Cron, Reader::FirstCroner, Reader::Croner];

#[test]
fn a_release_is_known_by_its_version() {
    for (version, reader) in [
        (Some("7.0.4"), Reader::Croner),
        (Some("7.1.0-beta.2"), Reader::Croner),
        (Some("6.0.14"), Reader::FirstCroner),
        (Some("5.4.3"), Reader::FirstCroner),
        (Some("5.2.0"), Reader::FirstCroner),
        (Some("5.1.2"), Reader::Cron),
        (Some("3.5.2"), Reader::Cron),
        (Some("2.10.4"), Reader::Cron),
        (Some("2.9.3"), Reader::FirstCron),
        (Some("0.12.16"), Reader::FirstCron),
        (Some("8.0.0"), Reader::Every),
        (Some("seven"), Reader::Every),
        (Some("7"), Reader::Every),
        (None, Reader::Every),
    ] {
        assert_eq!(Reader::of_release(version), reader, "{version:?}");
    }
}

/// Each was given to `cron` 1.0.5 to 1.8.3 and `croner` 4.1.92, 4.1.97, which were asked for the
/// next date: all of them gave one.
#[test]
fn what_every_release_reads_is_accepted() {
    for good in [
        "* * * * *",
        "0 0 * * *",
        "*/3 * * * * *",
        "*/60 */24 */31 */11 */7",
        "0,30 9-17 * * mon-fri",
        "15 3 1-7 JAN,jul 0",
        "0-30/10 * * * *",
        "1-59/60 * * * *",
        " 0  4\t* * 6\n",
        "00 007 01 01 00",
        "59 59 23 31 dec sat",
        "0 0 31 mar,dec *",
        "0 0 28 feb *",
        "0 0 1,15 jan,JUL *",
        "0 0 * nov-dec sun-sat",
        "5/2 * * * *",
    ] {
        for reader in ALL {
            assert_eq!(check(good, reader), Ok(()), "{reader:?} {good}");
        }
        assert_eq!(check_readable(&Json::from(good)), Ok(()), "{good}");
    }
}

#[test]
fn what_some_releases_read_is_judged_by_the_release() {
    use Reader::{Cron, Croner, Every, FirstCron, FirstCroner};
    for (pattern, readers) in [
        ("0 0 * * 7", &[FirstCroner, Croner][..]),
        ("0 0 0 * * ?", &[FirstCroner, Croner]),
        ("? ? ? ? ?", &[FirstCroner, Croner]),
        ("0 0 L * *", &[FirstCroner, Croner]),
        ("0 0 l feb 7", &[FirstCroner, Croner]),
        ("* * * 12 *", &[FirstCroner, Croner]),
        ("* * * 1-12 *", &[FirstCroner, Croner]),
        ("* * * * fri-7", &[FirstCroner, Croner]),
        ("0 0 29 feb *", &[FirstCroner, Croner]),
        // `cron` counts nov as 10.
        ("* * * 11-nov *", &[FirstCroner, Croner]),
        ("* * 1-9/1 * *", &[FirstCron, Cron, Croner]),
        ("0 0 31 jul 3", &ALL),
        ("0 0 31 5 *", &[FirstCroner, Croner]),
        ("0 0 31 3 *", &[FirstCroner, Croner]),
        ("0 0 31 0 *", &[FirstCron, Cron]),
        ("* * * 0 *", &[FirstCron, Cron]),
        ("1,2-4 * * * *", &[FirstCron, Cron]),
        ("*/2,1 * * * *", &[FirstCron, Cron]),
        ("*/61 * * * *", &[FirstCron, Cron]),
        ("0 */25 * * *", &[FirstCron, Cron]),
        ("0 0 31/2 * *", &[Cron]),
        ("0 0 31 * *", &[Every, Cron, FirstCroner, Croner]),
        ("0 0 31 mar,apr *", &[Every, Cron, FirstCroner, Croner]),
        ("0 0 30 jan,feb *", &[Every, Cron, FirstCroner, Croner]),
    ] {
        let taken: Vec<Reader> =
            ALL.into_iter().filter(|reader| check(pattern, *reader).is_ok()).collect();
        assert_eq!(taken, readers, "{pattern}");
        assert_eq!(check_readable(&Json::from(pattern)), Ok(()), "{pattern}");
    }
}

/// Each throws, or never comes back, or never runs, in all of them.
#[test]
fn anything_else_is_not() {
    for (bad, why) in [
        ("", "has 0"),
        ("x", "has 1"),
        ("* * * *", "has 4"),
        ("* * * * * * *", "has 7"),
        ("@daily", "has 1"),
        ("2020-01-01T00:00:00", "has 1"),
        ("60 * * * *", "minutes"),
        ("60/2 * * * *", "minutes"),
        ("* 24 * * *", "hours"),
        ("* * 0 * *", "days"),
        ("* * * 13 *", "months"),
        ("* * * * 8", "week"),
        ("L * * * *", "minutes"),
        ("0 0 1,L * *", "days"),
        ("0 0 15W * *", "days"),
        ("0 0 * * 1#2", "week"),
        ("0 0 * * 5L", "week"),
        ("* * * foo *", "months"),
        ("mon * * * *", "minutes"),
        ("* * * mon *", "months"),
        ("* * * * jan", "week"),
        ("* * * * sunday", "week"),
        ("*/0 * * * *", "minutes"),
        ("*/00 * * * *", "minutes"),
        ("*/2/2 * * * *", "minutes"),
        ("9-5 * * * *", "minutes"),
        ("1-2-3 * * * *", "minutes"),
        ("* * * * sat-sun", "week"),
        ("1,,2 * * * *", "minutes"),
        ("1, * * * *", "minutes"),
        ("+1 * * * *", "minutes"),
        ("-1 * * * *", "minutes"),
        // croner never comes back from these two, cron 1.3.0 not from those after them.
        ("*5 * * * *", "minutes"),
        ("** * * * *", "minutes"),
        ("0 0 30 feb *", "no day"),
        ("0 0 31 apr *", "no day"),
        ("0 0 30,31 feb *", "no day"),
    ] {
        for reader in ALL {
            let said = check(bad, reader).unwrap_err().to_string();
            assert!(said.contains(why), "{reader:?} {bad}: {said}");
        }
        assert!(bad.is_empty() || check_readable(&Json::from(bad)).is_err(), "{bad}");
    }
    assert!(check(&"* ".repeat(1000), Reader::Croner).is_err());
}

#[test]
fn what_would_be_understood_is_said() {
    for (pattern, reader, said) in [
        (
            "0 25 * * *",
            Reader::Croner,
            "\"25\" is not understood for the hours of \"0 25 * * *\": PM2 takes *, */2, 0 to 23, a \
             list of those numbers, a range 9-17, or 8-18/2",
        ),
        (
            "0 0 * 12 *",
            Reader::Every,
            "\"12\" is not understood for the months of \"0 0 * 12 *\": every PM2 takes *, */2, jan to \
             dec, a list of those, or a range jan-mar",
        ),
        (
            "0 0 * * 7",
            Reader::Cron,
            "\"7\" is not understood for the days of the week of \"0 0 * * 7\": PM2 before 5.2 takes *, \
             0 to 6, sun to sat, a list of those, or mon-fri",
        ),
        (
            "0 0 31 * *",
            Reader::FirstCron,
            "\"0 0 31 * *\" names a month that has none of its days, which PM2 before 2.10 refuses",
        ),
    ] {
        assert_eq!(check(pattern, reader).unwrap_err().to_string(), said);
    }
}
