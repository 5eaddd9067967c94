//! What holds of every screen, and how little an idle one changes.

use proptest::prelude::*;
use ratatui::buffer::{Buffer, CellWidth};
use ratatui::layout::Rect;

use super::fleet::*;
use crate::app::editor::{Breaks, Edit, Editor};
use crate::app::geometry::{Charts, Geometry};
use crate::app::help::Help;
use crate::app::keymap::Place;
use crate::app::log_entry::Entry;
use crate::app::log_sheet::LogSheet;
use crate::app::palette::Palette;
use crate::app::prompt::{Arguments, Compose};
use crate::app::{App, Mode, Notice, Pane};
use crate::logs::LineId;
use crate::model::call::NamedCall;
use crate::model::fleet::Process;
use crate::model::log::{LineKind, LogLine, LogSource};
use crate::model::moment::Moment;
use crate::model::rows::Field;
use crate::model::series::Sample;
use crate::model::{Action, DaemonId};
use crate::protocol::process::{PmId, ProcessStatus};
use crate::view::columns;
use crate::view::theme::{Colors, Ground, Theme};

/// Names that break tables: wide, combining, right-to-left, empty, long, foul.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        Just("日本語のサービス".to_owned()),
        Just("e\u{301}\u{301}\u{301}te\u{301}".to_owned()),
        Just("שלום\u{202e}עולם".to_owned()),
        Just("👩‍👩‍👧‍👦⚠️🇩🇪".to_owned()),
        Just("क्षि\u{200b}\u{200d}ﾊﾞ".to_owned()),
        Just("\u{301}\u{1b}[31m\u{9b}2J\r\n\t\0\u{7f}".to_owned()),
        Just("long-".repeat(100)),
        Just(format!("a{}", "\u{301}".repeat(300))),
        "[a-z]{1,12}",
        "\\PC{0,40}",
        any::<String>(),
    ]
}

fn status() -> impl Strategy<Value = ProcessStatus> {
    prop_oneof![
        Just(ProcessStatus::Online),
        Just(ProcessStatus::Launching),
        Just(ProcessStatus::Stopping),
        Just(ProcessStatus::Stopped),
        Just(ProcessStatus::Errored),
        Just(ProcessStatus::WaitingRestart),
        name().prop_map(|word| ProcessStatus::Other(word.into())),
    ]
}

#[derive(Debug, Clone)]
struct OneProcess {
    pm_id: u32,
    name: String,
    status: ProcessStatus,
    has_pid: bool,
    restarts: u32,
    cpu_percent: Option<f32>,
    memory_bytes: Option<u64>,
    restarts_in_ms: Option<i64>,
    since_ms: Option<i64>,
}

prop_compose! {
    fn one_process()(
        pm_id in prop_oneof![0..20_u32, any::<u32>()],
        name in name(),
        status in status(),
        has_pid in any::<bool>(),
        restarts in prop_oneof![0..20_u32, any::<u32>()],
        cpu_percent in any::<Option<f32>>(),
        memory_bytes in any::<Option<u64>>(),
        restarts_in_ms in any::<Option<i64>>(),
        since_ms in any::<Option<i64>>(),
    ) -> OneProcess {
        OneProcess { pm_id, name, status, has_pid, restarts, cpu_percent, memory_bytes, restarts_in_ms, since_ms }
    }
}

