//! Which processes a TARGET means.
//!
//! Invariant: either every target is known and clear, or nothing is resolved and the target that is
//! not is named. A word is never taken for an id where it could as well be the name of another.

use std::borrow::Borrow;

use super::failure::Failure;
use super::output;
use crate::protocol::process::ProcessInfo;
use crate::protocol::shell::word;
use crate::protocol::text::clean;

/// Names that a complaint lists.
const NAMES_MAX: usize = 8;

/// One way to read a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reading {
    /// Every process but PM2's modules.
    All,
    /// An id.
    Id(u32),
    /// A name, cleaned, as names are kept.
    Name(String),
    /// A namespace, cleaned, as names are kept.
    Namespace(String),
}

impl Reading {
    /// Whether it means a process.
    pub(super) fn fits(&self, info: &ProcessInfo) -> bool {
        match self {
            Self::All => !info.is_module,
            Self::Id(id) => info.pm_id.0 == *id,
            Self::Name(name) => *info.name == **name,
            Self::Namespace(name) => info.namespace.as_deref() == Some(&**name),
        }
    }

    fn noun(&self) -> &'static str {
        match self {
            Self::All => "word for all",
            Self::Id(_) => "id",
            Self::Name(_) => "name",
            Self::Namespace(_) => "namespace",
        }
    }

    /// The word that can be read in this way only.
    fn word(&self) -> String {
        match self {
            Self::All => "all".to_owned(),
            Self::Id(id) => format!("id:{id}"),
            Self::Name(name) => format!("name:{name}"),
            Self::Namespace(name) => format!("ns:{name}"),
        }
    }
}

/// An id as PM2 writes it: `007` is a name.
fn id(text: &str) -> Option<u32> {
    text.parse().ok().filter(|id: &u32| id.to_string() == text)
}

/// The reading that a word names by a prefix: `id:0`, `name:0`, `ns:jobs`.
fn prefixed(word: &str) -> Option<Reading> {
    let (prefix, rest) = word.split_once(':')?;
    match prefix {
        "id" => id(rest).map(Reading::Id),
        "name" => Some(Reading::Name(clean(rest).into())),
        "ns" => Some(Reading::Namespace(clean(rest).into())),
        _ => None,
    }
}

/// Name and id of a process as it is printed everywhere: `api[0]`.
fn labelled(word: &str) -> Option<(&str, u32)> {
    let (name, rest) = word.strip_suffix(']')?.rsplit_once('[')?;
    Some((name, id(rest)?))
}

/// Whether a word says by a prefix that it is an id, a name or a namespace.
pub(super) fn is_prefixed(word: &str) -> bool {
    prefixed(word).is_some()
}

/// The processes of one target: `all` (without modules), an id, a name, both as in `api[0]`, or a namespace
/// where no process has that name; in PM2's order. Empty where it is unknown.
///
/// # Errors
/// The word is ambiguous: an id of one process, and a name or namespace of another.
pub(super) fn matching<'a>(
    target: &str,
    processes: &'a [impl Borrow<ProcessInfo>],
) -> Result<Vec<&'a ProcessInfo>, Failure> {
    Ok(read(target, processes)?.map(|(_, meant)| meant).unwrap_or_default())
}

/// The one way to read a target by these processes, and those it means; `None` where it is unknown.
///
/// # Errors
/// As [`matching`].
pub(super) fn read<'a>(
    target: &str,
    processes: &'a [impl Borrow<ProcessInfo>],
) -> Result<Option<(Reading, Vec<&'a ProcessInfo>)>, Failure> {
    let by = |reading: Reading| {
        let all = processes.iter().map(Borrow::borrow);
        let found: Vec<&'a ProcessInfo> = all.filter(|info| reading.fits(info)).collect();
        (!found.is_empty()).then_some((reading, found))
    };
    if target == "all" {
        return Ok(by(Reading::All));
    }
    let whole = || clean(target).into_owned();
    let by_id = id(target).and_then(|id| by(Reading::Id(id)));
    let by_label = labelled(target).and_then(|(name, id)| {
        by(Reading::Id(id)).filter(|(_, found)| found.iter().all(|info| *info.name == *name))
    });
    // As pm2: a namespace counts only where no process has that name.
    let by_name = by(Reading::Name(whole())).or_else(|| by(Reading::Namespace(whole())));
    let by_prefix = prefixed(target).and_then(by);
    let mut found = [by_prefix, by_id, by_label, by_name].into_iter().flatten();
    let Some((first, meant)) = found.next() else { return Ok(None) };
    let ids = |infos: &[&ProcessInfo]| infos.iter().map(|info| info.pm_id).collect::<Vec<_>>();
    match found.find(|(_, other)| ids(other) != ids(&meant)) {
        None => Ok(Some((first, meant))),
        Some((second, others)) => {
            let target = clean(target);
            Err(Failure::usage(format!(
                "`{target}` is ambiguous: the {} of {} and the {} of {}; use {} or {}",
                first.noun(),
                labels(&meant),
                second.noun(),
                labels(&others),
                // What the whole word says already says nothing new.
                if first.word() == target {
                    "an id".to_owned()
                } else {
                    word(&first.word()).into_owned()
                },
                word(&second.word()),
            )))
        }
    }
}

