//! The rows of the details: pure functions that `update` scrolls by and `view` draws.

use unicode_width::UnicodeWidthStr;

use super::Sheet;
use crate::app::geometry::wrap;
use crate::model::details::{Entry, Section, Tone};
use crate::model::system::{Family, Listener, Listens, Member};
use crate::model::units;
use crate::protocol::layout;
use crate::protocol::text::clean;

/// From so many columns on, the overview has two columns.
const COLUMNS_TWO: u16 = 110;
/// Blanks between them.
pub const GAP: u16 = 3;
/// The widest column of labels.
const LABEL_MAX: usize = 26;
/// The most lines of raw JSON.
const RAW_MAX: usize = 20_000;
/// A line of it is cut after so many characters.
const RAW_CHARS_MAX: usize = 4_000;

/// A row of the overview.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// What it is.
    pub kind: Kind,
    /// Its label; of a heading, the heading.
    pub label: String,
    /// What it says.
    pub text: String,
}

/// What a row of the overview is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Nothing.
    Blank,
    /// The heading of a section.
    Heading,
    /// A fact.
    Fact(Tone),
}

/// A column of the overview.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Column {
    /// Columns of its labels.
    pub labels: u16,
    /// Its rows.
    pub rows: Vec<Row>,
}

/// Facts that belong together, under a heading.
struct Block {
    title: String,
    facts: Vec<Fact>,
}

/// One of them.
struct Fact {
    label: String,
    text: String,
    tone: Tone,
    /// Whether it has one row only: what is too long is cut.
    is_cut: bool,
}

/// The overview in a room of so many columns: one column of rows, or two where they fit.
#[must_use]
pub fn overview(sheet: &Sheet, columns: u16) -> Vec<Column> {
    let examined = sheet.examined.as_ref();
    let sections = examined.map_or(&sheet.known, |examined| &examined.details.sections);
    let mut blocks: Vec<Block> = sections.iter().map(of_section).collect();
    if let Some(family) = examined.and_then(|examined| examined.exam.family.as_ref()) {
        blocks.push(of_members(family));
        blocks.extend(of_listens(family));
    }
    if columns < COLUMNS_TWO {
        return vec![column(&blocks, columns)];
    }
    let half = columns.saturating_sub(GAP) / 2;
    let rows_of = |blocks: &[Block]| column(blocks, half).rows.len();
    let uneven = |at: &usize| {
        let (left, right) = blocks.split_at_checked(*at).unwrap_or((&blocks, &[]));
        rows_of(left).max(rows_of(right))
    };
    let split = (0..=blocks.len()).min_by_key(uneven).unwrap_or(0);
    let (left, right) = blocks.split_at_checked(split).unwrap_or((&blocks, &[]));
    vec![column(left, half), column(right, half)]
}

fn of_section(section: &Section) -> Block {
    let fact = |entry: &Entry| Fact {
        label: entry.label.to_owned(),
        text: entry.text.clone(),
        tone: entry.tone,
        is_cut: false,
    };
    Block { title: section.title.to_owned(), facts: section.entries.iter().map(fact).collect() }
}

/// The process and its descendants: the system's id, memory and command line of each.
fn of_members(family: &Family) -> Block {
    let total = family.members.iter().map(|member| member.memory_bytes).sum();
    let title = match family.members.len() {
        0 | 1 => "Processes".to_owned(),
        count => format!("Processes, {} of them: {}", count + family.more, units::bytes(total)),
    };
    let fact = |member: &Member| {
        let indent = usize::from(member.depth.min(12)) * 2;
        let memory = units::bytes(member.memory_bytes);
        Fact {
            label: member.pid.to_string(),
            text: format!("{memory:>10}  {:indent$}{}", "", member.command),
            tone: Tone::Plain,
            is_cut: true,
        }
    };
    let mut facts: Vec<Fact> = family.members.iter().map(fact).collect();
    if family.more > 0 {
        let text = format!("and {} more", family.more);
        facts.push(Fact { label: String::new(), text, tone: Tone::Faint, is_cut: false });
    }
    Block { title, facts }
}

/// Where they listen; nothing where they do not.
fn of_listens(family: &Family) -> Option<Block> {
    let first = family.members.first().map(|member| member.pid);
    let fact = |listens: &Listens| {
        let by = match listens.by {
            Listener::Own(pid) if Some(pid) == first => String::new(),
            Listener::Own(pid) => format!(", by {pid}"),
            Listener::Daemon => ", PM2 listens for the cluster".to_owned(),
            Listener::SomeCluster => ", PM2 listens, for one of its clusters".to_owned(),
        };
        let is_inspector = listens.address.ends_with(":9229");
        let inspector = if is_inspector { ", the inspector of Node.js" } else { "" };
        Fact {
            label: "tcp".to_owned(),
            text: format!("{}{by}{inspector}", listens.address),
            tone: if is_inspector { Tone::Warning } else { Tone::Plain },
            is_cut: false,
        }
    };
    let mut facts: Vec<Fact> = family.listens.iter().map(fact).collect();
    if family.is_partial {
        let text = "some sockets cannot be read: they are another user's".to_owned();
        facts.push(Fact { label: String::new(), text, tone: Tone::Faint, is_cut: false });
    }
    (!facts.is_empty()).then(|| Block { title: "Listens".to_owned(), facts })
}

fn column(blocks: &[Block], columns: u16) -> Column {
    let facts = blocks.iter().flat_map(|block| &block.facts);
    let labels = facts.map(|fact| fact.label.width()).max().unwrap_or(0);
    let labels = labels.min(LABEL_MAX).min(usize::from(columns / 2));
    let labels = u16::try_from(labels).unwrap_or(columns);
    let room = columns.saturating_sub(labels + 2);
    let mut rows = Vec::new();
    for block in blocks {
        if !rows.is_empty() {
            rows.push(Row { kind: Kind::Blank, label: String::new(), text: String::new() });
        }
        let label = block.title.clone();
        rows.push(Row { kind: Kind::Heading, label, text: String::new() });
        for fact in &block.facts {
            let mut label = fact.label.clone();
            let lines = if fact.is_cut { vec![fact.text.clone()] } else { wrap(&fact.text, room) };
            let lines = if lines.is_empty() { vec!["-".to_owned()] } else { lines };
            for text in lines {
                let label = std::mem::take(&mut label);
                rows.push(Row { kind: Kind::Fact(fact.tone), label, text });
            }
        }
    }
    Column { labels, rows }
}

/// JSON as lines to be shown.
#[must_use]
pub fn raw(json: &serde_json::Value) -> Vec<String> {
    let lines = layout::indented(&json.to_string());
    let cleaned = lines.iter().take(RAW_MAX).map(|line| {
        let line = clean(line);
        line.char_indices().nth(RAW_CHARS_MAX).map_or_else(
            || line.to_string(),
            |(cut, _)| format!("{}…", line.get(..cut).unwrap_or_default()),
        )
    });
    cleaned.collect()
}
