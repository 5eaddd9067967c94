//! Stack traces: which lines are one entry, which of them says what was thrown, which frames are the
//! program's own. Node.js, Python, Go, Java and Rust.
//!
//! Fed line by line, one [`Traces`] for each process and stream: lines of another come in between.
//! A line is told at once and never told again; where a trace shows only at its second line
//! (`at ..` below any sentence), [`Step::joins_previous`] says so.

mod frames;
mod rules;

#[cfg(test)]
mod tests;

use super::level;
use rules::{is_caret, is_excerpt_place, is_more_of_message, opens_block};

/// A part of a trace longer than this is none: it ends there.
const LINES_MAX: usize = 1000;
/// Lines between a title and its first frame.
const MESSAGE_MAX: usize = 20;

/// What a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// No part of a trace.
    Text,
    /// The first line of an entry that says nothing itself: the place of Node's source excerpt,
    /// Python's `Traceback`.
    Opens,
    /// Says what was thrown.
    Title,
    /// One call.
    Frame {
        /// Whether it is in the program's own files: neither in `node_modules`, `site-packages` or
        /// a module cache, nor in the runtime.
        is_own: bool,
    },
    /// Else of the entry: source lines, further lines of the message, causes, properties.
    More,
}

/// What one more line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// What the line is.
    pub part: Part,
    /// Whether an entry begins with it.
    pub is_first: bool,
    /// Whether the line before it, which was told as [`Part::Text`], is the title of its entry.
    pub joins_previous: bool,
}

impl Step {
    fn text() -> Self {
        Self { part: Part::Text, is_first: false, joins_previous: false }
    }

    fn first(part: Part) -> Self {
        Self { part, is_first: true, joins_previous: false }
    }

    fn next(part: Part) -> Self {
        Self { part, is_first: false, joins_previous: false }
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Idle,
    /// Behind the place of Node's source excerpt: how many lines.
    Excerpt(usize),
    /// Behind a title, before its frames: how many lines.
    Message(usize),
    Frames,
    /// In the braces behind the frames: how deep.
    Block(usize),
    /// Behind the empty line that ends Node's report.
    Ended,
    Python,
    /// Behind the exception of Python: another may follow.
    Raised,
    Go,
    /// Behind the title of a panic of Rust: how many lines.
    Rust(usize),
}

/// Tells lines of one stream apart.
#[derive(Debug, Clone, Default)]
pub struct Traces {
    state: State,
    /// Lines of the entry so far.
    lines: usize,
}

impl Traces {
    /// What the next line is: plain, without PM2's prefix and without a time or level that leads it.
    pub fn feed(&mut self, line: &[u8]) -> Step {
        let line = line.trim_ascii_end();
        let within = if self.lines < LINES_MAX { self.go_on(line) } else { None };
        let step = within.unwrap_or_else(|| {
            self.lines = 0;
            self.begin(line)
        });
        self.lines = if step.part == Part::Text { 0 } else { self.lines + 1 };
        step
    }

    /// Whether an entry is open: the next line may belong to it.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.state != State::Idle
    }

    fn begin(&mut self, line: &[u8]) -> Step {
        let (state, step) = if let Some((state, part)) = opens(line) {
            (state, Step::first(part))
        } else if is_excerpt_place(line) {
            (State::Excerpt(0), Step::first(Part::Opens))
        } else if level::thrown(line) == Some(super::Level::Error) {
            let state = if opens_block(line) { State::Block(1) } else { State::Message(0) };
            (state, Step::first(Part::Title))
        } else if let Some((part, state)) = orphan(line) {
            (state, Step { part, is_first: true, joins_previous: true })
        } else {
            (State::Idle, Step::text())
        };
        self.state = state;
        step
    }