/// The processes of all targets, each once, in the order named.
///
/// # Errors
/// The first target that is unknown, with the names there are, or ambiguous.
pub(super) fn resolve(
    targets: &[String],
    processes: &[ProcessInfo],
) -> Result<Vec<ProcessInfo>, Failure> {
    let mut found: Vec<ProcessInfo> = Vec::new();
    for target in targets {
        let matches = matching(target, processes)?;
        // `all` of nothing is nothing.
        if matches.is_empty() && target != "all" {
            return Err(Failure::condition(unknown(target, processes)));
        }
        for info in matches {
            if found.iter().all(|known| known.pm_id != info.pm_id) {
                found.push(info.clone());
            }
        }
    }
    Ok(found)
}

/// Says that there is no such process, and which there are.
pub(super) fn unknown(target: &str, processes: &[impl Borrow<ProcessInfo>]) -> String {
    if target == "all" {
        return "there are no processes".to_owned();
    }
    let known = known(target.split_once(':').map_or("", |(prefix, _)| prefix), processes);
    let hint = if crate::ecosystem::is_config_file(std::path::Path::new(target)) {
        "; `pm2-tui start FILE` starts a file's apps and restarts those that run"
    } else {
        ""
    };
    let target = clean(target);
    if let Some((prefix @ ("id" | "name" | "ns"), "")) = target.split_once(':') {
        return format!("nothing follows `{prefix}:`, as in `{prefix}:api`; {known}")
            .replace("`id:api`", "`id:0`");
    }
    let what = match target.split_once(':') {
        Some(("id", rest)) => format!("id `{rest}`"),
        Some(("name", rest)) => format!("name `{rest}`"),
        Some(("ns", rest)) => format!("namespace `{rest}`"),
        _ => format!("id, name or namespace `{target}`"),
    };
    format!("no process has the {what}; {known}{hint}")
}

/// What there is of the kind that a prefix names.
fn known(prefix: &str, processes: &[impl Borrow<ProcessInfo>]) -> String {
    if processes.is_empty() {
        return "this daemon has no processes".to_owned();
    }
    let infos = processes.iter().map(Borrow::borrow);
    let mut all: Vec<String> = match prefix {
        "id" => infos.map(label).collect(),
        "ns" => infos.filter_map(|info| info.namespace.as_deref().map(str::to_owned)).collect(),
        _ => infos.map(|info| info.name.to_string()).collect(),
    };
    // Ids stay in PM2's order.
    if prefix != "id" {
        all.sort_unstable();
        all.dedup();
    }
    format!("there are: {}", some(&all))
}

/// The first names of a list, and how many more there are.
pub(super) fn some(names: &[String]) -> String {
    let list = names.get(..NAMES_MAX).unwrap_or(names).join(", ");
    match names.len().saturating_sub(NAMES_MAX) {
        0 => list,
        rest => format!("{list} and {rest} more"),
    }
}

/// Whom a question is about, to stand behind it: ` (api[0], web[1] and 3 more)`; nothing where it is nobody.
pub(super) fn named(labels: impl Iterator<Item = String>, is_ascii: bool) -> String {
    let labels: Vec<String> = labels.collect();
    if labels.is_empty() {
        return String::new();
    }
    format!(" ({})", output::printable(&some(&labels), is_ascii))
}

fn labels(infos: &[&ProcessInfo]) -> String {
    let labels: Vec<String> = infos.iter().map(|info| label(info)).collect();
    some(&labels)
}

