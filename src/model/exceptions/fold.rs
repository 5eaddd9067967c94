//! What messages that differ in numbers, ids and addresses have in common.
//!
//! Invariant: pure, in one pass; what is folded is folded again to the same.

/// Stands for what differs.
const ANY: char = '*';
/// Letters and digits of at least this length that are all hexadecimal are an id.
const HEX_MIN: usize = 8;
/// Mixed letters and digits of at least this length, with so many digits, are an id.
const MIXED_MIN: (usize, usize) = (12, 3);

/// The message with `*` for numbers, UUIDs and other ids, and addresses.
///
/// ```
/// use pm2_tui::model::exceptions::fold;
/// assert_eq!(fold("connect ECONNREFUSED 127.0.0.1:5432"), "connect ECONNREFUSED *");
/// assert_eq!(fold("user 4711 not found in 12ms"), "user * not found in *ms");
/// ```
#[must_use]
pub fn fold(message: &str) -> String {
    let mut folded = String::with_capacity(message.len());
    let mut rest = message;
    while let Some(first) = rest.chars().next() {
        let is_start = !folded.ends_with(|c: char| c.is_alphanumeric());
        if is_start && let Some(length) = address(rest) {
            push_any(&mut folded);
            rest = rest.get(length..).unwrap_or_default();
        } else if first.is_ascii_alphanumeric() {
            let length = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
            let (word, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
            fold_word(word, &mut folded);
            rest = after;
        } else {
            folded.push(first);
            rest = rest.get(first.len_utf8()..).unwrap_or_default();
        }
    }
    folded
}

/// Adds a `*`; several with only dots, colons or dashes between are one.
fn push_any(folded: &mut String) {
    let before = folded.trim_end_matches(['.', ':', '-', ',']);
    if before.ends_with(ANY) {
        folded.truncate(before.len());
    } else {
        folded.push(ANY);
    }
}

/// Adds letters and digits.
fn fold_word(word: &str, folded: &mut String) {
    let digits = word.chars().filter(char::is_ascii_digit).count();
    let length = word.len();
    let hex = word.strip_prefix("0x").unwrap_or(word);
    let is_hex = digits > 0 && hex.chars().all(|c| c.is_ascii_hexdigit());
    let is_id = is_hex && (length >= HEX_MIN || hex.len() < length)
        || length >= MIXED_MIN.0 && digits >= MIXED_MIN.1;
    if digits == length || is_id {
        push_any(folded);
    } else if word.starts_with(|c: char| c.is_ascii_digit()) {
        // `12ms`, `28T03`: the letters are the unit.
        let mut is_in_number = false;
        for c in word.chars() {
            match (c.is_ascii_digit(), is_in_number) {
                (false, _) => folded.push(c),
                (true, false) => push_any(folded),
                (true, true) => {}
            }
            is_in_number = c.is_ascii_digit();
        }
    } else {
        // `utf8`, `ERR_HTTP2`: a name.
        folded.push_str(word);
    }
}

/// How long the UUID or IPv6 address is that the text begins with.
fn address(text: &str) -> Option<usize> {
    let length = text.find(|c: char| !(c.is_ascii_hexdigit() || matches!(c, ':' | '-' | '.')));
    let run = text.get(..length.unwrap_or(text.len()))?;
    let whole = run.trim_end_matches([':', '-', '.']);
    if is_uuid(whole) {
        return Some(whole.len());
    }
    let run = run.split('-').next().unwrap_or(run).trim_end_matches('.');
    // What goes on with a letter is a word: `dead::beef`, `a:b:cxx`.
    let ends = text.get(run.len()..)?.chars().next().is_none_or(|c| !c.is_alphanumeric());
    let run =
        if run.ends_with(':') && !run.ends_with("::") { run.trim_end_matches(':') } else { run };
    let colons = run.matches(':').count();
    let is_address = ends && colons >= 2 && run.contains(|c: char| c.is_ascii_digit());
    is_address.then_some(run.len())
}

fn is_uuid(run: &str) -> bool {
    let parts: Vec<usize> = run.split('-').map(str::len).collect();
    parts == [8, 4, 4, 4, 12] && !run.contains([':', '.'])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_ids_and_addresses_are_folded() {
        let table = [
            ("TypeError: x is not a function", "TypeError: x is not a function"),
            ("user 4711 not found", "user * not found"),
            ("order_17 of user-3: 12.50 EUR", "order_* of user-*: * EUR"),
            (
                "listen EADDRINUSE: address already in use :::3000",
                "listen EADDRINUSE: address already in use *",
            ),
            ("bind EADDRINUSE null:34567", "bind EADDRINUSE null:*"),
            ("connect ECONNREFUSED 10.0.0.7:5432", "connect ECONNREFUSED *"),
            ("connect ECONNREFUSED ::1:5432", "connect ECONNREFUSED *"),
            ("connect EHOSTUNREACH fe80::1%eth0", "connect EHOSTUNREACH *%eth0"),
            ("no 550e8400-e29b-41d4-a716-446655440000.", "no *."),
            ("no 507f1f77bcf86cd799439011", "no *"),
            ("no 01ARZ3NDEKTSV4RRFFQ69G5FAV here", "no * here"),
            ("segfault at 0x7f1d", "segfault at *"),
            ("at 2026-11-28T03:12:00.123Z", "at *T*Z"),
            ("timeout of 5000ms exceeded", "timeout of *ms exceeded"),
            ("ERR_HTTP2_STREAM in utf8, sha256", "ERR_HTTP2_STREAM in utf8, sha256"),
            ("std::vector dead::beef", "std::vector dead::beef"),
            ("größe 7 漢字 8", "größe * 漢字 *"),
            ("", ""),
        ];
        for (message, folded) in table {
            assert_eq!(fold(message), folded, "{message}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_folded_once(text in ".{0,80}") {
            let folded = fold(&text);
            prop_assert_eq!(fold(&folded), folded);
        }
    }
}
