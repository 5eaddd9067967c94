//! Gaps in files of lines that are numbered.

use proptest::prelude::*;

use super::*;

fn lines(range: std::ops::Range<u32>) -> Vec<u8> {
    range.flat_map(|n| format!("line {n}\n").into_bytes()).collect()
}

fn missed(files: &[Vec<u8>], had: (u64, &[u8]), again: &[u8]) -> Option<(String, bool)> {
    let mut tail = Tail::of_file(&files[0], had.0, OWN_BYTES);
    tail.take(had.1);
    let missed = look(files, tail, again, false)?;
    Some((String::from_utf8(missed.bytes).unwrap(), missed.is_exact))
}

fn look(files: &[Vec<u8>], tail: Tail, data: &[u8], is_late: bool) -> Option<Missed> {
    let mut again = (!data.is_empty()).then(|| Again::at(0));
    if let Some(again) = &mut again {
        again.take(data, 0);
    }
    let mut gap = Gap::new(tail, 0);
    let mut look = |now_ms| gap.look(files, again.as_mut(), now_ms, is_late).unwrap();
    if !data.is_empty() {
        return look(1);
    }
    assert_eq!(look(0), None);
    look(UNWRITTEN_MS)
}

fn text(range: std::ops::Range<u32>) -> String {
    String::from_utf8(lines(range)).unwrap()
}

#[test]
fn what_is_between_two_connections_is_read() {
    let file = lines(0..1_000);
    let begun = lines(0..100).len() as u64;
    let had = (begun, &*lines(100..200));
    let all = missed(std::slice::from_ref(&file), had, &lines(300..310)).unwrap();
    assert_eq!(all, (text(200..300), true));
    // Within lines.
    let had: Vec<u8> = [&*lines(100..200), b"lin"].concat();
    let again: Vec<u8> = [b"9\n", &*lines(300..310)].concat();
    let all = missed(std::slice::from_ref(&file), (begun, &had), &again).unwrap();
    assert_eq!(all.0, text(200..300).strip_prefix("lin").unwrap().strip_suffix("9\n").unwrap());
    // Nothing came again: all there is.
    let all = missed(&[file], (begun, &lines(100..200)), b"").unwrap();
    assert_eq!(all, (text(200..1_000), true));
}

/// The daemon writes a line and sends it at the same moment: what was written just now may still come.
#[test]
fn what_was_written_just_now_is_waited_for() {
    let tail = Tail::of_file(&lines(0..100), lines(0..100).len() as u64, OWN_BYTES);
    let mut gap = Gap::new(tail, 0);
    let mut look = |to, now_ms| gap.look(&[lines(0..to)], None, now_ms, false).unwrap();
    assert_eq!(look(100, 0), None);
    assert_eq!(look(110, 5 * QUIET_MS), None, "it grew");
    assert_eq!(look(110, 6 * QUIET_MS - 1), None);
    assert_eq!(look(110, 6 * QUIET_MS).map(|missed| missed.bytes), Some(lines(100..110)));
}

#[test]
fn files_that_were_renamed_are_followed() {
    let files = [lines(0..500), lines(500..1_000)];
    let had = (0, &*lines(0..400));
    let all = missed(&files, had, &lines(600..610)).unwrap();
    assert_eq!(all, (text(400..600), true));
    let files = [lines(0..500), lines(500..1_000)];
    let all = missed(&files, (0, &lines(0..700)), &lines(800..810)).unwrap();
    assert_eq!(all, (text(700..800), true), "it was renamed before the bus was lost");
}

#[test]
fn what_was_truncated_may_be_missing_and_that_is_said() {
    let file = lines(600..700);
    let mut tail = Tail::new(OWN_BYTES);
    tail.at = Some(5_000);
    tail.take(&lines(100..200));
    let missed = look(&[file], tail, &lines(650..660), false).unwrap();
    assert_eq!((missed.bytes, missed.is_exact), (lines(600..650), false));
}