/// How a process is named in a line: `api[0]`.
pub(super) fn label(info: &ProcessInfo) -> String {
    format!("{}[{}]", info.name, info.pm_id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::process::{PmId, ProcessStatus};

    fn fleet() -> Vec<ProcessInfo> {
        let names = [
            (0, "api", "shop"),
            (1, "api", "shop"),
            (2, "7", "shop"),
            (7, "x", "api"),
            (9, "log", "m"),
        ];
        let mut all = names.map(|(id, name, namespace)| {
            let mut info = ProcessInfo::new(PmId(id), name, ProcessStatus::Online);
            info.namespace = Some(namespace.into());
            info.is_module = name == "log";
            info
        });
        all[1].status = ProcessStatus::Stopped;
        all.to_vec()
    }

    fn ids(targets: &[&str]) -> Result<Vec<u32>, String> {
        let targets: Vec<String> = targets.iter().map(|&target| target.into()).collect();
        let found = resolve(&targets, &fleet()).map_err(|failure| failure.line().unwrap())?;
        Ok(found.iter().map(|info| info.pm_id.0).collect())
    }

    #[test]
    fn a_hint_can_be_copied_into_a_shell() {
        let mut all = fleet();
        all[0].namespace = Some("my $(x)".into());
        all[1].name = "ns:my $(x)".into();
        let said = |word: &str| match matching(word, &all) {
            Ok(found) => panic!("{found:?}"),
            Err(failure) => failure.line().unwrap(),
        };
        let line = said("ns:my $(x)");
        assert!(line.ends_with("; use an id or 'name:ns:my $(x)'"), "{line}");
    }

    #[test]
    fn a_word_is_an_id_a_name_or_a_namespace() {
        assert_eq!(ids(&["0"]), Ok(vec![0]));
        assert_eq!(ids(&["api"]), Ok(vec![0, 1]), "a name goes before a namespace, as in pm2");
        assert_eq!(ids(&["shop"]), Ok(vec![0, 1, 2]));
        assert_eq!(ids(&["id:7", "name:7"]), Ok(vec![7, 2]));
        assert_eq!(ids(&["ns:api"]), Ok(vec![7]));
        assert_eq!(ids(&["name:api", "ns:shop"]), Ok(vec![0, 1, 2]));
    }

    #[test]
    fn a_word_that_means_two_things_is_refused() {
        let said = ids(&["0", "7"]).unwrap_err();
        let wanted = "`7` is ambiguous: the id of x[7] and the name of 7[2]; use id:7 or name:7";
        assert_eq!(said, wanted);
        let mut all = fleet();
        let said = |all: &[ProcessInfo], word: &str| {
            let found = matching(word, all).map_err(|failure| failure.line().unwrap());
            found.map(|found| found.iter().map(|info| info.pm_id.0).collect::<Vec<_>>())
        };
        // The same process in both readings is clear; with a namesake it is not.
        all[1].name = "1".into();
        assert_eq!(said(&all, "1"), Ok(vec![1]));
        all[3].name = "1".into();
        assert!(said(&all, "1").unwrap_err().contains("the name of 1[1], 1[7]"));
        all[3].namespace = Some("2".into());
        assert!(said(&all, "2").unwrap_err().contains("the namespace of 1[7]; use id:2 or ns:2"));
        // A name that looks like a prefix.
        all[0].name = "ns:m".into();
        let wanted = "`ns:m` is ambiguous: the namespace of log[9] and the name of ns:m[0]; use an \
                      id or name:ns:m";
        assert_eq!(said(&all, "ns:m").unwrap_err(), wanted);
        assert_eq!(said(&all, "name:ns:m"), Ok(vec![0]));
        all[4].namespace = None;
        assert_eq!(said(&all, "ns:m"), Ok(vec![0]));
        // Only what PM2 writes as an id is one.
        all[0].name = "00".into();
        assert_eq!(said(&all, "00"), Ok(vec![0]));
        assert_eq!(said(&all, "+2"), Ok(vec![]));
        assert_eq!(said(&all, "02"), Ok(vec![]));
    }

    #[test]
    fn what_is_printed_of_a_process_names_it() {
        assert_eq!(ids(&["api[1]", "x[7]"]), Ok(vec![1, 7]));
        // Another one has the id now.
        assert!(ids(&["api[2]"]).unwrap_err().contains("`api[2]`"));
        for word in ["api[01]", "api[]", "[1]", "api[1", "api[1]x"] {
            assert!(ids(&[word]).is_err(), "{word}");
        }
        let mut all = fleet();
        all[4].name = "api[1]".into();
        let why = matching("api[1]", &all).unwrap_err().line().unwrap();
        assert!(why.contains("ambiguous"), "{why}");
    }

    #[test]
    fn all_leaves_modules_alone_and_nothing_comes_twice() {
        assert_eq!(ids(&["all"]), Ok(vec![0, 1, 2, 7]));
        assert_eq!(ids(&["1", "api", "all"]), Ok(vec![1, 0, 2, 7]));
        assert!(matching("all", &[] as &[ProcessInfo]).unwrap().is_empty());
        assert_eq!(ids(&["log"]), Ok(vec![9]));
    }

    #[test]
    fn one_unknown_target_and_nothing_is_resolved() {
        let said = ids(&["0", "nope\u{1b}[2J"]).unwrap_err();
        assert!(said.contains("`nope`") && said.contains("7, api, log, x"), "{said}");
        assert!(ids(&["eco.config.js"]).unwrap_err().contains("pm2-tui start FILE"));
        assert!(ids(&["42"]).is_err() && ids(&["-1"]).is_err() && ids(&[""]).is_err());
        for (word, example) in [("id:", "`id:0`"), ("name:", "`name:api`"), ("ns:", "`ns:api`")] {
            let said = ids(&[word]).unwrap_err();
            let wanted = format!("nothing follows `{word}`, as in {example}; ");
            assert!(said.contains(&wanted), "{said}");
        }
        assert!(ids(&["id:x"]).unwrap_err().contains("no process has the id `x`;"));
        let said = ids(&["id:42"]).unwrap_err();
        assert!(said.ends_with("`42`; there are: api[0], api[1], 7[2], x[7], log[9]"), "{said}");
        let said = ids(&["ns:x"]).unwrap_err();
        let wanted = "no process has the namespace `x`; there are: api, m, shop";
        assert_eq!(said, wanted);
        assert!(ids(&["name:zz\u{1b}[2J"]).unwrap_err().contains("no process has the name `zz`;"));
    }
}