/// What covers the screen and holds foreign text.
fn overlay() -> impl Strategy<Value = Mode> {
    let editor = || {
        (name(), 0..30_usize).prop_map(|(text, left)| {
            let mut editor = Editor::with(&text, Breaks::JsonOrText);
            for _ in 0..left {
                editor.edit(Edit::Left);
            }
            editor
        })
    };
    let line = (name(), name(), any::<bool>(), any::<Option<u32>>()).prop_map(
        |(topic, text, is_message, pm_id)| {
            let source = LogSource {
                daemon: DaemonId(0),
                pm_id: pm_id.map(PmId),
                name: topic.clone().into(),
            };
            let line = if is_message {
                let json = serde_json::json!({ "a": text, "b": [[topic]] }).to_string();
                LogLine::message(0, source, &topic, &json)
            } else {
                output(0, source, LineKind::Out, &text)
            };
            let mut app = app(vec![daemon(0, "web-01")]);
            app.take_lines([line]);
            app.log_view.entry(app.lines().at(0).unwrap()).unwrap()
        },
    );
    prop_oneof![
        (editor(), 0..50_usize).prop_map(|(input, chosen)| Mode::Palette(Palette {
            input,
            chosen,
            menu: None
        })),
        (name(), editor()).prop_map(|(method, input)| Mode::Arguments(Arguments {
            daemon: DaemonId(0),
            params: vec![method.clone().into()],
            method: method.into(),
            input,
            target: None,
        })),
        (0..20_u32, editor(), any::<bool>()).prop_map(|(pm_id, input, is_to_app)| {
            let (daemon, target) = (DaemonId(0), target(pm_id, "api"));
            Mode::Compose(Compose { daemon, target, others: Vec::new(), is_to_app, input })
        }),
        (line, any::<usize>(), prop::option::of(0..200_usize)).prop_map(|(line, top, shift)| {
            let mut entry: Entry = line;
            (entry.top, entry.shift) = (top, shift);
            Mode::LogSheet(LogSheet::Entry(Box::new(entry)))
        }),
        (name(), name()).prop_map(|(method, arg)| Mode::ConfirmCall {
            daemon: DaemonId(0),
            call: NamedCall::new(&method, vec![arg.into()]),
        }),
    ]
}

prop_compose! {
    fn any_app()(
        processes in prop::collection::vec(one_process(), 0..30),
        lines in prop::collection::vec((name(), name(), any::<i64>(), any::<Option<u32>>()), 0..20),
        daemons in 1..4_u16,
        downs in any::<[bool; 4]>(),
        focus in prop_oneof![Just(Pane::Processes), Just(Pane::Log)],
        mode in prop_oneof![
            3 => Just(Mode::Normal),
            1 => any::<u16>().prop_map(|top| Mode::Help(Box::new(Help { top, ..Help::of(Place::Table) }))),
            1 => (0..20_u32, name()).prop_map(|(pm_id, name)| {
                let (daemon, target) = (DaemonId(0), target(pm_id, &name));
                Mode::Confirm { action: Action::Delete, daemon, target }
            }),
            1 => (0..20_u32, name()).prop_map(|(pm_id, name)| {
                let (daemon, target) = (DaemonId(0), target(pm_id, &name));
                Mode::ConfirmReload { daemon, all: vec![target.clone(), target.clone()], target }
            }),
            4 => overlay(),
        ],
        notice in prop::option::of(name()),
        selected in prop::option::of(any::<prop::sample::Index>()),
        table_top in any::<usize>(),
        log_top in prop_oneof![Just(None), (0..30_u64).prop_map(Some), any::<u64>().prop_map(Some)],
        warning in prop::option::of(name()),
    ) -> App {
        let daemons: Vec<_> = (0..daemons).map(|number| {
            let label = format!("host-{number}");
            if downs[usize::from(number)] { down(number, &label) } else { daemon(number, &label) }
        }).collect();
        let count = daemons.len() as u32;
        let mut app = app(daemons);
        for (index, one) in (0_u32..).zip(processes) {
            let mut info = info(one.pm_id, &one.name, one.status);
            info.pid = one.has_pid.then_some(1);
            info.restarts = one.restarts;
            info.cpu_percent = one.cpu_percent;
            info.memory_bytes = one.memory_bytes;
            info.memory_limit_bytes = one.memory_bytes;
            info.online_since_ms = one.since_ms;
            let mut process = process(info);
            settle(&mut process);
            process.restarts_at_ms = one.restarts_in_ms;
            for second in 0..20 {
                process.series.push(Sample {
                    at_ms: NOW_MS - 40_000 + second * 1000,
                    cpu_percent: one.cpu_percent.unwrap_or(0.0),
                    memory_bytes: one.memory_bytes.unwrap_or(0),
                });
            }
            app.watched.fleet.insert(key((index % count) as u16, one.pm_id), process);
        }
        for (name, text, at_ms, pm_id) in lines {
            let source = LogSource { daemon: DaemonId(0), pm_id: pm_id.map(PmId), name: name.into() };
            let line = LogLine::message(at_ms, source.clone(), &text, &text);
            app.take_lines([line]);
            app.take_lines([output(at_ms, source, LineKind::Err, &text)]);
        }
        let rows = app.rows();
        app.selected = selected.filter(|_| !rows.is_empty()).map(|index| rows[index.index(rows.len())]);
        app.focus = focus;
        app.mode = mode;
        app.notice = notice.map(|text| Notice::new(text, false, 0));
        app.table_top = table_top;
        app.log_top =
            log_top.map(|place| app.lines().at(place as usize).unwrap_or(LineId::END));
        app.watched.daemons[0].methods = (table_top % 2 == 0).then(methods);
        app.watched.daemons[0].warnings = u64::from(warning.is_some());
        app.watched.daemons[0].last_warning = warning.map(Into::into);
        app
    }
}

