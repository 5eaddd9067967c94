//! What of the screen is kept from one run to the next: order, filter, columns, charts, and what is said once.
//!
//! Invariant: words that people can read; a word that is not known any more costs itself only.

use std::collections::BTreeMap;

use super::geometry::ChartsWish;
use super::state::App;
use super::{table, tree};
use crate::model::rows::{Field, Filter, Query, Sort};

/// What is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Layout {
    /// The order: `mem`, `-name`.
    pub sort: Option<String>,
    /// The filter, as it was typed.
    pub filter: Option<String>,
    /// The columns by their words; `None` for those that stand by themselves.
    pub columns: Option<Vec<String>>,
    /// Whether the rows stand as a tree.
    pub is_tree: bool,
    /// How large the charts are wanted.
    pub charts: ChartsWish,
    /// Of each home, the mode of its saved list with which it was told that others can read it; `None`
    /// where they cannot.
    pub told_open: BTreeMap<String, Option<u32>>,
}

impl App {
    /// What is to be kept.
    #[must_use]
    pub fn layout(&self) -> Layout {
        let query = self.table.query();
        let columns = self.table.columns();
        Layout {
            sort: (query.sort != Sort::default()).then(|| query.sort.to_text()),
            filter: query.filter.as_ref().map(|filter| filter.text().to_owned()),
            columns: columns.map(|all| all.iter().map(|field| field.word().to_owned()).collect()),
            is_tree: self.table.is_tree(),
            charts: self.charts,
            told_open: self
                .watched
                .daemons
                .iter()
                .map(|daemon| (daemon.home.to_string(), daemon.told_open))
                .collect(),
        }
    }

    /// Takes up what was kept.
    pub fn restore(&mut self, layout: &Layout) {
        let sort = layout.sort.as_deref().and_then(|sort| Sort::parse(sort).ok());
        let filter = layout.filter.as_deref().and_then(|text| Filter::parse(text).ok().flatten());
        let query = Query { filter, only_unwell: false, sort: sort.unwrap_or_default() };
        let columns = layout.columns.as_ref().map(|words| {
            let mut fields: Vec<Field> = Vec::new();
            for field in words.iter().filter_map(|word| Field::of(word)) {
                if !fields.contains(&field) {
                    fields.push(field);
                }
            }
            fields
        });
        self.charts = layout.charts;
        for daemon in &mut self.watched.daemons {
            daemon.told_open = layout.told_open.get(&*daemon.home).copied().flatten();
        }
        self.table.choose(columns.filter(|columns| !columns.is_empty()));
        if layout.is_tree != self.table.is_tree() {
            tree::toggle(self);
        }
        table::ask(self, query);
    }
}
