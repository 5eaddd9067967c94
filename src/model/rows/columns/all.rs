//! The table of all columns, and what their cells say.

use super::{Column, Field, Order};
use crate::model::fleet::Process;
use crate::model::speech::{self, Speech};
use crate::model::state_word::state_word;
use crate::model::{forecast, units};
use crate::protocol::process::{ProcessInfo, ProcessStatus};

macro_rules! column {
    ($field:ident, $name:literal, $head:literal, $about:literal, $side:ident, $width:expr, $order:expr, $cell:expr) => {
        Column {
            field: Field::$field,
            name: $name,
            head: $head,
            about: $about,
            is_right: column!($side),
            width: $width,
            cell: $cell,
            order: $order,
        }
    };
    (left) => {
        false
    };
    (right) => {
        true
    };
}

/// All columns, in the order in which they stand by themselves.
pub static COLUMNS: [Column; 32] = [
    column!(Id, "id", "id", "PM2's id", right, (2, 10), Order::Id, |row| {
        Some(row.process.info.pm_id.to_string())
    }),
    column!(Daemon, "daemon", "daemon", "The daemon", left, (6, 14), Order::Id, |row| {
        Some(row.daemon.to_owned())
    }),
    column!(
        Name,
        "name",
        "name",
        "Name",
        left,
        (8, 40),
        Order::Natural(|process| Some(&process.info.name)),
        |row| Some(row.process.info.name.to_string())
    ),
    column!(
        Namespace,
        "namespace",
        "namespace",
        "Namespace",
        left,
        (9, 14),
        Order::Natural(|process| process.info.namespace.as_deref()),
        |row| text(row.process.info.namespace.as_deref())
    ),
    column!(
        Mode,
        "mode",
        "mode",
        "Fork or cluster",
        left,
        (7, 7),
        Order::Natural(|process| Some(process.info.exec_mode.as_str())),
        |row| text(Some(row.process.info.exec_mode.as_str()))
    ),
    column!(
        Status,
        "status",
        "status",
        "Its status in PM2",
        left,
        (3, 25),
        Order::Number(|process| Some(f64::from(rank(process)))),
        |row| Some(state_word(&row.process.info, row.process.is_looping))
    ),
    column!(
        Restarts,
        "restarts",
        "restarts",
        "How often it was restarted",
        right,
        (3, 7),
        Order::Number(|process| Some(f64::from(process.info.restarts))),
        |row| Some(row.process.info.restarts.to_string())
    ),
    column!(
        Uptime,
        "uptime",
        "uptime",
        "How long it has been online",
        right,
        (7, 7),
        Order::Number(|process| since(process).map(|since_ms| -(since_ms as f64))),
        |row| row.process.uptime_ms(row.now.steady_ms).map(units::uptime)
    ),
    column!(
        Cpu,
        "cpu",
        "cpu",
        "CPU, percent of one core",
        right,
        (6, 7),
        Order::Number(|process| process.figures.cpu_percent()),
        |row| row.process.figures.cpu_percent().map(units::percent)
    ),
    column!(Chart, "chart", "", "CPU of the last seconds", left, (8, 8), Order::None, |_| None),
    column!(
        Memory,
        "mem",
        "mem",
        "Memory of the process itself",
        right,
        (10, 10),
        Order::Number(|process| process.figures.memory_bytes().map(|bytes| bytes as f64)),
        |row| row.process.figures.memory_bytes().map(units::bytes)
    ),
    column!(
        Limit,
        "limit",
        "of limit",
        "Memory, as a share of its limit",
        left,
        (10, 10),
        Order::Number(part_of_limit),
        |row| part_of_limit(row.process).map(|part| format!("{:.0}%", part * 100.0))
    ),
    column!(
        Pid,
        "pid",
        "pid",
        "Process id",
        right,
        (5, 10),
        Order::Number(|process| process.info.pid.filter(|_| process.is_running()).map(f64::from)),
        |row| {
            let process = row.process;
            process.info.pid.filter(|_| process.is_running()).map(|pid| pid.to_string())
        }
    ),
    column!(
        User,
        "user",
        "user",
        "Who started it",
        left,
        (4, 12),
        Order::Natural(|process| process.info.setup.user.as_deref()),
        |row| text(row.process.info.setup.user.as_deref())
    ),
    column!(
        Version,
        "version",
        "version",
        "The version in its package.json",
        left,
        (7, 12),
        Order::Natural(|process| process.info.version.as_deref()),
        |row| text(row.process.info.version.as_deref())
    ),
    column!(
        Watching,
        "watching",
        "watch",
        "Whether PM2 restarts it when its files change",
        left,
        (5, 5),
        Order::Number(|process| Some(f64::from(u8::from(process.info.setup.is_watching)))),
        |row| row.process.info.setup.is_watching.then(|| "on".to_owned())
    ),
    column!(
        Branch,
        "branch",
        "branch",
        "Git branch",
        left,
        (6, 16),
        Order::Natural(|process| process.info.setup.git_branch.as_deref()),
        |row| text(row.process.info.setup.git_branch.as_deref())
    ),
    column!(
        Revision,
        "revision",
        "revision",
        "Git revision",
        left,
        (8, 8),
        Order::Natural(|process| process.info.setup.git_revision.as_deref()),
        |row| {
            let revision = row.process.info.setup.git_revision.as_deref()?;
            Some(revision.chars().take(8).collect())
        }
    ),
    column!(
        Unstable,
        "unstable",
        "unstable restarts",
        "Unstable restarts, of how many before PM2 gives up",
        right,
        (10, 10),
        Order::Number(|process| Some(f64::from(process.info.unstable_restarts))),
        |row| {
            let info = &row.process.info;
            let count = info.unstable_restarts;
            // What is stopped is not on its way to the limit.
            let counts = count > 0 && info.status != ProcessStatus::Stopped;
            Some(if counts {
                format!("{count}/{}", info.restarts_max())
            } else {
                count.to_string()
            })
        }
    ),
    column!(
        LastExit,
        "exit",
        "last exit",
        "Code or signal of its last exit; 0? is 0 or a signal",
        right,
        (9, 9),
        Order::Natural(|process| process.info.exit_code.as_deref()),
        |row| row.process.last_end().map(|end| end.short())
    ),
    column!(
        MaxMemory,
        "maxmem",
        "max mem",
        "The memory limit at which PM2 restarts it",
        right,
        (9, 10),
        Order::Number(|process| process.info.memory_limit_bytes.map(|bytes| bytes as f64)),
        |row| row.process.info.memory_limit_bytes.map(units::bytes)
    ),
    column!(
        Cron,
        "cron",
        "cron",
        "Its cron pattern for restarts",
        left,
        (9, 16),
        Order::Natural(|process| process.info.setup.cron.as_deref()),
        |row| text(row.process.info.setup.cron.as_deref())
    ),
    column!(
        Node,
        "node",
        "node",
        "The version of Node.js that runs it",
        left,
        (7, 9),
        Order::Natural(|process| process.info.setup.node.as_deref()),
        |row| text(row.process.info.setup.node.as_deref())
    ),
    column!(
        Interpreter,
        "interpreter",
        "interpreter",
        "What runs it",
        left,
        (11, 16),
        Order::Natural(|process| interpreter(&process.info)),
        |row| text(interpreter(&row.process.info))
    ),
    column!(
        LastRestart,
        "restarted",
        "last restart",
        "How often it was restarted, and when last",
        right,
        (12, 16),
        Order::Number(|process| since(process).map(|since_ms| -(since_ms as f64))),
        |row| {
            let restarts = row.process.info.restarts;
            let up_ms = row.process.uptime_ms(row.now.steady_ms)?;
            (restarts > 0).then(|| format!("{restarts}, {} ago", units::uptime(up_ms)))
        }
    ),
    column!(
        CpuTree,
        "cpu+",
        "cpu+",
        "CPU with its children, percent of one core",
        right,
        (7, 7),
        Order::Number(|process| process.tree.cpu_percent()),
        |row| row.process.tree.cpu_percent().map(units::percent)
    ),
    column!(
        MemoryTree,
        "mem+",
        "mem+",
        "Memory with its children, which PM2 does not count",
        right,
        (10, 10),
        Order::Number(|process| process.tree.memory_bytes().map(|bytes| bytes as f64)),
        |row| row.process.tree.memory_bytes().map(units::bytes)
    ),
    column!(
        LimitIn,
        "limitin",
        "limit in",
        "When it reaches its memory limit, where that can be told",
        right,
        (8, 8),
        Order::Number(|process| {
            let now_ms = process.series.last()?.at_ms;
            forecast::reaches_limit_in_ms(process, now_ms).map(|ms| ms as f64)
        }),
        |row| {
            let in_ms = forecast::reaches_limit_in_ms(row.process, row.now.steady_ms)?;
            Some(forecast::short(in_ms))
        }
    ),
    column!(
        Ports,
        "ports",
        "ports",
        "The ports on which it and its children listen",
        left,
        (6, 17),
        Order::Number(|process| process.ports.first().map(|port| f64::from(*port))),
        |row| {
            let ports: Vec<String> = row.process.ports.iter().map(u16::to_string).collect();
            (!ports.is_empty()).then(|| ports.join(" "))
        }
    ),
    column!(
        LogRate,
        "lines",
        "lines/min",
        "Lines that it writes a minute",
        right,
        (9, 9),
        Order::Number(|process| at_last(process, Speech::a_minute)),
        |row| row.process.speech.a_minute(row.now.steady_ms).map(speech::rate)
    ),
    column!(
        ErrorRate,
        "errors",
        "err/min",
        "Lines that it writes to stderr a minute",
        right,
        (7, 7),
        Order::Number(|process| at_last(process, Speech::errors_a_minute)),
        |row| row.process.speech.errors_a_minute(row.now.steady_ms).map(speech::rate)
    ),
    column!(
        Silence,
        "silence",
        "silent",
        "For how long it has written nothing, where it did before",
        right,
        (7, 7),
        Order::Number(|process| at_last(process, |speech, now_ms| {
            speech.silent_ms(now_ms).map(|ms| ms as f64)
        })),
        |row| {
            let silent_ms = row.process.speech.silent_ms(row.now.steady_ms)?;
            // The seconds of whoever talks would flicker.
            let is_told = silent_ms >= 60_000 && row.process.is_running();
            is_told.then(|| units::uptime(silent_ms))
        }
    ),
];