/// No control character, no cell wider than what is left of its row, and nothing under a wide one.
fn check_cells(buffer: &Buffer, ascii: bool) {
    for y in 0..buffer.area.height {
        let mut x = 0;
        while x < buffer.area.width {
            let cell = &buffer[(x, y)];
            let symbol = cell.symbol();
            assert!(!symbol.contains(char::is_control), "{symbol:?} at {x},{y}");
            assert!(!symbol.contains(['\u{2028}', '\u{2029}', '\u{202e}']), "{symbol:?}");
            assert!(!ascii || symbol.is_ascii(), "{symbol:?} at {x},{y}");
            let columns = cell.cell_width();
            assert!(columns > 0, "{symbol:?} at {x},{y} takes no column");
            assert!(x + columns <= buffer.area.width, "{symbol:?} hangs over");
            for covered in 1..columns {
                assert_eq!(buffer[(x + covered, y)].symbol(), " ", "under {symbol:?}");
            }
            x += columns;
        }
    }
}

/// Each row of the table has its status where the column is, and a blank cell at both sides but for
/// the sign of the selected one.
fn check_columns(app: &App, buffer: &Buffer, theme: Theme) {
    let size = (buffer.area.width, buffer.area.height);
    let Some(parts) = Geometry::new(size, app.watched.fleet.len(), app.focus) else {
        return;
    };
    if parts.table.rows == 0 || app.watched.fleet.is_empty() || app.mode != Mode::Normal {
        return;
    }
    let inner = Rect::new(1, 2, size.0 - 2, parts.table.rows - 1);
    let columns = columns::columns(app, inner);
    let glyphs = theme.glyphs();
    let shown = usize::from(parts.table_rows).min(app.watched.fleet.len()) as u16;
    for y in 3..3 + shown {
        let sign = buffer[(0, y)].symbol();
        assert!([" ", glyphs.selected, glyphs.selected_behind].contains(&sign), "{sign:?}");
        assert_eq!(buffer[(size.0 - 1, y)].symbol(), " ");
        let status = buffer[(columns.get(Field::Status).unwrap().x, y)].symbol();
        let running = [glyphs.online, glyphs.busy, glyphs.warning];
        let known = [glyphs.stopped, glyphs.bad, glyphs.waiting, "?"];
        let is_known = known.contains(&status) || running.contains(&status);
        assert!(is_known, "{status:?} in row {y}: {:?}", row(buffer, y));
        assert_eq!(buffer[(columns.get(Field::Status).unwrap().x - 1, y)].symbol(), " ");
        assert_eq!(buffer[(columns.get(Field::Name).unwrap().x - 1, y)].symbol(), " ");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::default())]

    #[test]
    fn any_app_at_any_size(
        app in any_app(),
        columns in 0..=200_u16,
        rows in 0..=60_u16,
        ascii in any::<bool>(),
    ) {
        let colors = if ascii { Colors::None } else { Colors::True };
        let theme = Theme::new(colors, Ground::Light, ascii);
        let mut buffer = Buffer::empty(Rect::new(0, 0, columns, rows));
        if columns > 0 && rows > 0 {
            buffer = draw(&app, theme, (columns, rows));
        }
        check_cells(&buffer, ascii);
        check_columns(&app, &buffer, theme);
    }
}

