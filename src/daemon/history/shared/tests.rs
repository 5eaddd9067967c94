use super::*;

/// What is missing as the files are now, each line where it is said to be.
fn missed_now(files: &[impl ReadAt], outputs: &Output) -> io::Result<Option<MissedLines>> {
    let Some((missed, places)) = super::missed_now(files, outputs)? else { return Ok(None) };
    assert_eq!(missed.lines.len(), places.len());
    for (line, place) in missed.lines.iter().zip(places) {
        let mut at = place;
        let file = files.iter().find(|file| {
            let size = file.size().unwrap();
            let is_in = at < size;
            at -= if is_in { 0 } else { size };
            is_in
        });
        let part = crate::daemon::seam::read_part(file.unwrap(), at, at + line.len() as u64);
        assert_eq!(part.unwrap(), *line);
    }
    Ok(Some(missed))
}

fn text(lines: &[String]) -> Vec<u8> {
    lines.iter().flat_map(|line| format!("{line}\n").into_bytes()).collect()
}

fn numbered(name: &str, range: std::ops::Range<u32>) -> Vec<String> {
    range.map(|n| format!("{name} {n}")).collect()
}

fn mixed(range: std::ops::Range<u32>) -> Vec<String> {
    range.flat_map(|n| [format!("a {n}"), format!("b {n}")]).collect()
}

#[test]
fn lines_of_each_are_missing_once() {
    let file = text(&mixed(0..1_000));
    let outputs = Output {
        tails: vec![text(&numbered("a", 300..400)), text(&numbered("b", 300..390))],
        again: vec![text(&numbered("a", 600..610)), text(&numbered("b", 605..612))],
        quiet_ms: 0,
        begun_ms: 0,
        is_late: false,
        reached: None,
    };
    let told = missed_now(std::slice::from_ref(&file), &outputs).unwrap().unwrap();
    assert!(told.is_exact);
    let mut wanted = [numbered("a", 400..600), numbered("b", 390..605)].concat();
    let mut lines: Vec<String> =
        told.lines.into_iter().map(|line| String::from_utf8(line).unwrap()).collect();
    for name in ["a ", "b "] {
        let of = |all: &[String]| -> Vec<String> {
            all.iter().filter(|line| line.starts_with(name)).cloned().collect()
        };
        assert_eq!(of(&lines), of(&wanted), "in order");
    }
    wanted.sort();
    lines.sort();
    assert_eq!(lines, wanted);
    // Nothing came again: all there is, once it is quiet.
    let silent = Output { again: vec![Vec::new(); 2], ..outputs };
    assert_eq!(missed_now(std::slice::from_ref(&file), &silent).unwrap(), None);
    let told = missed_now(&[file], &Output { quiet_ms: QUIET_MS, ..silent }).unwrap().unwrap();
    assert_eq!(told.lines.len(), 600 + 610);
}

/// Each life counts from 0: what the one before said hides nothing.
#[test]
fn lines_of_an_earlier_life_hide_none_that_are_alike() {
    let file = text(&[mixed(0..50), mixed(0..30)].concat());
    let outputs = Output {
        tails: vec![text(&numbered("a", 0..50)), text(&numbered("b", 0..48))],
        again: vec![text(&numbered("a", 20..25)), text(&numbered("b", 22..26))],
        quiet_ms: 0,
        begun_ms: 0,
        is_late: false,
        reached: None,
    };
    let told = missed_now(&[file], &outputs).unwrap().unwrap();
    let mut lines: Vec<_> =
        told.lines.into_iter().map(|line| String::from_utf8(line).unwrap()).collect();
    let mut wanted = [numbered("b", 48..50), numbered("a", 0..20), numbered("b", 0..22)].concat();
    wanted.sort();
    lines.sort();
    assert_eq!(lines, wanted);
}

