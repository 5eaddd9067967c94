//! `logs`: what processes have logged, in the order of time, and then what they log.
//!
//! Invariant: a line of history and of the bus is printed once, whatever is being written meanwhile
//! (`live`); bytes are printed as they are only with `--raw`.

mod away;
mod beginning;
mod by_id;
mod entries;
mod events;
mod filter;
mod following;
mod gathering;
mod growing;
mod happening;
mod kept;
mod live;
mod mending;
mod missing;
mod order;
mod print;
mod releasing;
mod said;
mod sizes;
mod source;
mod starting;
mod unheard;
mod whose;

use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::fs::File;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use tokio::time::Instant;

use self::events::{Begins, Console, Event, Wanted};
use self::filter::Filter;
use self::kept::Kept;
use self::print::Printer;
use self::source::{Reading, Source};
use self::whose::Whose;
use super::failure::{Code, Failure};
use super::{Context, act, output, targets};
use crate::cli::Logs;
use crate::client::{Bus, Queued};
use crate::daemon::clock::now_ms;
use crate::daemon::history::Line;
use crate::protocol::process::ProcessInfo;

/// How many lines are shown, if nobody says how many.
const LINES: usize = 100;
/// What was said before `--until` is waited for so long behind it.
const ON_ITS_WAY: Duration = Duration::from_millis(300);
/// How long the bus may take to be connected.
const CONNECT_MAX: Duration = Duration::from_secs(10);

/// Prints logs.
pub(super) async fn run(
    context: &Context,
    what: &Logs,
    out: &mut impl Write,
) -> Result<Code, Failure> {
    let now_ms = now_ms();
    let filter = Filter::of(what, now_ms, context.utc_offset_s)?;
    // What is followed must have a time ahead of it.
    let until = filter.ends_in(now_ms).map(|left| Instant::now() + left);
    let is_following = what.follow && until.is_none_or(|until| until > Instant::now());
    if what.follow && !is_following {
        output::complain("--until is over: nothing is followed");
    }
    if let Some(at) = filter.is_over_today(what, now_ms, context.utc_offset_s) {
        output::complain(&format!("--until is over for today: this follows until {at}"));
    }
    for moment in filter.is_of_yesterday(what, now_ms, context.utc_offset_s) {
        output::complain(&moment);
    }
    let is_local = context.endpoint.is_local();
    let begins = what.events.then(|| Begins::of(&context.endpoint.home)).filter(|_| is_local);
    let client = context.connect().await?;
    let processes = act::fleet(context, &client).await?;
    client.disconnect().await;
    let words = if what.targets.is_empty() { vec!["all".to_owned()] } else { what.targets.clone() };
    let infos = targets::resolve(&words, &processes)?;
    let mut sources = source::of((&infos, &processes), what, context);
    let mut printer = Printer::new(context, what, &sources, out);
    let is_all = words.iter().any(|word| word == "all");
    let wanted = what.events.then(|| Wanted::of((&infos, &processes), is_all, context));
    tell_missing_files(context, (&infos, is_all), &mut sources);
    let mut console = wanted.map(|wanted| match begins {
        Some(begins) => Console::open(&context.endpoint.home, begins, wanted),
        None => Console::nowhere(wanted),
    });
    let bus = if is_following {
        Some(listen(context, what, &mut sources, console.as_mut()).await?)
    } else {
        None
    };
    let lines_max = what.lines.map_or_else(
        || if filter.has_since() { usize::MAX } else { LINES },
        |lines| usize::try_from(lines).unwrap_or(usize::MAX),
    );
    let all = Sources { files: sources, console };
    // What is followed may be rotated before it is printed: its lines are held.
    let stays = !is_following && filter.is_by_line();
    let (history, all) = history(all, filter.clone(), lines_max, stays).await?;
    let is_whole = printer.history(&history)?;
    if let Some(doubt) = history.doubt() {
        output::complain(&doubt);
    }
    match bus {
        Some((bus, early)) => {
            let whose = Whose::of((context, what), &words, &processes, infos);
            let bus = futures_util::stream::iter(early).chain(bus);
            let times = (until.map(|until| until + ON_ITS_WAY), now_ms);
            let code = following::follow(bus, all, whose, (&filter, &mut printer), times).await?;
            // One who ended it knows that it was early.
            if code != Code::Fine {
                return Ok(code);
            }
        }
        None if !is_whole => return Ok(Code::Condition),
        None => {}
    }
    if printer.is_silent() {
        filter.finds_nothing()?;
    }
    Ok(Code::Fine)
}

