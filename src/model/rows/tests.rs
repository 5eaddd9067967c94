//! Filters, orders, names.

use std::cmp::Ordering;

use proptest::prelude::*;

use super::columns::{COLUMNS, DEFAULT, KEPT, Row, WIDE};
use super::*;
use crate::model::DaemonId;
use crate::model::moment::Moment;
use crate::protocol::process::{ExecMode, PmId, ProcessInfo, Reported};

fn key(id: u32) -> ProcessKey {
    ProcessKey { daemon: DaemonId(0), pm_id: PmId(id) }
}

fn process(id: u32, name: &str, change: impl FnOnce(&mut ProcessInfo)) -> (ProcessKey, Process) {
    let mut info = ProcessInfo::new(PmId(id), name, ProcessStatus::Online);
    info.pid = Some(7);
    change(&mut info);
    (key(id), Process::polled(info, Moment::at(1_000_000)))
}

fn fleet() -> Fleet {
    let mut fleet = Fleet::default();
    let all = [
        process(0, "worker-10", |info| {
            (info.cpu_percent, info.memory_bytes) = (Some(60.0), Some(400 << 20));
            info.namespace = Some("jobs".into());
        }),
        process(1, "worker-2", |info| {
            (info.cpu_percent, info.memory_bytes) = (Some(0.0), Some(20 << 20));
            info.namespace = Some("jobs".into());
        }),
        process(2, "Api", |info| {
            info.exec_mode = ExecMode::Cluster;
            info.status = ProcessStatus::Errored;
            info.restarts = 16;
        }),
        process(3, "ghost", |info| info.pid = None),
        process(4, "app:web (new)", |info| info.status = ProcessStatus::Stopped),
        process(12, "api", |info| {
            (info.cpu_percent, info.memory_bytes) = (Some(60.0), Some(280 << 20));
            info.memory_limit_bytes = Some(300 << 20);
            info.restarts = 2;
        }),
    ];
    for (key, process) in all {
        fleet.insert(key, process);
    }
    fleet
}

fn ids(query: &Query) -> Vec<u32> {
    Rows::of(&fleet(), query).0.iter().map(|key| key.pm_id.0).collect()
}

fn found(text: &str) -> Vec<u32> {
    let filter = Filter::parse(text).unwrap_or_else(|wrong| panic!("{text}: {wrong}"));
    ids(&Query { filter, ..Query::default() })
}

#[test]
fn a_host_is_the_label_or_the_home_of_a_daemon() {
    let mut fleet = Fleet::default();
    fleet.place(DaemonId(0), "web-01", "/srv/shop/.pm2");
    fleet.place(DaemonId(1), "db-02", "/srv/jobs/.pm2");
    let now = Moment::at(1_000);
    for daemon in [DaemonId(0), DaemonId(1)] {
        let processes = vec![ProcessInfo::new(PmId(7), "api", ProcessStatus::Online)];
        let snapshot = crate::protocol::process::Snapshot { processes, warnings: Vec::new() };
        fleet.apply_snapshot(daemon, snapshot, (now, now));
    }
    let found = |text: &str| {
        let query = Query { filter: Filter::parse(text).unwrap(), ..Query::default() };
        Rows::of(&fleet, &query).0.iter().map(|key| key.daemon.0).collect::<Vec<_>>()
    };
    for (text, daemons) in [
        ("host:WEB", &[0][..]),
        ("host:nowhere", &[]),
        ("host:web", &[0]),
        ("host:02", &[1]),
        ("host:jobs", &[1]),
        ("!host:web-01 api", &[1]),
        ("host:pm2", &[0, 1]),
    ] {
        assert_eq!(found(text), daemons, "{text}");
    }
}

