//! A group of the table: its name, how many of it are online, and sums of what is measured.
//!
//! ```text
//!  ▾ shop                         7 of 7               0          103.5%               1.0 GiB
//!    ▾ api ×4                     4 of 4               0           82.3%             626.4 MiB
//! ```

use ratatui::layout::Rect;

use super::canvas::Canvas;
use super::columns::{Columns, Place};
use super::lookup::daemon;
use super::roles::Role;
use super::text;
use crate::app::App;
use crate::model::ProcessKey;
use crate::model::figures::Figures;
use crate::model::fleet::Process;
use crate::model::rows::tree::Group;
use crate::model::rows::{Field, is_unwell};
use crate::protocol::process::Instance;

/// Draws a group.
pub(super) fn draw(
    app: &App,
    canvas: &mut Canvas<'_>,
    columns: &Columns,
    row: Rect,
    (group, members, is_folded): (&Group, &[ProcessKey], bool),
) {
    let processes: Vec<&Process> =
        members.iter().filter_map(|key| app.watched.fleet.get(*key)).collect();
    for place in &columns.places {
        let Place { field, x, columns: room } = *place;
        let (text, role) = match field {
            Field::Name => (name(app, canvas, group, (members, is_folded)), Role::Strong),
            Field::Status => online(canvas, &processes, all(app, group), room),
            Field::Restarts => {
                let sum: u64 = processes.iter().map(|it| u64::from(it.info.restarts)).sum();
                (sum.to_string(), if sum == 0 { Role::Quiet } else { Role::Text })
            }
            Field::Cpu | Field::CpuTree => {
                let of = |it: &&Process| figures(it, field).cpu_percent();
                let cpu: Vec<f64> = processes.iter().filter_map(of).collect();
                let form = if columns.is_short { text::percent_short } else { text::percent };
                sum(&cpu, |cpu| form(cpu.iter().sum()))
            }
            Field::Memory | Field::MemoryTree => {
                let of = |it: &&Process| figures(it, field).memory_bytes();
                let bytes: Vec<u64> = processes.iter().filter_map(of).collect();
                let form = if columns.is_short { text::bytes_short } else { text::bytes };
                sum(&bytes, |bytes| form(bytes.iter().sum()))
            }
            Field::Chart => (measured(&processes), Role::Quiet),
            _ => continue,
        };
        let style = canvas.role(role);
        if field.column().is_right {
            canvas.right(x, row.y, room, &text, style);
        } else {
            canvas.text(x, row.y, room, &text, style);
        }
    }
    let is_marked = |key: &ProcessKey| app.marks.has(*key);
    if !members.is_empty() && members.iter().all(is_marked) {
        canvas.mark(row);
    }
}

/// Which of its group a process is: its instance, else its id.
pub(super) fn instance(process: &Process) -> String {
    match process.info.instance {
        Instance::Number(number) => number.to_string(),
        Instance::Unsaid | Instance::Elsewhere => format!("[{}]", process.info.pm_id),
    }
}

/// What a column of CPU or memory shows of a process: its own, or with its children.
fn figures(process: &Process, field: Field) -> Figures {
    match field {
        Field::CpuTree | Field::MemoryTree => process.tree,
        _ => process.figures,
    }
}

fn name(
    app: &App,
    canvas: &Canvas<'_>,
    group: &Group,
    (members, is_folded): (&[ProcessKey], bool),
) -> String {
    let sign = match (canvas.theme().ascii, is_folded) {
        (false, true) => "▸",
        (false, false) => "▾",
        (true, true) => "+",
        (true, false) => "-",
    };
    // What is marked is seen, though its row is not; where all are, the row has the sign.
    let count = members.len();
    let sign = match members.iter().filter(|key| app.marks.has(**key)).count() {
        marked if is_folded && (1..count).contains(&marked) => {
            format!("{sign} {}{marked}", canvas.theme().glyphs().marked)
        }
        _ => sign.to_owned(),
    };
    if let Some(name) = &group.app {
        return format!("  {sign} {name} {}{count}", if canvas.theme().ascii { "x" } else { "×" });
    }
    let namespace = if group.namespace.is_empty() { "-" } else { &*group.namespace };
    match daemon(app, group.daemon).filter(|_| app.watched.daemons.len() > 1) {
        Some(daemon) => format!("{sign} {} {namespace}", daemon.label),
        None => format!("{sign} {namespace}"),
    }
}

/// How many the group has where some may not be shown.
fn all(app: &App, group: &Group) -> Option<usize> {
    let fleet = &app.watched.fleet;
    let count = || fleet.iter().filter(|(key, process)| group.holds(*key, process)).count();
    app.table.query().leaves_out().then(count)
}

/// How many are online: `3 of 4`, with a sign where one is not well. Where not all are shown, how many are:
/// `3 of 5 shown`.
fn online(
    canvas: &Canvas<'_>,
    processes: &[&Process],
    all: Option<usize>,
    room: u16,
) -> (String, Role) {
    let online = processes.iter().filter(|process| process.is_online()).count();
    let unwell = processes.iter().filter(|process| is_unwell(process)).count();
    let shown = processes.len();
    let text = match all.filter(|all| *all > shown) {
        None => format!("{online} of {shown}"),
        Some(all) => {
            let long = format!("{shown} of {all} shown");
            let sign = if unwell == 0 { 0 } else { 3 + text::width(&unwell.to_string()) };
            if text::width(&long) + sign <= room { long } else { format!("{shown} of {all}") }
        }
    };
    match unwell {
        0 if online == processes.len() => (text, Role::Good),
        0 => (text, Role::Quiet),
        unwell => (format!("{text} {} {unwell}", canvas.theme().glyphs().warning), Role::Warn),
    }
}

fn sum<T>(values: &[T], shown: impl Fn(&[T]) -> String) -> (String, Role) {
    if values.is_empty() { ("-".to_owned(), Role::Quiet) } else { (shown(values), Role::Text) }
}

/// How many of those that run are measured, where it is not all of them.
fn measured(processes: &[&Process]) -> String {
    let running = processes.iter().filter(|process| process.is_running()).count();
    let measured = processes.iter().filter(|it| it.figures.memory_bytes().is_some()).count();
    if measured == running { String::new() } else { format!("{measured} of {running}") }
}
