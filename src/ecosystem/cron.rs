//! Whether the daemon would take a cron pattern.
//!
//! Invariant: what [`check`] accepts, croner 4.1.97 (the parser in PM2 5 to 7) accepts too; a
//! pattern that it refuses would kill the God daemon. A few patterns are refused that croner reads
//! in a way nobody means, such as an empty entry of a list.

/// The six fields, with the least and the greatest number of each and its words.
const FIELDS: [(&str, u32, u32, &[&str]); 6] = [
    ("seconds", 0, 59, &[]),
    ("minutes", 0, 59, &[]),
    ("hours", 0, 23, &[]),
    ("days", 1, 31, &[]),
    (
        "months",
        1,
        12,
        &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
    ),
    ("days of the week", 0, 7, &["sun", "mon", "tue", "wed", "thu", "fri", "sat"]),
];

/// Checks a pattern of five fields, or six with seconds first.
///
/// # Errors
/// What is wrong with it.
pub(super) fn check(pattern: &str) -> Result<(), String> {
    let mut parts: Vec<&str> = pattern.split_whitespace().collect();
    match parts.len() {
        5 => parts.insert(0, "0"),
        6 => {}
        count => {
            return Err(format!("a cron pattern has 5 or 6 fields, and {pattern:?} has {count}"));
        }
    }
    parts.into_iter().zip(FIELDS).try_for_each(|(part, (field, least, greatest, words))| {
        check_field(part, field, least, greatest, words)
            .ok_or_else(|| format!("{part:?} is not understood for the {field} of {pattern:?}"))
    })
}

fn check_field(part: &str, field: &str, least: u32, greatest: u32, words: &[&str]) -> Option<()> {
    if field == "days" && part.eq_ignore_ascii_case("l") {
        return Some(());
    }
    let mut part = part.to_ascii_lowercase().replacen('?', &least.to_string(), 1);
    for (word, number) in words.iter().zip(least..) {
        part = part.replace(word, &number.to_string());
    }
    let entries: Vec<&str> = part.split(',').collect();
    let number = |text: &str| -> Option<u32> {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let number: u32 = digits.then(|| text.parse().ok())??;
        (least..=greatest).contains(&number).then_some(number)
    };
    for entry in &entries {
        // Croner wants ranges and steps to be the whole field.
        if *entry != "*" && entries.len() > 1 && entry.contains(['-', '/']) {
            return None;
        }
        let (range, step) = match entry.split_once('/') {
            Some((range, step)) => (range, Some(step)),
            None => (*entry, None),
        };
        if let Some(step) = step {
            let digits = step.bytes().all(|byte| byte.is_ascii_digit());
            let step: u32 = digits.then(|| step.parse().ok())??;
            // Croner's limit: how many numbers the field has (week days count 0 to 7).
            if step == 0 || step > greatest - least + 1 {
                return None;
            }
        }
        match range.split_once('-') {
            Some((low, high)) if number(low)? > number(high)? => return None,
            Some(_) => {}
            None if range == "*" => {}
            None => {
                number(range)?;
            }
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_taken_as_croner_takes_them() {
        for good in [
            "* * * * *",
            "0 0 * * *",
            "*/5 * * * * *",
            "0 9-17 * * mon-fri",
            "0 0 L * *",
            "0 0 1,15 jan,JUL *",
            "10-40/5 * * * *",
            "? * * * *",
            "0 0 * * 7",
            "  0   0 * *  sun ",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "never",
            "* * * *",
            "* * * * * * *",
            "60 * * * *",
            "* 24 * * *",
            "* * 0 * *",
            "* * * 13 *",
            "* * * * 8",
            "*/0 * * * *",
            "*/61 * * * *",
            "5-1 * * * *",
            "1,2-4 * * * *",
            "1, * * * *",
            "a * * * *",
            "1-2-3 * * * *",
            "1/2/3 * * * *",
            "@daily",
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
        let reason = check("0 25 * * *").unwrap_err();
        assert_eq!(reason, "\"25\" is not understood for the hours of \"0 25 * * *\"");
    }
}