#[test]
fn filters_find() {
    let table: &[(&str, &[u32])] = &[
        ("", &[0, 1, 2, 3, 4, 12]),
        ("api", &[2, 12]),
        ("API", &[2, 12]),
        ("!api", &[0, 1, 3, 4]),
        ("!!api", &[2, 12]),
        ("jobs", &[0, 1]),
        ("worker 10", &[0]),
        ("worker and 10", &[0]),
        ("2", &[1, 2]),
        ("12", &[12]),
        ("id:2", &[2]),
        ("errored", &[2]),
        ("never", &[3]),
        ("status:online", &[0, 1, 12]),
        ("status:errored or ns:jobs", &[0, 1, 2]),
        ("namespace:jobs !name:10", &[1]),
        ("mode:cluster", &[2]),
        ("cpu>50", &[0, 12]),
        ("cpu<50%", &[1]),
        ("cpu>=60", &[0, 12]),
        ("!cpu>50", &[1, 2, 3, 4]),
        ("mem>300M", &[0]),
        ("mem>300m", &[0]),
        ("mem<=20MiB", &[1]),
        ("mem>0.3g", &[0]),
        ("mem>80%", &[12]),
        ("mem>95%", &[]),
        ("restarts>0", &[2, 12]),
        ("restarts:16", &[2]),
        ("(api or ghost) !errored", &[3, 12]),
        ("api or ghost !never", &[2, 12]),
        ("\"app:web\"", &[4]),
        ("\"(new)\"", &[4]),
        ("name:\"web (n\"", &[4]),
        ("\"or\"", &[0, 1, 2]),
    ];
    for (text, wanted) in table {
        assert_eq!(found(text), *wanted, "{text}");
    }
}

#[test]
fn all_that_is_wrong_is_said() {
    let said = |text: &str| Filter::parse(text).unwrap_err().to_string();
    let two = said("foo:1 api cpu>x");
    assert!(two.starts_with("character 1: no field foo"), "{two}");
    assert!(two.ends_with("; character 15: a number is missing here"), "{two}");
    let also = said("(id:x or status:");
    for what in ["character 1: this parenthesis", "character 5: an id", "character 17: a value"] {
        assert!(also.contains(what), "{also}");
    }
}

#[test]
fn a_word_with_a_colon_is_a_word_where_a_name_has_it() {
    let fleet = fleet();
    let known = |word: &str| Filter::is_in_a_name(fleet.iter().map(|(_, process)| process), word);
    let found = |text: &str| {
        let filter = Filter::parse_among(text, &known).unwrap();
        ids(&Query { filter, ..Query::default() })
    };
    assert_eq!(found("app:web"), [4]);
    assert_eq!(found("App:W !errored"), [4]);
    assert!(Filter::parse_among("app:api", &known).unwrap_err().what.contains("no field app"));
    // A field stays a field.
    assert!(Filter::parse_among("id:web", &known).is_err());
}

#[test]
fn what_is_wrong_is_said_where_it_is() {
    let table = [
        ("foo:1", 0, "no field foo"),
        ("api zoo:1", 4, "no field zoo"),
        ("api or", 6, "missing"),
        ("or api", 0, "missing"),
        ("api and", 7, "missing"),
        ("!", 1, "missing"),
        ("(api", 0, "not closed"),
        ("api)", 3, "no parenthesis is open"),
        ("()", 1, "missing"),
        ("ä \"b", 2, "not closed"),
        ("cpu>", 4, "number"),
        ("cpu>x", 4, "number"),
        ("mem>=1x", 6, "K, M, G or %"),
        ("mem>1.2.3", 4, "number"),
        ("restarts>1M", 10, "no unit"),
        ("name>3", 4, "not a number"),
        ("status:", 7, "missing"),
        ("id:x", 3, "number"),
        (":x", 0, "field"),
    ];
    for (text, at, what) in table {
        let wrong = Filter::parse(text).expect_err(text);
        assert_eq!(wrong.at, at, "{text}: {wrong}");
        assert!(wrong.what.contains(what), "{text}: {wrong}");
        assert!(wrong.to_string().starts_with(&format!("character {}: ", at + 1)));
    }
    assert!(Filter::parse(&"(".repeat(8_000)).is_err());
    assert!(Filter::parse(&format!("{}a", "!".repeat(8_000))).is_ok());
}