/// Each life says the same last and first: of which life that is tells how far the file had come by the loss.
#[test]
fn what_a_later_life_says_alike_is_not_taken_for_what_came() {
    let life = |before: &str| [&numbered(before, 0..3)[..], &["ready".to_owned()]].concat();
    let before = [life("a"), life("b")].concat();
    let file = text(&[before.clone(), life("c"), life("d")].concat());
    let outputs = |reached| Output {
        tails: vec![text(&life("a")), text(&life("b"))],
        again: vec![Vec::new(); 2],
        quiet_ms: QUIET_MS,
        begun_ms: 0,
        is_late: false,
        reached,
    };
    let wanted = [life("c"), life("d")].concat();
    let wanted: Vec<_> = wanted.into_iter().map(String::into_bytes).collect();
    let reached = text(&before).len() as u64;
    for reached in [reached, reached + 4] {
        let told =
            missed_now(std::slice::from_ref(&file), &outputs(Some(reached))).unwrap().unwrap();
        assert_eq!((told.lines, told.is_exact), (wanted.clone(), true), "{reached}");
    }
    // It was emptied since: all that it holds is new.
    let told = missed_now(&[text(&life("c"))], &outputs(Some(0))).unwrap().unwrap();
    assert_eq!((told.lines.len(), told.is_exact), (4, false));
    // Last words that were written later than they came are told once.
    let file = [text(&numbered("a", 0..10)), text(&numbered("b", 0..1))].concat();
    let less = text(&numbered("a", 0..8)).len() as u64;
    let tails = vec![text(&numbered("a", 0..10)), Vec::new()];
    let told = missed_now(&[file], &Output { tails, ..outputs(Some(less)) }).unwrap().unwrap();
    assert_eq!((told.lines, told.is_exact), (vec![b"b 0".to_vec()], true));
}

#[test]
fn an_output_of_which_one_line_came_does_not_repeat_it() {
    let outputs = Output {
        tails: vec![b"a 0\n".to_vec(), b"b 0\n".to_vec()],
        again: vec![Vec::new(); 2],
        quiet_ms: QUIET_MS,
        begun_ms: 0,
        is_late: false,
        reached: None,
    };
    let told = missed_now(&[b"a 0\nb 0\nlast\n".to_vec()], &outputs).unwrap().unwrap();
    assert_eq!((told.lines, told.is_exact), (vec![b"last".to_vec()], true));
}

/// What was missed says the same as what comes again.
#[test]
fn what_was_missed_is_told_though_what_came_again_is_alike() {
    let ticks = |count| vec!["tick".to_owned(); count];
    let ready = [vec!["a 0".to_owned(), "b 0".to_owned()], ticks(5)].concat();
    let outputs = |again: [Vec<String>; 2], quiet_ms, is_late| Output {
        tails: vec![b"a 0\n".to_vec(), b"b 0\n".to_vec()],
        again: again.map(|lines| text(&lines)).to_vec(),
        quiet_ms,
        begun_ms: 0,
        is_late,
        reached: None,
    };
    let told = |file: &[String], outputs: &Output| {
        let told = missed_now(&[text(file)], outputs).unwrap()?;
        let is_same = told.lines.iter().all(|line| line == b"tick");
        Some((told.lines.len(), is_same, told.is_exact))
    };
    // What came last tells it.
    let say = |n: &str| [ticks(1), vec![n.to_owned()]].concat();
    let file = [ready.clone(), ticks(2), vec!["a 9".to_owned(), "b 9".to_owned()]].concat();
    let again = [say("a 9"), say("b 9")];
    assert_eq!(told(&file, &outputs(again, 0, false)), Some((5, true, true)));
    // What came first does.
    let say = |n: &str| [vec![n.to_owned()], ticks(2)].concat();
    let file = [ready.clone(), vec!["a 9".to_owned()], ticks(2), say("b 9")].concat();
    let again = [say("a 9"), say("b 9")];
    assert_eq!(told(&file, &outputs(again, 0, false)), Some((5, true, true)));
    // Nothing does.
    let file = [ready, ticks(3)].concat();
    let outputs = |quiet_ms, is_late| outputs([ticks(2), ticks(1)], quiet_ms, is_late);
    assert_eq!(told(&file, &outputs(STILL_MS - 1, false)), None);
    assert_eq!(told(&file, &outputs(STILL_MS, false)), Some((5, true, true)));
    assert_eq!(told(&file, &outputs(0, true)), Some((5, true, false)));
}

#[test]
fn the_bus_begins_where_the_first_lines_of_all_are() {
    let file = text(&mixed(0..1_000));
    let came = |a: std::ops::Range<u32>, b: std::ops::Range<u32>| {
        [text(&numbered("a", a)), text(&numbered("b", b))]
    };
    let found = begin(&file, (&came(900..1_010, 905..1_005), true)).unwrap().unwrap();
    assert_eq!(
        found.at,
        [text(&mixed(0..905)), text(&numbered("a", 905..906))].concat().len() as u64
    );
    let had: Vec<u32> = (900..906).collect();
    let wanted = had.iter().map(|n| (format!("a {n}").into_bytes(), 1)).collect();
    assert_eq!(found.had, wanted);
    assert_eq!(begin(&file, (&came(900..901, 950..960), true)).unwrap(), None, "a is behind");
    assert_eq!(
        begin(&file, (&came(900..901, 1_950..1_960), true)).unwrap(),
        None,
        "not written yet"
    );
}

