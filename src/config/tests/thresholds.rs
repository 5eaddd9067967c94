//! `[[watch]]`: thresholds that cannot be meant.

use super::{sections, wrong};

#[test]
fn a_threshold_that_never_or_always_counts_is_found() {
    let watch = |when: &str, hold: &str| wrong(&format!("[[watch]]\nwhen = {when:?}\n{hold}\n"));
    let found = watch("api status:onlin!", "");
    assert!(found[0].starts_with("2: when: no status is called `onlin!`: online, "), "{found:?}");
    assert!(watch("!status:errord", "")[0].ends_with("did you mean `errored`?"));
    for status in ["online", "restart", "\"waiting restart\"", "\"online, looping\"", "err"] {
        assert_eq!(watch(&format!("status:{status}"), ""), Vec::<String>::new(), "{status}");
    }
    let zero = "3: for: 0s is no time: without `for` it counts at once";
    assert_eq!(watch("cpu>90", "for = \"0s\""), [zero]);
    let (config, _) = sections::read("[[watch]]\nwhen = \"cpu>90\"\nfor = \"0s\"\n");
    assert_eq!(config.settings.watches.len(), 1, "it counts all the same");
}