#[test]
fn orders() {
    let by = |text: &str| {
        let sort = Sort::parse(text).unwrap();
        ids(&Query { sort, ..Query::default() })
    };
    assert_eq!(by("id"), [0, 1, 2, 3, 4, 12]);
    assert_eq!(by("-id"), [12, 4, 3, 2, 1, 0]);
    assert_eq!(by("name"), [2, 12, 4, 3, 1, 0]);
    // What is equal stays in the order of ids, what is not measured comes last, both ways.
    assert_eq!(by("cpu"), [0, 12, 1, 2, 3, 4]);
    assert_eq!(by("-cpu"), [1, 0, 12, 2, 3, 4]);
    assert_eq!(by("mem"), [0, 12, 1, 2, 3, 4]);
    assert_eq!(by("ns"), [0, 1, 2, 3, 4, 12]);
    assert_eq!(by("-ns"), [0, 1, 2, 3, 4, 12]);
    assert_eq!(by("limit")[0], 12);
    assert_eq!(by("status"), [2, 3, 4, 0, 1, 12]);
    assert_eq!(by("restarts"), [2, 12, 0, 1, 3, 4]);
    assert!(Sort::parse("nice").unwrap_err().contains("uptime"));
    let sort = Sort::by(Field::Id);
    let (right, left) = (sort.moved(1, &DEFAULT), sort.moved(-1, &DEFAULT));
    assert_eq!((right.field, left.field), (Field::Name, Field::Limit));
    assert_eq!(Sort::by(Field::Limit).moved(1, &DEFAULT).field, Field::Id);
    assert_eq!(Sort::by(Field::Cpu).moved(1, &DEFAULT).field, Field::Memory, "over the chart");
    assert_eq!(Sort::by(Field::Cpu).moved(1, &[]).field, Field::Cpu);
}

#[test]
fn columns_are_values() {
    let mut names: Vec<&str> = COLUMNS.iter().map(|column| column.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), COLUMNS.len(), "each name once");
    for column in &COLUMNS {
        assert_eq!(Field::of(column.name), Some(column.field));
        // As the list of columns and the README call it.
        let called = [("git", Field::Branch), ("last exit", Field::LastExit)];
        assert!(called.iter().all(|(word, field)| Field::of(word) == Some(*field)));
        assert!(column.width.0 <= column.width.1 && !column.about.is_empty(), "{column:?}");
        let sort = Sort::by(column.field);
        if column.field.orders() {
            assert_eq!(Sort::parse(&sort.to_text()), Ok(sort));
            assert_eq!(Sort::parse(&sort.reversed().to_text()), Ok(sort.reversed()));
        }
    }
    assert!(KEPT.iter().all(|field| DEFAULT.contains(field)));
    assert!(WIDE.iter().all(|field| !DEFAULT.contains(field)));
}

#[test]
fn cells_say_what_is_known() {
    let (_, process) = process(7, "api", |info| {
        info.pid = Some(4_711);
        info.restarts = 91;
        info.unstable_restarts = 3;
        info.online_since_ms = Some(1_000_000 - 12_000);
        info.exit_code = Some("SIGTERM".into());
        info.memory_limit_bytes = Some(300 << 20);
        info.setup.interpreter = Some("/usr/bin/python3".into());
        info.setup.git_revision = Some("0a1b2c3d4e5f".into());
        info.setup.is_watching = true;
    });
    let row = Row { process: &process, daemon: "web-01", now: Moment::at(1_000_000) };
    let cell = |name: &str| {
        let column = Field::of(name).unwrap().column();
        (column.cell)(&row).unwrap_or_else(|| "-".to_owned())
    };
    let names = [
        "daemon",
        "pid",
        "restarted",
        "unstable",
        "exit",
        "maxmem",
        "interpreter",
        "revision",
        "watching",
        "branch",
        "cron",
        "user",
        "cpu",
    ];
    assert_eq!(
        names.map(cell),
        [
            "web-01",
            "4711",
            "91, 12s ago",
            "3/16",
            "SIGTERM",
            "300.0 MiB",
            "python3",
            "0a1b2c3d",
            "on",
            "-",
            "-",
            "-",
            "-",
        ]
    );
}

#[test]
fn unstable_restarts_are_said_as_pm2_says_them() {
    let cell = |count, status: ProcessStatus| {
        let (_, process) = process(7, "api", |info| {
            info.unstable_restarts = count;
            info.status = status;
        });
        let row = Row { process: &process, daemon: "web-01", now: Moment::at(1_000_000) };
        (Field::of("unstable").unwrap().column().cell)(&row)
    };
    assert_eq!(cell(0, ProcessStatus::Online).as_deref(), Some("0"));
    assert_eq!(cell(3, ProcessStatus::Online).as_deref(), Some("3/16"));
    assert_eq!(cell(3, ProcessStatus::Stopped).as_deref(), Some("3"), "it is on no way to 16");
}

