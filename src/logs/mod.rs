//! Log lines: what a line says of itself.

pub mod parse;