    /// `None` where the line does not belong to the entry that is open.
    fn go_on(&mut self, line: &[u8]) -> Option<Step> {
        let (state, part) = match self.state {
            State::Excerpt(count) => excerpt(count, line)?,
            State::Message(count) => message(count, line)?,
            State::Frames => below_frames(line)?,
            State::Block(depth) => block(depth, line)?,
            State::Ended if line.starts_with(b"Node.js v") => (State::Idle, Part::More),
            State::Idle | State::Ended => return None,
            State::Python => python(line),
            State::Raised => raised(line)?,
            State::Go => go(line)?,
            State::Rust(count) => rust(count, line)?,
        };
        self.state = state;
        Some(Step::next(part))
    }
}

/// The first line of a trace of Python, Go or Rust. One look at the first letter tells of most lines.
fn opens(line: &[u8]) -> Option<(State, Part)> {
    match line.first()? {
        b'T' if line.starts_with(b"Traceback (most recent call last)") => {
            Some((State::Python, Part::Opens))
        }
        b'g' if line.starts_with(b"goroutine ") && line.ends_with(b"]:") => {
            Some((State::Go, Part::Opens))
        }
        b'p' if line.starts_with(b"panic: ") => Some((State::Go, Part::Title)),
        b'f' if line.starts_with(b"fatal error: ") => Some((State::Go, Part::Title)),
        b't' if line.starts_with(b"thread '") && level::thrown(line).is_some() => {
            Some((State::Rust(0), Part::Title))
        }
        _ => None,
    }
}

/// A frame below a line that did not look like the head of a trace.
fn orphan(line: &[u8]) -> Option<(Part, State)> {
    if let Some(is_own) = frames::call(line) {
        let state = if opens_block(line) { State::Block(1) } else { State::Frames };
        return Some((Part::Frame { is_own }, state));
    }
    frames::python(line).map(|is_own| (Part::Frame { is_own }, State::Python))
}

/// Source line, carets, an empty line, then the title.
fn excerpt(count: usize, line: &[u8]) -> Option<(State, Part)> {
    let is_titled = count >= 2 && !line.is_empty();
    match count {
        0 if !line.is_empty() => Some((State::Excerpt(1), Part::More)),
        1 if is_caret(line) => Some((State::Excerpt(2), Part::More)),
        2..=4 if line.is_empty() => Some((State::Excerpt(count + 1), Part::More)),
        _ if is_titled && opens_block(line) => Some((State::Block(1), Part::Title)),
        _ if is_titled => Some((State::Message(0), Part::Title)),
        _ => None,
    }
}

/// Lines of the message, then frames.
fn message(count: usize, line: &[u8]) -> Option<(State, Part)> {
    if let Some(found) = frame(line) {
        return Some(found);
    }
    let is_more = count < MESSAGE_MAX && is_more_of_message(line);
    is_more.then_some((State::Message(count + 1), Part::More))
}

fn frame(line: &[u8]) -> Option<(State, Part)> {
    let is_own = frames::call(line)?;
    let state = if opens_block(line) { State::Block(1) } else { State::Frames };
    Some((state, Part::Frame { is_own }))
}

fn below_frames(line: &[u8]) -> Option<(State, Part)> {
    if let Some(found) = frame(line) {
        return Some(found);
    }
    if line.is_empty() {
        return Some((State::Ended, Part::More));
    }
    let words = line.trim_ascii_start();
    let is_cut = words.starts_with(b"... ") && words.len() < line.len();
    if is_cut {
        return Some((State::Frames, Part::More));
    }
    let goes_on = ["Caused by: ", "Suppressed: ", "[cause]: ", "From previous event:"];
    let is_cause = goes_on.iter().any(|lead| words.starts_with(lead.as_bytes()));
    is_cause.then_some((State::Message(0), Part::More))
}

/// Properties and causes in braces, frames among them.
fn block(depth: usize, line: &[u8]) -> Option<(State, Part)> {
    let words = line.trim_ascii_start();
    let closes = usize::from(matches!(words.first(), Some(b'}' | b']')));
    let is_inside = closes == 1 || words.len() < line.len() || line.is_empty();
    if !is_inside {
        return None;
    }
    let depth = (depth + usize::from(opens_block(line))).saturating_sub(closes);
    let part = frames::call(line).map_or(Part::More, |is_own| Part::Frame { is_own });
    // Node's report ends as that of frames does.
    let state = if depth == 0 { State::Frames } else { State::Block(depth) };
    Some((state, part))
}