#[test]
fn cells_say_what_is_seen_while_it_is_watched() {
    let (_, mut process) = process(7, "api", |info| {
        info.pid = Some(4_711);
        info.metrics = [("Heap Size", "6.23", "MiB"), ("rps", "41", "")]
            .map(|(name, value, unit)| Reported {
                name: name.into(),
                value: value.into(),
                unit: unit.into(),
            })
            .into();
    });
    let cell = |process: &Process, name: &str, at_ms: i64| {
        let row = Row { process, daemon: "web-01", now: Moment::at(at_ms) };
        Field::of(name).unwrap().cell(&row).unwrap_or_else(|| "-".to_owned())
    };
    let names = ["cpu+", "mem+", "ports", "lines", "errors", "silence", "metric:Heap Size"];
    let none = ["-", "-", "-", "-", "-", "-", "6.23 MiB"];
    assert_eq!(names.map(|name| cell(&process, name, 1_000_000)), none);
    process.tree.take(Some(120.0), Some(391 << 20), 1_000_000);
    process.ports = [3_000, 9_229].into();
    process.speech.listen(1_000_000);
    process.speech.hear(true, 10, 1_030_000);
    let told = ["120.0%", "391.0 MiB", "3000 9229", "11", "11", "-", "6.23 MiB"];
    assert_eq!(names.map(|name| cell(&process, name, 1_060_000)), told);
    assert_eq!(cell(&process, "silence", 1_150_000), "2m");
    assert!(names.iter().all(|name| Field::of(name).unwrap().orders()));
    let by_metric = Sort::parse("metric:rps").unwrap();
    assert!(by_metric.is_descending && by_metric.to_text() == "metric:rps");
}

#[test]
fn rows_are_ordered_by_a_metric() {
    let mut fleet = Fleet::default();
    for (id, value) in [(0, Some("9.5")), (1, None), (2, Some("10")), (3, Some("n/a"))] {
        let (key, process) = process(id, "api", |info| {
            info.pid = Some(1);
            let metric = value.map(|value| Reported {
                name: "rps".into(),
                value: value.into(),
                unit: Box::default(),
            });
            info.metrics = metric.into_iter().collect();
        });
        fleet.insert(key, process);
    }
    let query = |sort: &str| Query { sort: Sort::parse(sort).unwrap(), ..Query::default() };
    let ids = |sort| Rows::of(&fleet, &query(sort)).0.into_iter().map(|key| key.pm_id.0);
    assert_eq!(ids("metric:rps").collect::<Vec<_>>(), [2, 0, 1, 3]);
    assert_eq!(ids("-metric:rps").collect::<Vec<_>>(), [0, 2, 1, 3]);
}

#[test]
fn only_what_is_not_well() {
    assert_eq!(ids(&Query { only_unwell: true, ..Query::default() }), [2, 3, 12]);
    let query = Query { filter: Filter::parse("ghost").unwrap(), ..Query::default() };
    assert_eq!(Rows::with(&fleet(), &query, Some(key(0))).0, [key(0), key(3)]);
}

#[test]
fn names_are_ordered_as_people_count() {
    let ordered = ["", "2", "10", "a", "A-2", "a-02x", "a-10", "b", "worker-2", "worker-10"];
    for pair in ordered.windows(2) {
        assert_eq!(natural(pair[0], pair[1]), Ordering::Less, "{pair:?}");
        assert_eq!(natural(pair[1], pair[0]), Ordering::Greater, "{pair:?}");
    }
}

