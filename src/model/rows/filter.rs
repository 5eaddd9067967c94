//! Which rows are wanted, as it is typed: `api !jobs`, `status:errored or restarts>0`, `mem>300M`.
//!
//! Invariant: what was read can be asked of any process; what was not measured is neither more nor
//! less than a number.

use super::super::state_word::{self, in_columns};
use super::lexer::{Kind, Piece, Word, Wrong, pieces};
use crate::model::fleet::Process;

/// The most parentheses in each other.
const DEPTH_MAX: usize = 32;

/// A filter, and how it was typed.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter {
    text: Box<str>,
    test: Test,
}

/// What is asked of a process.
#[derive(Debug, Clone, PartialEq)]
enum Test {
    All(Vec<Self>),
    Any(Vec<Self>),
    Not(Box<Self>),
    /// Name, namespace or status has it, or it is the id.
    Word(Box<str>),
    Name(Box<str>),
    Namespace(Box<str>),
    Status(Box<str>),
    Mode(Box<str>),
    User(Box<str>),
    /// The label or the home of its daemon has it.
    Host(Box<str>),
    Id(u32),
    Number(Measure, Comparison, f64),
}

/// What can be compared with a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Measure {
    Cpu,
    Memory,
    /// Memory as a share of the limit that PM2 restarts the process at, percent.
    OfLimit,
    Restarts,
    Unstable,
}

/// How.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    More,
    Less,
    AtLeast,
    AtMost,
    Equal,
}

impl Filter {
    /// Reads a filter; `None` where nothing is asked.
    ///
    /// # Errors
    /// All that is wrong, and where.
    pub fn parse(text: &str) -> Result<Option<Self>, Wrong> {
        Self::parse_among(text, &|_| false)
    }

    /// The same among processes of which some are perhaps called so: a name may hold a colon, so
    /// `app:web`, where there is no field `app`, is a word if it is in a name.
    ///
    /// # Errors
    /// All that is wrong, and where.
    pub fn parse_among(
        text: &str,
        is_in_a_name: &dyn Fn(&str) -> bool,
    ) -> Result<Option<Self>, Wrong> {
        let pieces = pieces(text)?;
        if pieces.is_empty() {
            return Ok(None);
        }
        let end = text.trim_end().chars().count();
        let mut tokens = Reader { pieces: &pieces, end, depth: 0, is_in_a_name, wrong: Vec::new() };
        let root = tokens.any();
        let mut wrong = std::mem::take(&mut tokens.wrong);
        match (root, tokens.pieces.first()) {
            (Ok(root), None) if wrong.is_empty() => {
                return Ok(Some(Self { text: text.trim().into(), test: root }));
            }
            (Ok(_), None) => {}
            (Ok(_), Some(piece)) => wrong.push(Wrong::new(piece.at, "no parenthesis is open here")),
            (Err(broken), _) => wrong.push(broken),
        }
        wrong.sort_by_key(|wrong| wrong.at);
        let also = wrong.split_off(1.min(wrong.len()));
        let first = wrong.pop().unwrap_or_else(|| Wrong::new(end, "it cannot be read"));
        Err(Wrong { also, ..first })
    }

    /// Whether a word is in the name or the namespace of a process, for [`Filter::parse_among`].
    #[must_use]
    pub fn is_in_a_name<'a>(mut processes: impl Iterator<Item = &'a Process>, word: &str) -> bool {
        processes.any(|process| {
            let info = &process.info;
            has(&info.name, word)
                || info.namespace.as_deref().is_some_and(|namespace| has(namespace, word))
        })
    }

    /// As it was typed.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The word for a status in it that no process can have.
    pub(crate) fn no_status(&self) -> Option<&str> {
        self.test.no_status()
    }

    /// Its words for a status, a mode or a namespace, and whether a process has them.
    pub(super) fn fields(&self) -> Vec<Field<'_>> {
        let mut found = Vec::new();
        self.test.fields(&mut found);
        found
    }

    /// Whether it lets a process through.
    #[must_use]
    pub fn takes(&self, process: &Process) -> bool {
        self.test.takes(process)
    }
}