fn python(line: &[u8]) -> (State, Part) {
    if let Some(is_own) = frames::python(line) {
        return (State::Python, Part::Frame { is_own });
    }
    let is_more = line.is_empty()
        || matches!(line.first(), Some(b' ' | b'\t'))
        || line.starts_with(b"Traceback (most recent call last)");
    if is_more { (State::Python, Part::More) } else { (State::Raised, Part::Title) }
}

fn raised(line: &[u8]) -> Option<(State, Part)> {
    if line.is_empty() {
        return Some((State::Raised, Part::More));
    }
    let chains = [&b"During handling of the above exception"[..], b"The above exception was the"];
    let is_chain = chains.iter().any(|lead| line.starts_with(lead));
    is_chain.then_some((State::Python, Part::More))
}

fn go(line: &[u8]) -> Option<(State, Part)> {
    if let Some(is_own) = frames::go(line) {
        return Some((State::Go, Part::Frame { is_own }));
    }
    if line.starts_with(b"exit status ") {
        return Some((State::Idle, Part::More));
    }
    let starts =
        [&b"goroutine "[..], b"[signal ", b"created by ", b"panic: ", b"\tpanic: ", b"..."];
    let is_more = line.is_empty()
        || starts.iter().any(|lead| line.starts_with(lead))
        || frames::is_go_call(line);
    is_more.then_some((State::Go, Part::More))
}

fn rust(count: usize, line: &[u8]) -> Option<(State, Part)> {
    if let Some(is_own) = frames::rust(line) {
        return Some((State::Rust(count + 1), Part::Frame { is_own }));
    }
    if line.starts_with(b"note: ") {
        return Some((State::Rust(count + 1), Part::More));
    }
    let words = line.trim_ascii_start();
    let is_numbered = words.iter().take_while(|byte| byte.is_ascii_digit()).count() > 0
        && words.len() < line.len();
    let is_more = count == 0 || line == b"stack backtrace:" || is_numbered;
    is_more.then_some((State::Rust(count + 1), Part::More))
}

/// A trace in a run of lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trace {
    /// Index of its first line.
    pub first: usize,
    /// How many lines it has: two at least.
    pub lines: usize,
    /// Index of the line that says what was thrown.
    pub title: usize,
    /// How many of its lines are frames.
    pub frames: usize,
    /// Index of the program's own frame that is nearest to where it was thrown.
    pub own: Option<usize>,
}

/// The traces in a run of lines of one stream.
pub fn traces<'a>(lines: impl IntoIterator<Item = &'a [u8]>) -> Vec<Trace> {
    let mut feed = Traces::default();
    let mut found: Vec<Trace> = Vec::new();
    let mut is_last_first = false;
    for (index, line) in lines.into_iter().enumerate() {
        let step = feed.feed(line);
        if step.part == Part::Text {
            continue;
        }
        if step.is_first {
            let first = if step.joins_previous { index.saturating_sub(1) } else { index };
            // The line before is the last one of another trace, or there is none.
            let is_taken = found.last().is_some_and(|t| t.first + t.lines > first);
            let first = if is_taken { index } else { first };
            let lines = index - first;
            found.push(Trace { first, lines, title: first, frames: 0, own: None });
            is_last_first = line.starts_with(b"Traceback") || frames::python(line).is_some();
        }
        let Some(trace) = found.last_mut() else {
            continue;
        };
        trace.lines += 1;
        match step.part {
            Part::Title => trace.title = index,
            Part::Frame { is_own } => {
                trace.frames += 1;
                if is_own && (trace.own.is_none() || is_last_first) {
                    trace.own = Some(index);
                }
            }
            Part::Text | Part::Opens | Part::More => {}
        }
    }
    found.retain(|trace| trace.lines > 1);
    found
}