proptest! {
    #[test]
    fn the_order_of_names_is_one(a in "[aAbä0-9-]{0,6}", b in "[aAbä0-9-]{0,6}", c in "[aAbä0-9-]{0,6}") {
        prop_assert_eq!(natural(&a, &b), natural(&b, &a).reverse());
        prop_assert_eq!(natural(&a, &b) == Ordering::Equal, a == b);
        if natural(&a, &b).is_le() && natural(&b, &c).is_le() {
            prop_assert!(natural(&a, &c).is_le());
        }
    }

    #[test]
    fn any_text_is_a_filter_or_wrong_at_a_place_of_it(text in r#"([a-c ()!:<>="0-9.M]|or |and |cpu|mem|ns|é){0,20}"#) {
        match Filter::parse(&text) {
            Ok(None) => prop_assert!(text.trim().is_empty()),
            Ok(Some(filter)) => {
                prop_assert_eq!(filter.text(), text.trim());
                let query = Query { filter: Some(filter), ..Query::default() };
                let not = Query { filter: Filter::parse(&format!("!({text})")).unwrap(), ..Query::default() };
                // Each process is on one side.
                let (fleet, all) = (fleet(), fleet().len());
                let (taken, left) = (Rows::of(&fleet, &query).0, Rows::of(&fleet, &not).0);
                prop_assert_eq!(taken.len() + left.len(), all);
                prop_assert!(taken.iter().all(|key| !left.contains(key)));
            }
            Err(wrong) => prop_assert!(wrong.at <= text.chars().count(), "{}", wrong),
        }
    }

    #[test]
    fn an_order_loses_nothing(column in 0..COLUMNS.len(), is_reversed: bool) {
        let sort = Sort::by(COLUMNS[column].field);
        let sort = if is_reversed { sort.reversed() } else { sort };
        let mut sorted = ids(&Query { sort, ..Query::default() });
        sorted.sort_unstable();
        prop_assert_eq!(sorted, ids(&Query::default()));
    }
}

/// PM2 reports code 0 of a worker that threw, now and then: the row keeps what the others say.
#[test]
fn the_reason_of_a_loop_is_the_one_that_says_something() {
    use crate::model::death::Follows;
    use crate::model::death::cause::{Evidence, Sure};
    let death = |cause: Cause| Death {
        started_ms: None,
        ended_ms: 0,
        uptime_ms: None,
        cause,
        sure: Sure::Certain,
        evidence: Evidence::default(),
        follows: Follows::Unknown,
        stack: Box::default(),
        words: std::collections::VecDeque::default(),
        cpu_percent: None,
        memory_bytes: None,
        peak_bytes: None,
        is_watched: true,
        is_read: false,
        is_mixed: false,
        is_unclear: false,
        is_log_empty: false,
    };
    let says = || Cause::Exception("listen EADDRINUSE: address already in use :::3000".into());
    let zero = || Cause::Zero { is_cluster: true, is_heard: true };
    // The oldest first.
    let told = |causes: Vec<Cause>| {
        let mut black_box = BlackBox::default();
        for cause in causes.into_iter().rev() {
            black_box.reconstruct(death(cause));
        }
        telling(&black_box).unwrap()
    };
    let wanted = told(vec![says()]);
    assert!(wanted.contains("EADDRINUSE"), "{wanted}");
    assert_eq!(told(vec![says(), zero()]), wanted);
    assert_eq!(told(vec![says(), zero(), zero(), zero()]), wanted);
    assert_eq!(told(vec![zero(), says(), zero()]), wanted);
    assert_eq!(told(vec![zero(), zero()]), "exit code 0 or SIGINT");
}

#[test]
fn a_word_finds_what_is_shown_of_a_status() {
    let takes = |word: &str, info: ProcessInfo| {
        Filter::parse(word).unwrap().unwrap().takes(&Process::new(info))
    };
    let info = |status| ProcessInfo { restarts: 5, ..ProcessInfo::new(PmId(0), "a", status) };
    assert!(takes("status:errored", info(ProcessStatus::Errored)));
    assert!(!takes("give", info(ProcessStatus::Errored)), "its cell says errored");
    assert!(takes("give", info(ProcessStatus::WaitingRestart)));
    let between = || ProcessInfo { pid: Some(7), ..info(ProcessStatus::Stopped) };
    assert!(takes("restarting", between()) && !takes("stopped", between()));
}

#[test]
fn a_job_that_failed_is_not_well() {
    let job = |code: &str, autorestart| {
        let info = ProcessInfo::new(PmId(0), "job", ProcessStatus::Stopped);
        Process::new(ProcessInfo { exit_code: Some(code.into()), autorestart, ..info })
    };
    assert!(is_unwell(&job("1", false)));
    assert!(!is_unwell(&job("0", false)), "it is done");
    assert!(!is_unwell(&job("1", true)), "somebody stopped it");
    let mut killed = job("0", false);
    killed.is_killed = true;
    assert!(is_unwell(&killed), "PM2 says code 0 of each signal");
    let mut stopped = job("130", false);
    stopped.stopping_since_ms = Some(1);
    assert!(!is_unwell(&stopped), "as was seen");
}
