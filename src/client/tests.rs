//! The client against the simulated daemon.
