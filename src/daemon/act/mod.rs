//! Acting on a process: who is meant, which steps it takes, and what came of it.

pub(crate) mod steps;
