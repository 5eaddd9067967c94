use super::*;

fn line(text: &str) -> StyledText {
    clean_line(text, &mut TextStyle::default())
}

fn fg(color: TextColor) -> TextStyle {
    TextStyle { fg: Some(color), ..TextStyle::default() }
}

fn run(start: u32, end: u32, style: TextStyle) -> StyledRun {
    StyledRun { start, end, style }
}

#[test]
fn plain_text_is_borrowed() {
    for text in ["", "plain", "größe 日本語 ✓", "e\u{301}"] {
        assert!(matches!(clean(text), Cow::Borrowed(same) if same == text));
        assert_eq!(&*line(text).text, text);
    }
}

#[test]
fn every_sequence_vanishes_and_the_text_around_it_stays() {
    for sequence in [
        "\x1b[31m",
        "\x1b[2J",
        "\x1b[10;20H",
        "\x1b[?25l",
        "\x1b[>4;1m",
        "\x1b]0;title\x07",
        "\x1b]0;title\x1b\\",
        "\x1b]8;;http://x/é\x1b\\",
        "\x1b]8;;http://x/\x07",
        "\x1bPq#0;2;0;0;0\x1b\\",
        "\x1bP1$r✓0m\x1b\\",
        "\x1b_app ✓\x1b\\",
        "\x1b^private\x1b\\",
        "\x1bXstart of string\x1b\\",
        "\x1bc",
        "\x1b(B",
        "\u{9b}31m",
        "\u{9d}0;title\u{9c}",
        "\u{90}dcs\u{9c}",
        "\u{85}",
        "\0",
        "\x07",
        "\x08",
        "\x0b",
        "\x7f",
        "\u{feff}",
        "\u{202e}",
        "\u{2066}",
        "\u{200f}",
        "\u{200b}",
        "\u{2060}",
        "\u{ad}",
        "\u{e0041}",
        "\u{2028}",
        "\u{2029}",
    ] {
        let dirty = format!("be{sequence}fore");
        assert_eq!(clean(&dirty), "before", "{sequence:?}");
        assert_eq!(&*line(&dirty).text, "before", "{sequence:?}");
    }
}

#[test]
fn the_text_of_a_link_stays() {
    let dirty = "see \x1b]8;;https://e.org/\x1b\\here\x1b]8;;\x1b\\ now";
    assert_eq!(&*line(dirty).text, "see here now");
    assert_eq!(&*line("see \x1b]8;;https://e.org/\x07here\x1b]8;;\x07 now").text, "see here now");
}

#[test]
fn an_unfinished_sequence_is_dropped() {
    for dirty in ["text\x1b", "text\x1b[", "text\x1b[31;", "text\x1b]0;ti", "text\x1bP1"] {
        assert_eq!(&*line(dirty).text, "text", "{dirty:?}");
        assert_eq!(clean(dirty), "text", "{dirty:?}");
    }
    assert_eq!(clean("a\x1b]0;never ended\nb"), "a b");
}

#[test]
fn sixteen_bright_256_and_true_colours() {
    for (sequence, color) in [
        ("31", TextColor::Indexed(1)),
        ("97", TextColor::Indexed(15)),
        ("38;5;208", TextColor::Indexed(208)),
        ("38:5:208", TextColor::Indexed(208)),
        ("38;2;1;2;3", TextColor::Rgb(1, 2, 3)),
        ("38:2:1:2:3", TextColor::Rgb(1, 2, 3)),
        ("38:2::1:2:3", TextColor::Rgb(1, 2, 3)),
        ("0;58;5;1;38:2::1:2:3", TextColor::Rgb(1, 2, 3)),
    ] {
        let styled = line(&format!("a\x1b[{sequence}mbc\x1b[0md"));
        assert_eq!(&*styled.text, "abcd");
        assert_eq!(&*styled.runs, [run(1, 3, fg(color))], "{sequence}");
    }
}

#[test]
fn backgrounds_and_attributes() {
    let styled = line("\x1b[1;2;3;4;7;44mx\x1b[22;23;24;27;49my\x1b[104mz\x1b[4:3mu\x1b[4:0mv");
    assert_eq!(&*styled.text, "xyzuv");
    let all = TextStyle {
        bg: Some(TextColor::Indexed(4)),
        bold: true,
        dim: true,
        italic: true,
        underline: true,
        reverse: true,
        ..TextStyle::default()
    };
    let bright = TextStyle { bg: Some(TextColor::Indexed(12)), ..TextStyle::default() };
    let underlined = TextStyle { underline: true, ..bright };
    assert_eq!(
        &*styled.runs,
        [run(0, 1, all), run(2, 3, bright), run(3, 4, underlined), run(4, 5, bright)]
    );
}

#[test]
fn malformed_colours_change_nothing() {
    for sequence in ["38", "38;5", "38;5;300", "38;2;1;2", "38;9;1", "38:2:1", "38:5", "999"] {
        let styled = line(&format!("\x1b[{sequence}mx"));
        assert_eq!(&*styled.text, "x");
        assert_eq!(styled.runs.len(), 0, "{sequence}");
    }
}

