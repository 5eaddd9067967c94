//! Screens as text, and what holds of every screen.

mod fleet;
mod properties;
mod rows;
mod screens;
mod styles;
