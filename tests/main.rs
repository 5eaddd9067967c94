//! Every trial that is no unit test, in one program and one pool: `cargo test --test suite NAME`
//! runs those with `NAME` in their path, such as `e2e::` or `conformance::7.0.4`.
//!
//! The locked PM2 releases are installed once, below the target folder. With
//! `PM2_TUI_TEST_PM2=off` the trials that need them are reported as ignored. Needs Linux: facts
//! about processes come from `/proc`.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code: a failure is a panic with a message"
)]

mod allocations;
mod architecture;
mod cli;
mod client;
mod conformance;
mod dependencies;
mod e2e;
mod ecosystem;
mod event_loop;
mod faults;
#[expect(dead_code, reason = "the bench uses the rest")]
mod harness;
mod wire;
mod wire_properties;

fn main() -> std::process::ExitCode {
    let tests = [
        allocations::trials(),
        architecture::trials(),
        cli::trials(),
        client::trials(),
        conformance::trials(),
        dependencies::trials(),
        e2e::trials(),
        ecosystem::trials(),
        event_loop::trials(),
        faults::trials(),
        wire::trials(),
        wire_properties::trials(),
    ];
    harness::trials::run(tests.into_iter().flatten().collect())
}
