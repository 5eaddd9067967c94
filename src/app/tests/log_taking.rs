//! Saving lines, and the pager.

use super::log::{filled, keys, line, marked_text, output};
use super::meant::poll;
use super::*;
use crate::app::command::LogCommand;
use crate::app::log_sheet::LogSheet;
use crate::model::log::LineKind;
use crate::model::saved::Saved;
use crate::protocol::bus::LogStream;
use crate::protocol::process::LogFiles;

fn type_path(app: &mut App, path: &str) -> Vec<Effect> {
    press(app, Command::Log(LogCommand::Save));
    for c in path.chars() {
        let _ = update(app, Moment::at(2_000), Message::Text(c));
    }
    press(app, Command::Open)
}

fn notice(app: &App) -> String {
    app.notice.as_ref().unwrap().text.clone()
}

#[test]
fn what_is_shown_is_saved_and_nothing_replaced_without_a_question() {
    let mut app = filled(vec![output(0, "p0", "a"), output(0, "p0", "b")]);
    app.focus = Pane::Log;
    press(&mut app, Command::Log(LogCommand::Save));
    let Mode::LogInput(open) = &app.mode else { panic!("{:?}", app.mode) };
    assert!(open.input.text().starts_with("pm2-log-1970-01-01-") && open.input.is_selected());
    press(&mut app, Command::Back);
    let saving = type_path(&mut app, "~/x.log");
    let [Effect::SaveLog(first)] = &saving[..] else { panic!("{saving:?}") };
    assert_eq!((&*first.path, first.may_replace), ("~/x.log", false));
    assert_eq!(app.mode, Mode::Normal);
    send(&mut app, Report::LogSaved(Saved::IsThere { path: "/h/x.log".into() }));
    assert_eq!(app.mode, Mode::LogSheet(LogSheet::Replace { path: "/h/x.log".into() }));
    assert!(app.mode.is_question());
    assert!(press(&mut app, Command::No).is_empty());
    assert_eq!((app.mode.clone(), notice(&app)), (Mode::Normal, "nothing was saved".into()));
    type_path(&mut app, "~/x.log");
    send(&mut app, Report::LogSaved(Saved::IsThere { path: "/h/x.log".into() }));
    let saving = press(&mut app, Command::Yes);
    let [Effect::SaveLog(again)] = &saving[..] else { panic!("{saving:?}") };
    assert!(again.may_replace);
    let written = Saved::Written { path: "/h/x.log".into(), lines: 2, bytes: 4, unreadable: 0 };
    send(&mut app, Report::LogSaved(written));
    assert_eq!(notice(&app), "saved 2 lines, 4 B, to /h/x.log");
    send(&mut app, Report::LogSaved(Saved::Failed("cannot write /h/x.log: full".into())));
    assert!(app.notice.as_ref().unwrap().is_bad);
    // Tab says all; nothing typed saves nothing.
    press(&mut app, Command::Log(LogCommand::Save));
    press(&mut app, Command::NextPane);
    let Mode::LogInput(open) = &app.mode else { panic!("{:?}", app.mode) };
    assert_eq!(open.asked, crate::app::log_view::Asked::Save { is_all: true });
    let _ = update(&mut app, Moment::at(2_000), Message::Edit(Edit::DeleteToStart));
    assert!(press(&mut app, Command::Open).is_empty());
}

#[test]
fn the_pager_gets_the_file_of_the_line() {
    let mut app = filled(vec![
        output(0, "p0", "a"),
        line(0, "p0", LineKind::Err, "b"),
        output(9, "gone", "c"),
    ]);
    let logs = LogFiles {
        out: Some("/l/out.log".into()),
        err: Some("/l/err.log".into()),
        ..LogFiles::default()
    };
    let with = ProcessInfo { logs, ..info(0, "p0", ProcessStatus::Online) };
    send(&mut app, poll(vec![with], 10));
    let page = |app: &mut App| press(app, Command::Log(LogCommand::Pager));
    keys(&mut app, "\tg");
    let effects = page(&mut app);
    let [Effect::Pager(paged)] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!((paged.path.as_deref(), &*paged.line), (Some("/l/out.log"), b"a".as_slice()));
    keys(&mut app, "j");
    let effects = page(&mut app);
    let [Effect::Pager(paged)] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!((paged.path.as_deref(), &*paged.line), (Some("/l/err.log"), b"b".as_slice()));
    keys(&mut app, "j");
    assert!(page(&mut app).is_empty() && notice(&app).contains("no log file"));
    let source = output(0, "p0", "").source;
    let lost = LogLine::lost(2_000, source, Some(LogStream::Out), 5);
    let next = |text| LogLine { at_ms: 2_000, ..output(0, "p0", text) };
    send(&mut app, Report::Lines(vec![lost, output(9, "gone", "x"), next("next"), next("y")]));
    keys(&mut app, "ggjjjjjj");
    assert!(marked_text(&app).ends_with("and are in the log file only (o opens it)"));
    let effects = page(&mut app);
    let [Effect::Pager(paged)] = &effects[..] else { panic!("{effects:?}") };
    let place = (paged.path.as_deref(), &*paged.line);
    assert_eq!(place, (Some("/l/out.log"), b"next".as_slice()), "what is missing is before that");
}