struct Reader<'a> {
    pieces: &'a [Piece],
    /// Where the text ends, characters.
    end: usize,
    depth: usize,
    is_in_a_name: &'a dyn Fn(&str) -> bool,
    /// What is wrong with words; what is read after that is only looked through.
    wrong: Vec<Wrong>,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Option<&'a Piece> {
        let (first, rest) = self.pieces.split_first()?;
        self.pieces = rest;
        Some(first)
    }

    fn next_is(&mut self, kind: &Kind) -> bool {
        let is_it = self.pieces.first().is_some_and(|piece| piece.kind == *kind);
        if is_it {
            self.next();
        }
        is_it
    }

    fn any(&mut self) -> Result<Test, Wrong> {
        let mut tests = vec![self.all()?];
        while self.next_is(&Kind::Or) {
            tests.push(self.all()?);
        }
        Ok(one_or(tests, Test::Any))
    }

    fn all(&mut self) -> Result<Test, Wrong> {
        let mut tests = vec![self.one()?];
        loop {
            let is_and = self.next_is(&Kind::And);
            let goes_on = self
                .pieces
                .first()
                .is_some_and(|piece| !matches!(piece.kind, Kind::Or | Kind::Close));
            if !goes_on && !is_and {
                return Ok(one_or(tests, Test::All));
            }
            tests.push(self.one()?);
        }
    }

    fn one(&mut self) -> Result<Test, Wrong> {
        let mut is_not = false;
        while self.next_is(&Kind::Not) {
            is_not = !is_not;
        }
        let test = match self.next() {
            Some(Piece { at, kind: Kind::Open }) => {
                self.depth += 1;
                if self.depth > DEPTH_MAX {
                    return Err(Wrong::new(*at, "parentheses are nested too deeply"));
                }
                let test = self.any()?;
                if !self.next_is(&Kind::Close) {
                    return Err(Wrong::new(*at, "this parenthesis is not closed"));
                }
                self.depth -= 1;
                test
            }
            Some(Piece { at, kind: Kind::Word(word) }) => test(*at, word, self.is_in_a_name)
                .unwrap_or_else(|wrong| {
                    self.wrong.push(wrong);
                    Test::All(Vec::new())
                }),
            Some(Piece { at, .. }) => return Err(Wrong::new(*at, "a word is missing before this")),
            None => return Err(Wrong::new(self.end, "a word is missing here")),
        };
        Ok(if is_not { Test::Not(Box::new(test)) } else { test })
    }
}

fn one_or(mut tests: Vec<Test>, many: impl Fn(Vec<Test>) -> Test) -> Test {
    match tests.pop() {
        Some(only) if tests.is_empty() => only,
        last => {
            tests.extend(last);
            many(tests)
        }
    }
}

/// What a word asks.
fn test(at: usize, word: &Word, is_in_a_name: &dyn Fn(&str) -> bool) -> Result<Test, Wrong> {
    let text = &*word.text;
    let sign =
        text.char_indices().enumerate().find(|(_, (_, c))| matches!(c, ':' | '<' | '>' | '='));
    let Some((place, (byte, sign))) = sign.filter(|(place, _)| *place < word.plain) else {
        return Ok(Test::Word(text.into()));
    };
    let (field, rest) = text.split_at(byte);
    let value = rest.get(1..).unwrap_or_default();
    if field.is_empty() {
        return Err(Wrong::new(at, format!("a field is missing before {sign}")));
    }
    let value_at = at + place + 1;
    if let Some(measure) = measure(field) {
        return number(value_at, measure, sign, value);
    }
    let make: fn(Box<str>) -> Test = match field {
        "name" => Test::Name,
        "ns" | "namespace" => Test::Namespace,
        "status" => Test::Status,
        "mode" => Test::Mode,
        "user" => Test::User,
        "host" => Test::Host,
        "id" => |_| Test::Id(0),
        _ if is_in_a_name(text) => return Ok(Test::Word(text.into())),
        _ => {
            let what = format!(
                "no field {field}: name, ns, status, mode, user, host, id, cpu, mem, restarts, unstable \
                 (a word with {sign} goes in \"quotes\")"
            );
            return Err(Wrong::new(at, what));
        }
    };
    if !matches!(sign, ':' | '=') {
        return Err(Wrong::new(value_at - 1, format!("{field} is not a number: use {field}:..")));
    }
    if value.is_empty() {
        return Err(Wrong::new(value_at, format!("a value for {field} is missing")));
    }
    if field == "id" {
        let id = value.parse().map_err(|_| Wrong::new(value_at, "an id is a number"))?;
        return Ok(Test::Id(id));
    }
    Ok(make(value.into()))
}

fn measure(field: &str) -> Option<Measure> {
    Some(match field {
        "cpu" => Measure::Cpu,
        "mem" | "memory" => Measure::Memory,
        "restarts" => Measure::Restarts,
        "unstable" => Measure::Unstable,
        _ => return None,
    })
}

/// A comparison with a number that stands at a character.
fn number(at: usize, measure: Measure, sign: char, value: &str) -> Result<Test, Wrong> {
    let (value, is_or_equal) = match value.strip_prefix('=') {
        Some(rest) if matches!(sign, '<' | '>') => (rest, true),
        _ => (value, false),
    };
    let comparison = match (sign, is_or_equal) {
        ('>', false) => Comparison::More,
        ('>', true) => Comparison::AtLeast,
        ('<', false) => Comparison::Less,
        ('<', true) => Comparison::AtMost,
        _ => Comparison::Equal,
    };
    let end = value.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(value.len());
    let (digits, unit) = value.split_at(end);
    let at = at + usize::from(is_or_equal);
    let number: f64 = digits.parse().map_err(|_| Wrong::new(at, "a number is missing here"))?;
    let measure =
        if (measure, unit) == (Measure::Memory, "%") { Measure::OfLimit } else { measure };
    let factor = match (measure, unit) {
        (Measure::OfLimit, _) | (_, "") | (Measure::Cpu, "%") | (Measure::Memory, "b") => 1_u64,
        (Measure::Memory, "k" | "kb" | "kib") => 1 << 10,
        (Measure::Memory, "m" | "mb" | "mib") => 1 << 20,
        (Measure::Memory, "g" | "gb" | "gib") => 1 << 30,
        _ => {
            let units = match measure {
                Measure::Memory | Measure::OfLimit => "K, M, G or % of the limit",
                Measure::Cpu => "% or no unit",
                Measure::Restarts | Measure::Unstable => "no unit",
            };
            return Err(Wrong::new(at + end, format!("a number here has {units}")));
        }
    };
    Ok(Test::Number(measure, comparison, number * factor as f64))
}