/// One of which nothing came yet: what stands of it behind the first line of another was sent before the bus was
/// there, or has to come yet.
#[test]
fn of_one_that_is_silent_no_line_is_left_out_without_a_word() {
    let all = |b: &[String]| text(&[&mixed(0..900)[..], &numbered("a", 900..905), b].concat());
    let came = [text(&numbered("a", 900..910))];
    let rest = numbered("a", 905..910);
    let b = [numbered("b", 900..904), rest.clone()].concat();
    assert_eq!(begin(&all(&b), (&came, false)).unwrap(), None, "b is among them");
    assert!(begin(&all(&rest), (&came, false)).unwrap().is_some(), "b says nothing");
    let behind = [rest, numbered("b", 900..904)].concat();
    assert!(begin(&all(&behind), (&came, false)).unwrap().is_some(), "b has yet to come");
    // After a loss, likewise.
    let outputs = |is_late| Output {
        tails: vec![text(&numbered("a", 700..800)), text(&numbered("b", 700..800))],
        again: vec![text(&numbered("a", 900..910)), Vec::new()],
        quiet_ms: 0,
        begun_ms: OTHERS_MS,
        is_late,
        reached: None,
    };
    assert_eq!(missed_now(&[all(&b)], &outputs(false)).unwrap(), None);
    let told = missed_now(&[all(&b)], &outputs(true)).unwrap().unwrap();
    assert_eq!((told.lines.len(), told.is_exact), (200, false));
    let told = missed_now(&[all(&behind)], &outputs(false)).unwrap().unwrap();
    assert_eq!((told.lines.len(), told.is_exact), (200, true));
}

#[test]
fn one_that_did_not_come_again_is_waited_for() {
    let file = text(&[mixed(0..500), numbered("a", 500..510)].concat());
    let outputs = Output {
        tails: vec![text(&numbered("a", 300..400)), text(&numbered("b", 300..400))],
        again: vec![text(&numbered("a", 500..510)), Vec::new()],
        quiet_ms: 0,
        begun_ms: OTHERS_MS - 1,
        is_late: false,
        reached: None,
    };
    assert_eq!(missed_now(std::slice::from_ref(&file), &outputs).unwrap(), None);
    let silent = Output { begun_ms: OTHERS_MS, quiet_ms: QUIET_MS, ..outputs };
    let told = missed_now(&[file], &silent).unwrap().unwrap();
    assert_eq!(told.lines.len(), 100 + 100);
}

#[test]
fn an_output_that_is_far_ahead_of_another_in_the_file_is_not_repeated() {
    let mut all = numbered("b", 0..6);
    all.extend(numbered("a", 0..3_000));
    all.extend(numbered("b", 6..10));
    let outputs = Output {
        // The first line may be the rest of one.
        tails: vec![text(&numbered("a", 500..3_000)), text(&numbered("b", 5..10))],
        again: vec![text(&numbered("a", 3_005..3_010)), text(&numbered("b", 12..25))],
        quiet_ms: 0,
        begun_ms: 0,
        is_late: false,
        reached: None,
    };
    all.extend(numbered("b", 10..20));
    all.extend(numbered("a", 3_000..3_010));
    all.extend(numbered("b", 20..30));
    let told = missed_now(&[text(&all)], &outputs).unwrap().unwrap();
    let wanted = [numbered("b", 10..12), numbered("a", 3_000..3_005)].concat();
    assert_eq!(
        (told.lines, told.is_exact),
        (wanted.into_iter().map(String::into_bytes).collect(), true)
    );
}

#[test]
fn what_older_files_have_is_not_told_again_where_the_newest_was_emptied() {
    let files = [text(&mixed(0..1_000)), text(&mixed(3_000..3_020))];
    let outputs = Output {
        tails: vec![text(&numbered("a", 2_000..2_100)), text(&numbered("b", 2_000..2_100))],
        again: vec![text(&numbered("a", 3_005..3_020)), text(&numbered("b", 3_005..3_020))],
        quiet_ms: 0,
        begun_ms: 0,
        is_late: false,
        reached: None,
    };
    let told = missed_now(&files, &outputs).unwrap().unwrap();
    assert_eq!(
        told.lines,
        mixed(3_000..3_005).into_iter().map(String::into_bytes).collect::<Vec<_>>()
    );
    assert!(!told.is_exact, "what was emptied is gone");
}

