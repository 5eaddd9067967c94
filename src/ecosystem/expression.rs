//! Regular expressions in a config: PM2 hands them to its daemon as JSON, where nothing is left of
//! them.
//!
//! Invariant: what `evaluate.js` wrote for one, `{"RegExp": "/x/"}`, goes no further than the check of
//! the app that has it.

use serde_json::{Map, Value as Json};

/// The only key of what stands for a regular expression.
const MARK: &str = "RegExp";

fn source(value: &Map<String, Json>) -> Option<&str> {
    let found = value.get(MARK)?.as_str()?;
    (value.len() == 1 && found.starts_with('/')).then_some(found)
}

/// The first regular expression within a value, as it was written.
pub(super) fn find(value: &Json) -> Option<&str> {
    match value {
        Json::Object(entries) => source(entries).or_else(|| entries.values().find_map(find)),
        Json::Array(items) => items.iter().find_map(find),
        _ => None,
    }
}

/// Puts `{}` in place of each, as JavaScript writes it.
pub(super) fn forget(value: &mut Json) {
    match value {
        Json::Object(entries) if source(entries).is_some() => entries.clear(),
        Json::Object(entries) => entries.values_mut().for_each(forget),
        Json::Array(items) => items.iter_mut().for_each(forget),
        _ => {}
    }
}

/// Why one is refused, and what to write instead.
pub(super) fn reason(found: &str) -> String {
    let is_plain = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '-');
    let inner = found.strip_prefix('/').and_then(|it| it.strip_suffix('/')).unwrap_or_default();
    let instead = match inner {
        "" => "\"**/*.log\"".to_owned(),
        name if name.chars().all(is_plain) => format!("\"{name}\" or \"**/{name}/**\""),
        _ => "\"**/*.log\"".to_owned(),
    };
    format!(
        "the regular expression {found} does not reach the daemon, which gets an empty object; write \
         a path or pattern as text instead: {instead}"
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn one_is_found_and_forgotten_wherever_it_is() {
        let mut value = json!({"a": [1, {"b": {"RegExp": "/x/i"}}], "RegExp": "/y/"});
        assert_eq!(find(&value), Some("/x/i"));
        forget(&mut value);
        assert_eq!(value, json!({"a": [1, {"b": {}}], "RegExp": "/y/"}));
        assert_eq!(find(&value), None);
        assert_eq!(find(&json!({"RegExp": "text"})), None);
    }

    #[test]
    fn the_way_out_is_named() {
        assert!(reason("/node_modules/").ends_with("\"node_modules\" or \"**/node_modules/**\""));
        assert!(reason("/\\.log$/i").ends_with("as text instead: \"**/*.log\""));
    }
}
