//! Which topics a subscription wants.
//!
//! Invariant: matching takes time in proportion to pattern and topic, whatever both are.

/// The most patterns of one subscription.
pub(crate) const PATTERNS_MAX: usize = 100;
/// The longest pattern, characters.
pub(super) const PATTERN_CHARS_MAX: usize = 1000;

/// Why patterns cannot be subscribed to.
///
/// ```no_run
/// # async fn example(endpoint: pm2_tui::client::Endpoint) {
/// use pm2_tui::client::{Bus, PatternError};
///
/// assert_eq!(Bus::subscribe(&endpoint, &[""]).err(), Some(PatternError::Empty));
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// An empty pattern fits nothing.
    #[error("an empty pattern fits no topic: name one, or * for all")]
    Empty,
    /// A pattern is too long.
    #[error("a pattern of {chars} characters is over the limit of {PATTERN_CHARS_MAX}")]
    TooLong {
        /// Its length.
        chars: usize,
    },
    /// There are too many.
    #[error("{count} patterns are over the limit of {PATTERNS_MAX}")]
    TooMany {
        /// How many there are.
        count: usize,
    },
}

/// Patterns as axon has them: `*` stands for one or more characters, anywhere (`lib/sockets/sub.js`
/// makes it `(.+)`); all else stands for itself.
#[derive(Debug, Clone)]
pub(crate) struct Patterns {
    /// Each cut at its `*`; none for every topic.
    cut: Vec<Vec<Box<str>>>,
}

impl Patterns {
    pub(crate) fn new(patterns: &[&str]) -> Result<Self, PatternError> {
        if patterns.len() > PATTERNS_MAX {
            return Err(PatternError::TooMany { count: patterns.len() });
        }
        let mut cut = Vec::with_capacity(patterns.len());
        for pattern in patterns {
            let chars = pattern.chars().count();
            match chars {
                0 => return Err(PatternError::Empty),
                1..=PATTERN_CHARS_MAX => cut.push(pattern.split('*').map(Box::from).collect()),
                _ => return Err(PatternError::TooLong { chars }),
            }
        }
        Ok(Self { cut })
    }

    pub(crate) fn fit(&self, topic: &str) -> bool {
        self.cut.is_empty() || self.cut.iter().any(|pieces| fits(pieces, topic))
    }
}

fn fits(pieces: &[Box<str>], topic: &str) -> bool {
    let Some((first, rest)) = pieces.split_first() else {
        return false;
    };
    let Some(mut left) = topic.strip_prefix(&**first) else {
        return false;
    };
    let Some((last, middle)) = rest.split_last() else {
        return left.is_empty();
    };
    for piece in middle {
        // At least one character for the `*` before; the earliest place leaves most for the rest.
        let Some(found) = after_one(left).and_then(|text| text.split_once(&**piece)) else {
            return false;
        };
        left = found.1;
    }
    after_one(left).is_some_and(|text| text.ends_with(&**last))
}

/// A text without its first character.
fn after_one(text: &str) -> Option<&str> {
    let mut chars = text.chars();
    chars.next().map(|_| chars.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit(pattern: &str, topic: &str) -> bool {
        Patterns::new(&[pattern]).unwrap().fit(topic)
    }

    #[test]
    fn a_star_stands_for_one_or_more_characters_anywhere() {
        for (pattern, topic) in [
            ("*", "x"),
            ("process:*", "process:event"),
            ("*:exception", "process:exception"),
            ("a*c*e", "abcde"),
            ("a*c*e", "abccde"),
            ("log:out", "log:out"),
            ("**", "ab"),
            ("a.c", "a.c"),
            ("*é*", "éée"),
        ] {
            assert!(fit(pattern, topic), "{pattern} {topic}");
        }
        for (pattern, topic) in [
            ("*", ""),
            ("process:*", "process:"),
            ("process:*", "processes:x"),
            ("log:out", "log:out2"),
            ("log:out", "log:ou"),
            ("a*c*e", "ace"),
            ("a*a", "a"),
            ("a*a", "aa"),
            ("**", "a"),
            ("a.c", "abc"),
        ] {
            assert!(!fit(pattern, topic), "{pattern} {topic}");
        }
        assert!(Patterns::new(&[]).unwrap().fit("anything"));
    }

    #[test]
    fn what_can_never_fit_is_an_error() {
        assert_eq!(Patterns::new(&["a", ""]).err(), Some(PatternError::Empty));
        let long = "x".repeat(PATTERN_CHARS_MAX + 1);
        assert!(matches!(Patterns::new(&[&long]), Err(PatternError::TooLong { .. })));
        assert!(matches!(Patterns::new(&["a"; 101]), Err(PatternError::TooMany { count: 101 })));
    }
}