#[test]
fn a_sequence_that_ends_like_sgr_is_none() {
    for sequence in ["\x1b[>4;1m", "\x1b[?4m", "\x1b[1 m", "\x1b[31K", "\x1b]31m\x07"] {
        assert_eq!(line(&format!("{sequence}x")).runs.len(), 0, "{sequence:?}");
    }
}

#[test]
fn a_colour_runs_on_over_lines() {
    let mut style = TextStyle::default();
    let red = fg(TextColor::Indexed(1));
    assert_eq!(clean_line("\x1b[31mone", &mut style).runs.len(), 1);
    assert_eq!(&*clean_line("two", &mut style).runs, [run(0, 3, red)]);
    assert_eq!(clean_line("", &mut style), StyledText::default());
    assert_eq!(&*clean_line("th\x1b[mree", &mut style).runs, [run(0, 2, red)]);
    assert_eq!(style, TextStyle::default());
}

#[test]
fn the_same_style_again_makes_no_new_run() {
    let styled = line("\x1b[31ma\x1b[31mb\x1b[0m\x1b[31mc");
    assert_eq!(&*styled.runs, [run(0, 3, fg(TextColor::Indexed(1)))]);
}

#[test]
fn tabs_go_to_the_next_eighth_column() {
    assert_eq!(&*line("a\tb").text, "a       b");
    assert_eq!(&*line("\t\tb").text, "                b");
    assert_eq!(&*line("12345678\tb").text, "12345678        b");
    // Two wide characters are four columns.
    assert_eq!(&*line("日本\tb").text, "日本    b");
    assert_eq!(&*line("\x1b[31ma\x1b[0m\tb").text, "a       b");
}

#[test]
fn a_carriage_return_overwrites() {
    assert_eq!(&*line("text\r").text, "text");
    assert_eq!(&*line("text\r\r").text, "text");
    assert_eq!(&*line("10 %\r20 %\r30 %").text, "30 %");
    assert_eq!(&*line("10 %\r20 %\r").text, "20 %");
    assert_eq!(&*line("long text\r\x1b[K").text, "");
    assert_eq!(&*line("kept\r\x1b[0m").text, "kept");
    assert_eq!(&*line("abc\r\tx").text, "        x");
    let styled = line("\x1b[31mred\rstill red");
    assert_eq!(&*styled.runs, [run(0, 9, fg(TextColor::Indexed(1)))]);
}

#[test]
fn lines_become_one() {
    assert_eq!(clean("one\ntwo\r\nthree"), "one two three");
}

#[test]
fn combining_marks_are_bounded() {
    let zalgo = format!("a{}b", "\u{301}".repeat(500));
    let kept = format!("a{}b", "\u{301}".repeat(ZERO_WIDTH_MAX));
    assert_eq!(clean(&zalgo), kept);
    assert_eq!(&*line(&zalgo).text, kept);
    // Over a tab, the count starts again.
    let family = "👨\u{200d}👩\u{200d}👧\u{200d}👦";
    assert_eq!(&*line(family).text, family);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig {
        failure_persistence: None,
        ..proptest::prelude::ProptestConfig::default()
    })]

    #[test]
    fn plain_stretches_read_as_the_parser_reads_them(
        pieces in proptest::collection::vec("\x1b|\\[|[0-9;:?>]{1,3}|[mKHcPX_\\]\\^]|\x07|\x1b\\\\|\r|\t|\u{9b}|\u{9d}|\u{9c}|\x18|é|日|\u{301}|[ -~]{1,5}", 0..40),
    ) {
        let line = pieces.concat();
        let mut reference = Cleaner::new(0, TextStyle::default(), true);
        let mut parser = Parser::<anstyle_parse::DefaultCharAccumulator>::new();
        line.chars().for_each(|c| reference.feed(&mut parser, c));
        reference.end_run();
        let mut cleaned = Cleaner::run(&line, TextStyle::default(), true);
        cleaned.end_run();
        proptest::prop_assert_eq!(cleaned.text, reference.text);
        proptest::prop_assert_eq!(cleaned.runs, reference.runs);
        proptest::prop_assert_eq!(cleaned.style, reference.style);
    }
}

/// Eight bytes are looked at together: each byte is seen at each place, whatever stands beside it.
#[test]
fn a_control_character_is_seen_wherever_it_stands() {
    for byte in 0..0x80_u8 {
        for (place, filler) in (0..18).flat_map(|place| [(place, b' '), (place, b'~')]) {
            let mut bytes = [filler; 18];
            bytes[place] = byte;
            let text = std::str::from_utf8(&bytes).unwrap();
            assert_eq!(needs_cleaning(text), byte.is_ascii_control(), "{byte:#x} at {place}");
        }
    }
    assert!(!needs_cleaning("überall") && !needs_cleaning(""));
    assert!(needs_cleaning("ab\u{85}") && needs_cleaning("0123456\u{202e}"));
}