/// No wide character reaches from beside an overlay into it: it would be half covered.
#[test]
fn an_overlay_cuts_no_character_in_half() {
    let mut app = typical();
    app.focus = Pane::Log;
    let source = LogSource { daemon: DaemonId(0), pm_id: Some(PmId(0)), name: "日".into() };
    for number in 0..16 {
        let text = format!("{}{}", " ".repeat(number % 2), "日本語のログ".repeat(20));
        app.take_lines([output(NOW_MS, source.clone(), LineKind::Out, &text)]);
    }
    // Its left edge is in the text of the log.
    let question = NamedCall::new("ping", Vec::new());
    for columns in [140, 142, 160] {
        let size = (columns, 24);
        app.mode = Mode::Normal;
        let below = draw(&app, COLOR, size);
        app.mode = Mode::ConfirmCall { daemon: DaemonId(0), call: question.clone() };
        let above = draw(&app, COLOR, size);
        check_cells(&above, false);
        let (stroke, top) = (0..columns)
            .flat_map(|x| (0..24).map(move |y| (x, y)))
            .find(|at| above[*at].symbol() == "━")
            .unwrap();
        // A blank cell is beside the title.
        let edge = stroke - 1;
        let mut was_cut = false;
        for y in top..top + 3 {
            assert_eq!(above[(edge, y)].symbol(), " ");
            assert_eq!(above[(edge - 1, y)].cell_width(), 1, "row {y} at {columns}");
            was_cut |= below[(edge - 1, y)].cell_width() > 1;
        }
        assert!(was_cut, "no wide character stood at the edge");
    }
}

#[test]
fn a_terminal_without_cells_is_no_trouble() {
    for size in [(0, 0), (1, 0), (0, 1), (1, 1)] {
        let _ = draw(&typical(), COLOR, size);
    }
}

/// Ten idle processes, sampled each second until `seconds` after [`NOW_MS`]; memory wobbles by up
/// to one percent, CPU between 0 and 0.3.
fn idle(seconds: i64) -> App {
    let mut app = app(vec![daemon(0, "web-01")]);
    app.now = Moment::at(NOW_MS + seconds * 1000);
    for pm_id in 0..10 {
        let mut process = Process::new(info(pm_id, "idle", ProcessStatus::Online));
        for second in -300..=seconds {
            let noise = (second * 7919 + i64::from(pm_id) * 104_729).rem_euclid(101) as u64;
            let memory_bytes = (45 + u64::from(pm_id)) * MIB * (9950 + noise) / 10_000;
            let cpu_percent = if noise > 90 { 0.3 } else { 0.0 };
            process.figures.take(Some(cpu_percent), Some(memory_bytes), NOW_MS + second * 1000);
            process.series.push(Sample {
                at_ms: NOW_MS + second * 1000,
                cpu_percent,
                memory_bytes,
            });
        }
        process.online_since = Some((0, NOW_MS - 11_520_000));
        app.watched.fleet.insert(key(0, pm_id), process);
    }
    app.selected = Some(key(0, 3));
    app
}

fn geometry(app: &App) -> Geometry {
    Geometry::new((120, 40), app.watched.fleet.len(), app.focus).unwrap()
}

/// Bytes that bring a terminal from one frame to the next.
fn bytes_sent(from: &Buffer, to: &Buffer) -> usize {
    use ratatui::backend::{Backend, CrosstermBackend};
    let mut bytes = Vec::new();
    let mut backend = CrosstermBackend::new(&mut bytes);
    backend.draw(from.diff(to).into_iter()).unwrap();
    bytes.len()
}

#[test]
fn an_idle_second_changes_few_cells() {
    let frames: Vec<_> = (0..=60).map(|second| draw(&idle(second), COLOR, (120, 40))).collect();
    let changed: Vec<usize> = frames.windows(2).map(|two| two[0].diff(&two[1]).len()).collect();
    let mean = changed.iter().sum::<usize>() / changed.len();
    let most = changed.iter().max().copied().unwrap();
    let sent =
        frames.windows(2).map(|two| bytes_sent(&two[0], &two[1])).sum::<usize>() / changed.len();
    // Each second has another memory for each process; nearly none of it shows.
    assert!(sent <= 60, "{sent} bytes a second");
    assert!(mean <= 4, "{mean} cells a second: {changed:?}");
    assert!(most <= 40, "{changed:?}");
    let Charts::Panels { cpu, .. } = geometry(&idle(0)).charts else { panic!("no panels") };
    let bars = cpu.below(1);
    let body =
        |buffer: &Buffer| (bars.y..bars.y + bars.rows).map(|y| row(buffer, y)).collect::<Vec<_>>();
    assert!(body(&frames[0]).concat().contains('▁'), "{:?}", body(&frames[0]));
    for frame in &frames {
        assert_eq!(body(frame), body(&frames[0]), "the panels of an idle process moved");
    }
}