/// What is heard of a process as of its last look.
fn at_last(process: &Process, of: fn(&Speech, i64) -> Option<f64>) -> Option<f64> {
    of(&process.speech, process.speech.until_ms())
}

fn text(text: Option<&str>) -> Option<String> {
    text.filter(|text| !text.is_empty()).map(ToOwned::to_owned)
}

/// The program that runs it, without its folder.
fn interpreter(info: &ProcessInfo) -> Option<&str> {
    let path = info.setup.interpreter.as_deref()?;
    path.rsplit('/').next().filter(|name| !name.is_empty())
}

/// Since when it is online, by PM2's clock.
fn since(process: &Process) -> Option<i64> {
    process.online_since.filter(|_| process.is_online()).map(|(_, since_ms)| since_ms)
}

fn part_of_limit(process: &Process) -> Option<f64> {
    let limit = process.info.memory_limit_bytes.filter(|limit| *limit > 0)?;
    Some(process.figures.memory_bytes()? as f64 / limit as f64)
}

fn rank(process: &Process) -> u8 {
    if process.never_started() || process.info.has_given_up() {
        return 0;
    }
    match process.info.status {
        _ if process.is_looping => 1,
        ProcessStatus::Errored => 0,
        ProcessStatus::WaitingRestart => 2,
        ProcessStatus::Stopping => 3,
        ProcessStatus::Launching => 4,
        ProcessStatus::Other(_) => 5,
        ProcessStatus::Stopped => 6,
        ProcessStatus::Online => 7,
    }
}
