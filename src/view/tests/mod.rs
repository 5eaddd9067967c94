//! Screens as text, and what holds of every screen.

mod fleet;
mod properties;
mod screens;
mod styles;
mod taking;