/// Says of whom there is no history: where all are meant, only if that is nobody's.
fn tell_missing_files(
    context: &Context,
    (infos, is_all): (&[ProcessInfo], bool),
    sources: &mut [Source],
) {
    if context.endpoint.is_local() {
        let is_worth_it = !is_all || !sources.iter().any(Source::has_file);
        if let Some(said) = source::without_files(infos, sources, context.is_ascii)
            && is_worth_it
        {
            output::complain(&said);
        }
        return;
    }
    output::complain("no history: the log files of this daemon do not seem to be on this machine");
    sources.iter_mut().for_each(Source::close);
}

/// Where lines come from.
struct Sources {
    files: Vec<Source>,
    /// Where events come from, if they are wanted.
    console: Option<Console>,
}

/// What is printed.
enum Entry {
    /// A line of the source with this index.
    Line(u32, Box<Line>),
    /// The same, of one that stays in its file.
    Kept(u32, Kept),
    /// Something that happened.
    Event(Box<Event>),
}

impl Entry {
    /// Of a line its source, how many bytes it has, whether it is of the entry of the line before it, and
    /// whether a newline ends it.
    fn extent(&self) -> Option<(u32, (u64, bool, bool))> {
        match self {
            Self::Line(source, line) => {
                let len = line.bytes.len() as u64 + line.more;
                Some((*source, (len, line.goes_on(), line.is_ended)))
            }
            Self::Kept(source, kept) => Some((*source, kept.extent())),
            Self::Event(_) => None,
        }
    }
}

/// The next older line of a file.
struct Head {
    at_ms: i64,
    /// Whether it is of the entry of the line before it.
    goes_on: bool,
    /// Where it begins in its file, bytes.
    begins: Option<u64>,
    /// Where it ends there, if that is no end of a line: one that is very long is read in pieces.
    ends_within: Option<u64>,
    /// Whether it is of the time asked for by an estimate alone.
    by_estimate: bool,
    entry: Entry,
}

impl Head {
    /// A line of the source with this index; where it `stays`, without its bytes.
    fn of(source: u32, line: Line, filter: &Filter, stays: bool) -> Self {
        let by_estimate = filter.may_be_of_another_time(&line);
        let (at_ms, goes_on, begins) = (line.at_ms, line.goes_on(), line.offset);
        let ends_within = begins.filter(|_| !line.is_ended).map(|at| at + line.extent());
        let entry = match Kept::of(&line).filter(|_| stays || line.more > 0) {
            Some(kept) => Entry::Kept(source, kept),
            None => Entry::Line(source, Box::new(line.apart())),
        };
        Self { at_ms, goes_on, begins, ends_within, by_estimate, entry }
    }

    /// Whether it is a piece of the same line as what stands behind it.
    fn is_before(&self, behind: &Self) -> bool {
        self.ends_within.is_some() && self.ends_within == behind.begins
    }
}

/// What was before.
struct History {
    /// Oldest first.
    entries: Vec<Entry>,
    /// What lines that stay there are read again from, by source.
    files: Vec<Option<Arc<File>>>,
    /// Whether every file could be read.
    is_whole: bool,
    /// How many lines were left out that may be of the time asked for, but for an estimate.
    left_by_estimate: u64,
    /// How many were not that may be of another time.
    kept_by_estimate: u64,
}

impl History {
    /// What estimated times may have got wrong of the range; nothing where they cannot.
    fn doubt(&self) -> Option<String> {
        let (whose, count) = match (self.kept_by_estimate, self.left_by_estimate) {
            (0, 0) => return None,
            (kept, 0) => (format!("{kept} printed"), kept),
            (0, left) => (format!("{left} left-out"), left),
            (kept, left) => {
                (format!("{kept} printed and {left} left-out"), kept.saturating_add(left))
            }
        };
        let (times, lines) = if count == 1 {
            ("the time", "line is estimated (~): near the ends of the range it")
        } else {
            ("the times", "lines are estimated (~): near the ends of the range they")
        };
        Some(format!("{times} of {whose} {lines} may be wrong; widen the range to be sure"))
    }
}

/// Listens, so that nothing is written in between: history ends where the bus begins. What came before
/// that is known is given, too.
async fn listen(
    context: &Context,
    what: &Logs,
    sources: &mut [Source],
    console: Option<&mut Console>,
) -> Result<(impl futures_util::Stream<Item = Queued> + Unpin + use<>, Vec<Queued>), Failure> {
    sources.iter_mut().for_each(Source::measure);
    // Who comes and goes is told by events.
    let topics: &[&str] = if what.events {
        &["log:*", "process:event", "process:exception"]
    } else {
        &["log:*", "process:event"]
    };
    let mut listening = Bus::subscribe(&context.endpoint, topics)?.undecoded();
    connected(&mut listening, context).await?;
    // All history ends here, so that none of it is later than what the bus brings first.
    sources.iter_mut().filter(|source| !source.is_shared()).for_each(Source::measure_after);
    if let Some(console) = console {
        console.measure_after();
    }
    let early = starting::begin(&mut listening, sources).await;
    Ok((listening, early))
}