/// The name of a field, a word that it is to have, and whether a process has it there.
pub(super) type Field<'f> = (&'static str, &'f str, Box<dyn Fn(&Process) -> bool + 'f>);

impl Test {
    fn fields<'f>(&'f self, found: &mut Vec<Field<'f>>) {
        let (name, word) = match self {
            Self::All(tests) | Self::Any(tests) => {
                for test in tests {
                    test.fields(found);
                }
                return;
            }
            Self::Namespace(word) => ("namespace", word),
            Self::Status(word) => ("status", word),
            Self::Mode(word) => ("mode", word),
            // What is not to be may be missing.
            _ => return,
        };
        found.push((name, word, Box::new(|process| self.takes(process))));
    }

    fn takes(&self, process: &Process) -> bool {
        let info = &process.info;
        match self {
            Self::All(tests) => tests.iter().all(|test| test.takes(process)),
            Self::Any(tests) => tests.iter().any(|test| test.takes(process)),
            Self::Not(test) => !test.takes(process),
            Self::Word(word) => {
                has(&info.name, word)
                    || info.namespace.as_deref().is_some_and(|namespace| has(namespace, word))
                    || has_status(process, word)
                    || word.parse() == Ok(info.pm_id.0)
            }
            Self::Name(word) => has(&info.name, word),
            Self::Namespace(word) => {
                info.namespace.as_deref().is_some_and(|namespace| has(namespace, word))
            }
            Self::Status(word) => has_status(process, word),
            Self::Mode(word) => has(info.exec_mode.as_str(), word),
            Self::User(word) => info.setup.user.as_deref().is_some_and(|user| has(user, word)),
            Self::Host(word) => process.tag.place.as_deref().is_some_and(|place| has(place, word)),
            Self::Id(id) => info.pm_id.0 == *id,
            Self::Number(measure, comparison, number) => {
                let value = match measure {
                    Measure::Cpu => process.figures.cpu_percent(),
                    Measure::Memory => process.figures.memory_bytes().map(|bytes| bytes as f64),
                    Measure::OfLimit => of_limit(process),
                    Measure::Restarts => Some(f64::from(info.restarts)),
                    Measure::Unstable => Some(f64::from(info.unstable_restarts)),
                };
                value.is_some_and(|value| match comparison {
                    Comparison::More => value > *number,
                    Comparison::Less => value < *number,
                    Comparison::AtLeast => value >= *number,
                    Comparison::AtMost => value <= *number,
                    Comparison::Equal => (value - *number).abs() < 1e-9,
                })
            }
        }
    }
}

/// The memory of a process as a share of its limit, percent.
fn of_limit(process: &Process) -> Option<f64> {
    let limit = process.info.memory_limit_bytes.filter(|limit| *limit > 0)?;
    Some(process.figures.memory_bytes()? as f64 * 100.0 / limit as f64)
}

/// Whether a text has a word that is in small letters.
fn has(text: &str, word: &str) -> bool {
    text.contains(word) || text.to_lowercase().contains(word)
}

/// The words for a status that a process can have: those of PM2 first, then what the rows say beside them.
pub(crate) const STATUS_WORDS: [&str; 11] = [
    "online",
    "launching",
    "stopping",
    "stopped",
    "errored",
    "waiting restart",
    "one-launch-status",
    "restarting",
    "looping",
    "given up",
    "never started",
];

impl Test {
    /// The word of a status that none has, if there is one.
    fn no_status(&self) -> Option<&str> {
        match self {
            Self::All(tests) | Self::Any(tests) => tests.iter().find_map(Self::no_status),
            Self::Not(test) => test.no_status(),
            Self::Status(word) => {
                // Two words stand beside each other: `online, looping`.
                let mut parts = word.split(',').map(str::trim);
                let is_known =
                    parts.all(|part| STATUS_WORDS.iter().any(|status| status.contains(part)));
                (!is_known).then_some(word)
            }
            _ => None,
        }
    }
}

/// Whether what is shown of its status has it, in a row of the screen or by `ls`.
fn has_status(process: &Process, word: &str) -> bool {
    if process.never_started() {
        return has("never started", word);
    }
    has(&in_columns(process, usize::MAX), word) || has(&state_word::of(process), word)
}
