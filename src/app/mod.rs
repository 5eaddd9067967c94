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
mod cursor;
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
<<<<<<< HEAD
mod log_formats;
=======
pub mod log_columns;
mod log_command;
pub mod log_commands;
mod log_copy;
pub mod log_dress;
pub mod log_entry;
>>>>>>> main
mod log_keys;
pub mod log_line;
mod log_past;
pub mod log_shape;
pub mod log_sheet;
mod log_sheet_keys;
pub mod log_sight;
pub mod log_toggles;
mod log_traces;
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

pub use log_sight::{log_top, marked};
pub use mode::Mode;
pub use notice::Notice;
pub use pane::Pane;
pub use sight::{MINI_COLUMNS, MINI_COLUMNS_WIDE, WIDE_FROM};
pub use state::App;
pub use update::update;