#[test]
fn one_that_was_silent_for_long_repeats_nothing_of_the_others() {
    let all = [numbered("b", 0..1), numbered("a", 0..20_000)].concat();
    let (file, tail) = (text(&all), text(&numbered("a", 11_000..19_990)));
    assert!(tail.len() > SHARED_BYTES);
    let outputs = Output {
        tails: vec![tail, text(&numbered("b", 0..1))],
        again: vec![text(&numbered("a", 19_995..20_000)), Vec::new()],
        quiet_ms: QUIET_MS,
        begun_ms: OTHERS_MS,
        is_late: false,
        reached: None,
    };
    let told = missed_now(&[file], &outputs).unwrap().unwrap();
    assert_eq!(
        told.lines,
        numbered("a", 19_990..19_995).into_iter().map(String::into_bytes).collect::<Vec<_>>()
    );
}

/// Of seven that were there before and three that came none is lost, and one that is written and has yet
/// to come is none of those before.
#[test]
fn of_lines_that_are_alike_the_newest_are_those_that_came() {
    let history = |file: &[u8], came: &[Vec<u8>]| {
        let found = begin(&file.to_vec(), (came, true)).unwrap().unwrap();
        let before: u32 = found.had.values().sum();
        let lines = memchr::memchr_iter(b'\n', &file[..found.at as usize]).count();
        (lines - before as usize, found.is_told_apart)
    };
    let ticks = |count| b"tick\n".repeat(count);
    assert_eq!(history(&ticks(10), &[ticks(2), ticks(1)]), (7, false));
    let file = [&ticks(10)[..], b"a 1\nb 1\n", &ticks(1)].concat();
    let came = [[&ticks(2)[..], b"a 1\n"].concat(), [&ticks(1)[..], b"b 1\n"].concat()];
    assert_eq!(history(&file, &came), (7, true));
}

#[test]
fn one_that_is_behind_is_waited_for() {
    let file = text(&mixed(0..1_000));
    let outputs = Output {
        tails: vec![text(&numbered("a", 300..400)), text(&numbered("b", 300..400))],
        again: vec![text(&numbered("a", 500..510)), text(&numbered("b", 600..610))],
        quiet_ms: 0,
        begun_ms: 0,
        is_late: false,
        reached: None,
    };
    assert_eq!(missed_now(std::slice::from_ref(&file), &outputs).unwrap(), None);
    let all = Output {
        again: vec![text(&numbered("a", 500..605)), text(&numbered("b", 600..610))],
        ..outputs
    };
    let told = missed_now(&[file], &all).unwrap().unwrap();
    assert_eq!((told.lines.len(), told.is_exact), (100 + 200, true));
}

/// The daemon writes a line and sends it at the same moment: what was written just now may still come.
#[test]
fn what_was_written_just_now_is_waited_for() {
    let (mut still, mut at) = (Still::default(), 0);
    let outputs = Output {
        tails: vec![text(&numbered("a", 0..10))],
        again: vec![Vec::new()],
        quiet_ms: 5 * QUIET_MS,
        begun_ms: 0,
        is_late: false,
        reached: None,
    };
    let mut look = |lines: u32, after_ms, outputs: &Output| {
        at += after_ms;
        let file = text(&numbered("a", 0..lines));
        let missed = missed_at(&[file], outputs, (&mut still, at)).unwrap();
        missed.map(|(missed, _)| missed.lines.len())
    };
    assert_eq!(look(10, 0, &outputs), None);
    assert_eq!(look(12, QUIET_MS, &outputs), None, "it grew");
    assert_eq!(look(12, QUIET_MS - 1, &outputs), None);
    // The first of the two comes.
    let again = Output { again: vec![text(&numbered("a", 10..11))], ..outputs };
    assert_eq!(look(12, 0, &again), Some(0));
    let outputs = Output { again: vec![Vec::new()], ..again };
    assert_eq!(look(12, 1, &outputs), Some(2));
    let late = Output { is_late: true, ..outputs };
    assert_eq!(look(13, 1, &late), Some(3));
}
