use super::*;

object! {
    #[derive(PartialEq)]
    struct Sample<'de> {
        id: Scalar<'de> = "id",
        inner: Object<Inner<'de>> = "inner",
    }
}

object! {
    #[derive(PartialEq)]
    struct Inner<'de> {
        text: Scalar<'de> = "text",
    }
}

fn scalar(text: &str) -> Scalar<'_> {
    serde_json::from_str(text).unwrap()
}

#[test]
fn any_type_reads_as_what_it_can_be_used_for() {
    for (text, number, words, truth) in [
        ("7", Some(7), Some("7"), None),
        ("-7", Some(-7), Some("-7"), None),
        ("1.5", Some(1), Some("1.5"), None),
        (r#""7""#, Some(7), Some("7"), None),
        (r#"" 7.9 ""#, Some(7), Some(" 7.9 "), None),
        (r#""1e3""#, Some(1000), Some("1e3"), None),
        (r#""seven""#, None, Some("seven"), None),
        (r#""""#, None, Some(""), None),
        (r#""\u00e9\n""#, None, Some("é\n"), None),
        ("true", None, None, Some(true)),
        (r#""false""#, None, Some("false"), Some(false)),
        ("null", None, None, None),
        (r#"[1,{"a":2}]"#, None, None, None),
        (r#"{"a":[1]}"#, None, None, None),
        ("1e300", None, Some(&*1e300_f64.to_string()), None),
        ("18446744073709551615", None, Some("18446744073709552000"), None),
        (r#""NaN""#, None, Some("NaN"), None),
        (r#""inf""#, None, Some("inf"), None),
    ] {
        let field = scalar(text);
        assert_eq!(field.as_i64(), number, "{text}");
        assert_eq!(field.as_text().as_deref(), words, "{text}");
        assert_eq!(field.as_bool(), truth, "{text}");
    }
}

#[test]
fn counts_are_not_negative_and_floats_are_finite() {
    assert_eq!(scalar("-1").as_u32(), None);
    assert_eq!(scalar("4294967296").as_u32(), None);
    assert_eq!(scalar("4294967296").as_u64(), Some(4_294_967_296));
    assert_eq!(scalar("0.3").as_f64(), Some(0.3));
    assert_eq!(scalar(r#""12.5""#).as_f64(), Some(12.5));
    for text in [r#""NaN""#, r#""inf""#, "true", "{}"] {
        assert_eq!(scalar(text).as_f64(), None);
    }
}

#[test]
fn text_without_escapes_is_borrowed() {
    assert!(matches!(scalar(r#""plain é""#), Scalar::Text(Cow::Borrowed(_))));
}

#[test]
fn the_last_of_two_keys_counts_and_others_are_skipped() {
    let text = r#"{"id":1,"deep":{"id":[[{}]]},"id":{},"inner":3,"inner":{"text":"x"},"id":2,"\u0069d":9}"#;
    let Object(Some(sample)) = serde_json::from_str::<Object<Sample<'_>>>(text).unwrap() else {
        panic!("an object was read");
    };
    assert_eq!(sample.id.as_i64(), Some(2));
    assert_eq!(sample.inner.0.unwrap().text.as_str(), Some("x"));
}

#[test]
fn what_is_no_object_reads_as_none() {
    for text in ["1", "-1", "1.5", "true", "null", r#""a""#, "[1,[2]]"] {
        let read: Object<Sample<'_>> = serde_json::from_str(text).unwrap();
        assert_eq!(read, Object(None), "{text}");
    }
}

#[test]
fn depth_does_not_exhaust_the_stack() {
    let deep = format!(r#"{{"id":{}1{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    // Both a key of interest and one that is not: skipping needs no stack.
    for text in [&deep, &deep.replace("id", "no")] {
        let read = serde_json::from_str::<Object<Sample<'_>>>(text).unwrap();
        assert_eq!(read.0.unwrap(), Sample::default());
    }
}

#[test]
fn lone_surrogates_and_bad_bytes_are_repaired() {
    for (text, expected) in [
        (&br"a\ud83d"[..], Some(&br"a\ufffd"[..])),
        (br"\ude00b", Some(br"\ufffdb")),
        (br"\ud83d\ud83d\ude00", Some(br"\ufffd\ud83d\ude00")),
        (br"\uD83D\n", Some(br"\ufffd\n")),
        (br"\ud83d\ude00", None),
        (br"\\ud83d", None),
        (br"\\\ud83d", Some(br"\\\ufffd")),
        (br"\u00e9", None),
        (br"\ud8", None),
        (b"\\", None),
        (b"", None),
        (b"a\xffb", Some("a\u{fffd}b".as_bytes())),
    ] {
        assert_eq!(repaired(text).as_deref(), expected, "{text:?}");
    }
}

#[test]
fn a_repaired_text_is_read() {
    let owned = |text: &[u8]| from_slice::<Scalar<'_>>(text).map(|s| s.as_str().map(str::to_owned));
    assert_eq!(read(br#""\ud83d!""#, owned).unwrap().as_deref(), Some("\u{fffd}!"));
    assert!(read(b"\"never ended", owned).is_err());
    assert!(read(br#""\ud83d never ended"#, owned).is_err());
}