#[test]
fn last_words_that_only_the_bus_had_hide_nothing() {
    let mut file = lines(0..200);
    file.extend(b"started again\n");
    let had = [&*lines(0..200), b"last words\n"].concat();
    let all = missed(&[file], (0, &had), b"").unwrap();
    assert_eq!(all, ("started again\n".to_owned(), true));
}

#[test]
fn a_file_that_is_behind_the_bus_repeats_nothing() {
    let mut tail = Tail::of_file(&Vec::new(), 0, OWN_BYTES);
    tail.take(&lines(0..200));
    let mut gap = Gap::new(tail, 0);
    let mut again = Again::at(0);
    again.take(&lines(300..310), 0);
    let mut file = lines(0..181);
    let at_first = gap.look(&[file.clone()], Some(&mut again), 1, false).unwrap();
    assert_eq!(at_first, None, "it is not there yet");
    assert_eq!(gap.look(&[file.clone()], None, QUIET_MS, false).unwrap(), None, "nor is its end");
    file.extend(lines(181..400));
    let all = gap.look(&[file], Some(&mut again), 2, false).unwrap().unwrap();
    assert_eq!((all.bytes, all.is_exact), (lines(200..300), true));
}

#[test]
fn what_is_not_in_the_file_yet_is_waited_for_and_not_for_ever() {
    let file = lines(0..200);
    let had = (0, &*lines(0..150));
    assert_eq!(missed(std::slice::from_ref(&file), had, &lines(300..310)), None);
    let mut tail = Tail::of_file(&file, 0, OWN_BYTES);
    tail.take(&lines(0..150));
    let late = look(&[file], tail, &lines(300..310), true).unwrap();
    assert!(!late.is_exact && late.bytes.is_empty());
}

/// Whatever the bus does, what the file has is told, and once.
#[test]
fn what_the_file_has_is_read_on_until_the_bus_is_joined() {
    let at = |n: u32| lines(0..n).len() as u64;
    let file = vec![lines(0..500)];
    // Told up to 300; the bus had come to 100.
    let tail = Tail::of_file(&file[0], at(100), OWN_BYTES);
    let mut gap = Gap::new(tail, 0).told_to(at(300));
    assert_eq!(gap.read_on(&file, 1 << 20).unwrap(), b"", "where what came ends is not known");
    gap.locate(&file, 0).unwrap();
    assert!(!gap.is_unsure());
    assert_eq!(gap.read_on(&file, at(301) - at(300)).unwrap(), lines(300..301));
    assert_eq!(gap.read_on(&file, 1 << 20).unwrap(), lines(301..500));
    assert_eq!(gap.read_on(&file, 1 << 20).unwrap(), b"");
    // It goes on behind what was told, before it, and in the next file.
    let both = vec![lines(0..500), lines(500..700)];
    assert_eq!(gap.clone().read_on(&both, 1 << 20).unwrap(), lines(500..700));
    let mut join = |come: std::ops::Range<u32>| {
        let mut again = Again::at(0);
        again.take(&lines(come), 0);
        let missed = gap.look(&both, Some(&mut again), 1, false).unwrap().unwrap();
        (missed.bytes, missed.repeated, missed.is_exact)
    };
    assert_eq!(join(600..610), (lines(500..600), 0, true));
    assert_eq!(join(200..210), (Vec::new(), at(500) - at(200), true));
}

proptest! {
    #[test]
    fn the_last_place_of_a_needle_is_found(region in "[ab\n]{0,40}", needle in "[ab\n]{1,6}") {
        let (region, needle) = (region.as_bytes(), needle.as_bytes());
        let is_there = |at: &usize| region[*at..].starts_with(needle);
        let places: Vec<usize> = (0..region.len()).filter(is_there).collect();
        let wanted = places.last().map(|at| (*at, places.len() == 1));
        prop_assert_eq!(last_of(region, needle), wanted);
    }
}