/// Waits until the bus is connected.
async fn connected(
    bus: &mut (impl futures_util::Stream<Item = Queued> + Unpin),
    context: &Context,
) -> Result<(), Failure> {
    let deadline = Instant::now() + CONNECT_MAX;
    match tokio::time::timeout_at(deadline, bus.next()).await {
        Ok(Some(Queued::Connected)) => Ok(()),
        Ok(Some(Queued::Reconnecting { problem, .. })) => {
            Err(context.failure(crate::client::ClientError::NotRunning(problem)))
        }
        _ => Err(Failure::Said(Code::Timeout, "the bus was not connected in time".to_owned())),
    }
}

/// The last lines of all sources; where `stays`, without their bytes. Reads on a thread that may take
/// its time.
async fn history(
    all: Sources,
    filter: Filter,
    lines_max: usize,
    stays: bool,
) -> Result<(History, Sources), Failure> {
    let reading = tokio::task::spawn_blocking(move || {
        let mut all = all;
        let events = all.console.as_mut().map(|console| console.history(&filter));
        let events = events.unwrap_or_default();
        let history = merged(&mut all.files, events, &filter, (lines_max, stays));
        (history, all)
    });
    reading.await.map_err(|error| Failure::condition(error.to_string()))
}

/// Takes the newest of the next lines of all files and of the events again and again.
fn merged(
    sources: &mut [Source],
    mut events: Vec<Event>,
    filter: &Filter,
    (lines_max, stays): (usize, bool),
) -> History {
    let wanted = sources.iter().filter(|source| source.has_file()).count();
    let mut files: Vec<_> = sources.iter_mut().map(Source::backwards).collect();
    let next = |index: usize, file: &mut Option<Reading>| {
        let line = file.as_mut()?.fitting(filter)?;
        Some(Head::of(u32::try_from(index).unwrap_or(u32::MAX), line, filter, stays))
    };
    let heads = files.iter_mut().enumerate().map(|(index, file)| next(index, file));
    let mut heads: Vec<Option<Head>> = heads.collect();
    let at_ms = |head: &Option<Head>| head.as_ref().map(|head| head.at_ms);
    // The newest first; of a time that of the later file.
    let mut newest: BinaryHeap<(i64, usize)> =
        heads.iter().enumerate().filter_map(|(index, head)| Some((at_ms(head)?, index))).collect();
    let (mut lines, mut count, mut kept_by_estimate) = (Vec::new(), 0, 0);
    // An entry is taken whole, and so is a line.
    let (mut is_within, mut is_piece) = (false, false);
    while count < lines_max || is_within {
        let happened = events.last().map(|event| event.line.at_ms);
        if !is_within
            && happened > newest.peek().map(|(at_ms, _)| *at_ms)
            && let Some(event) = events.pop()
        {
            lines.push(Entry::Event(Box::new(event)));
            count += 1;
            continue;
        }
        let Some(mut first) = newest.peek_mut() else { break };
        let index = first.1;
        let (Some(head), Some(file)) = (heads.get_mut(index), files.get_mut(index)) else { break };
        let Some(taken) = std::mem::replace(head, next(index, file)) else { break };
        count += usize::from(!is_piece);
        kept_by_estimate += u64::from(!is_piece && taken.by_estimate);
        is_piece = head.as_ref().is_some_and(|head| head.is_before(&taken));
        is_within = is_piece || head.is_some() && taken.goes_on;
        if !is_within {
            match at_ms(head) {
                Some(at_ms) => first.0 = at_ms,
                None => drop(PeekMut::pop(first)),
            }
        }
        lines.push(taken.entry);
    }
    lines.reverse();
    let whole = files.iter().flatten().filter(|file| !file.is_broken()).count();
    let left_by_estimate = files.iter().flatten().map(Reading::left_by_estimate).sum();
    let files = files.iter().map(|file| file.as_ref().map(Reading::file)).collect();
    History { entries: lines, files, is_whole: whole == wanted, left_by_estimate, kept_by_estimate }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_estimates_may_have_got_wrong_is_one_plain_line() {
        let doubt = |kept_by_estimate, left_by_estimate| {
            let (entries, files) = (Vec::new(), Vec::new());
            History { entries, files, is_whole: true, left_by_estimate, kept_by_estimate }.doubt()
        };
        let rest = "may be wrong; widen the range to be sure";
        for (kept, left, wanted) in [
            (12, 340, "the times of 12 printed and 340 left-out lines are"),
            (1, 0, "the time of 1 printed line is"),
            (0, 2, "the times of 2 left-out lines are"),
        ] {
            let whose = if kept + left == 1 { "it" } else { "they" };
            let wanted =
                format!("{wanted} estimated (~): near the ends of the range {whose} {rest}");
            assert_eq!(doubt(kept, left), Some(wanted));
        }
        assert_eq!(doubt(0, 0), None);
    }
}
