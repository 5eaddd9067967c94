//! What is known of a process by its daemon and by the user's configuration, not by PM2.
//!
//! Invariant: plain data.

use std::sync::Arc;

/// What is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tag {
    /// The threshold of the configuration that it is past, as it is written there.
    pub crossed: Option<Box<str>>,
    /// The label and the home of its daemon, a line each; `None` where they are not known.
    pub place: Option<Arc<str>>,
}
