//! What the user is doing: selection, panes, questions, notices; and the pure update.
//!
//! Invariant: `update` is synchronous and reads no clock (time arrives in messages), knows neither
//! tokio nor ratatui, and asks for effects instead of performing them.

mod act;
pub mod ask;
pub mod batch;
mod bulk;
mod changes;
pub mod command;
pub mod details;
pub mod editor;
pub mod effect;
pub mod ended;
pub mod exceptions;
pub mod gate;
pub mod geometry;
pub mod help;
mod inspection;
mod inspection_ask;
pub mod inspection_keys;
pub mod job;
mod jobs;
pub mod keymap;
pub mod layout;
mod log_formats;
mod log_keys;
pub mod log_line;
mod log_past;
pub mod log_view;
mod marking;
pub mod marks;
pub mod menu;
pub mod message;
pub mod mode;
mod navigate;
pub mod notice;
mod overlay;
pub mod palette;
mod pane;
pub mod picker;
pub mod prompt;
mod row_keys;
mod rows;
pub mod several;
pub mod sheet;
mod sheet_keys;
mod sight;
mod state;
pub mod table;
mod taken;
#[cfg(test)]
mod tests;
mod tick;
pub mod tree;
pub mod undo;
mod update;
pub mod what;
pub mod why;
mod wrap;

pub use mode::Mode;
pub use navigate::{log_top, marked};
pub use notice::Notice;
pub use pane::Pane;
pub use sight::{MINI_COLUMNS, MINI_COLUMNS_WIDE, WIDE_FROM};
pub use state::App;
pub use update::update;
