//! Which lines a view shows: whose, which streams, how bad, and what is in them.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::line::LineId;
use super::parse::Level;
use super::pattern::Pattern;
use super::source::{Owner, SourceKey, Sources, Stream};
use crate::model::DaemonId;

/// Whose lines.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Scope {
    /// All, PM2's own among them.
    #[default]
    All,
    /// Of all processes of a namespace.
    Namespace(DaemonId, Arc<str>),
    /// Of all processes of a name in a namespace.
    App(DaemonId, Arc<str>, Arc<str>),
    /// Of one process, and of files that it shares with others of its app.
    Process(Owner),
    /// Of these processes.
    Marked(Arc<BTreeSet<Owner>>),
}

impl Scope {
    /// Whether this owner's lines are meant.
    #[must_use]
    pub fn has(&self, owner: &Owner) -> bool {
        match (self, owner) {
            (Self::All, _) => true,
            (Self::Process(meant), _) => is_of(owner, meant),
            (Self::Marked(marked), _) => marked.iter().any(|meant| is_of(owner, meant)),
            (Self::Namespace(at, wanted), Owner::Process { daemon, namespace, .. }) => {
                at == daemon && wanted == namespace
            }
            (Self::App(at, space, app), Owner::Process { daemon, namespace, name, .. }) => {
                at == daemon && space == namespace && app == name
            }
            (Self::Namespace(..) | Self::App(..), Owner::Pm2(_)) => false,
        }
    }

    /// Whether lines of this daemon's are meant.
    fn has_any_of(&self, daemon: DaemonId) -> bool {
        match self {
            Self::All => true,
            Self::Process(meant) => meant.daemon() == daemon,
            Self::Marked(marked) => marked.iter().any(|meant| meant.daemon() == daemon),
            Self::Namespace(at, _) | Self::App(at, ..) => *at == daemon,
        }
    }
}

/// Whether lines of `owner` may be of `meant`: the same, or a file that all of its app write. The
/// namespace of a process may not have been known yet when a line of it came.
fn is_of(owner: &Owner, meant: &Owner) -> bool {
    if owner == meant {
        return true;
    }
    match (owner, meant) {
        (
            Owner::Process { daemon, pm_id: Some(pm_id), name, .. },
            Owner::Process { daemon: at, pm_id: Some(id), name: app, .. },
        ) => daemon == at && pm_id == id && name == app,
        (
            Owner::Process { daemon, pm_id: None, namespace, name },
            Owner::Process { daemon: at, namespace: space, name: app, .. },
        ) => daemon == at && namespace == space && name == app,
        _ => false,
    }
}

/// A set of streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Streams(u8);

impl Streams {
    /// All of them.
    pub const ALL: Self = Self(u8::MAX);

    /// The same, with this one on or off.
    #[must_use]
    pub fn with(self, stream: Stream, is_on: bool) -> Self {
        let bit = 1 << stream as u8;
        Self(if is_on { self.0 | bit } else { self.0 & !bit })
    }

    /// Whether lines of this stream are shown. A file of both is with either, a loss with what happened.
    #[must_use]
    pub fn has(self, stream: Stream) -> bool {
        let one = |stream| self.0 >> stream as u8 & 1 == 1;
        match stream {
            Stream::Both => one(Stream::Out) || one(Stream::Err),
            Stream::Losses => one(Stream::Events),
            stream => one(stream),
        }
    }

    /// Whether lines of some stream are shown.
    #[must_use]
    pub fn has_any(self) -> bool {
        [Stream::Out, Stream::Err, Stream::Events, Stream::Messages, Stream::Pm2]
            .into_iter()
            .any(|stream| self.has(stream))
    }
}

/// One of the filters that add up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// What is looked for.
    pub pattern: Pattern,
    /// Lines without it stay, not those with it.
    pub is_inverted: bool,
    /// It counts; one that is off is only remembered.
    pub is_on: bool,
}

/// Which lines a view shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// Whose.
    pub scope: Scope,
    /// Which streams.
    pub streams: Streams,
    /// The least level; `None` for all. What happened is shown whatever its level is.
    pub least: Option<Level>,
    /// Owners whose lines are not shown.
    pub muted: BTreeSet<Owner>,
    /// Only lines behind this place.
    pub behind: Option<LineId>,
    /// Each line passes all of these that are on.
    pub filters: Vec<Filter>,
}

impl Default for Query {
    fn default() -> Self {
        Self {
            scope: Scope::All,
            streams: Streams::ALL,
            least: None,
            muted: BTreeSet::new(),
            behind: None,
            filters: Vec::new(),
        }
    }
}

impl Query {
    /// Whether it shows lines of this source. A loss is of all whose lines it is among: without it these would
    /// look as if they followed each other.
    #[must_use]
    pub fn has_source(&self, key: &SourceKey) -> bool {
        let owner = &key.owner;
        if key.stream == Stream::Losses {
            return self.streams.has(key.stream) && self.scope.has_any_of(owner.daemon());
        }
        self.streams.has(key.stream) && self.scope.has(owner) && !self.muted.contains(owner)
    }

    /// The slots of the sources that it shows.
    pub(super) fn wanted(&self, sources: &Sources) -> Wanted {
        let slots: Vec<bool> = sources.keys().map(|key| self.has_source(key)).collect();
        let wanted = slots.iter().enumerate().filter(|(_, is_wanted)| **is_wanted);
        let bloom = wanted.fold(0, |bloom, (slot, _)| bloom | 1_u64 << (slot % 64));
        let is_all = slots.iter().all(|is_wanted| *is_wanted);
        Wanted { slots, bloom, is_all }
    }

    pub(super) fn filters_on(&self) -> impl Iterator<Item = &Filter> {
        self.filters.iter().filter(|filter| filter.is_on)
    }
}

/// Sources that are shown.
#[derive(Debug, Clone, Default)]
pub(super) struct Wanted {
    slots: Vec<bool>,
    /// A bit for each, by its slot modulo 64.
    pub(super) bloom: u64,
    pub(super) is_all: bool,
}

impl Wanted {
    pub(super) fn has(&self, slot: u16) -> bool {
        self.slots.get(usize::from(slot)).copied().unwrap_or_default()
    }
}
