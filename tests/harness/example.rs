//! The examples, run as a user of the library would.

use std::path::Path;
use std::process::Command;

use super::home::Pm2Home;

/// An example, built as this test was, in this home's environment and ready to be spawned.
#[track_caller]
pub fn example(home: &Pm2Home, name: &str, arguments: &[&str]) -> Command {
    let test = std::env::current_exe().unwrap();
    let built = test.parent().and_then(Path::parent).unwrap();
    let profile = match built.file_name().and_then(|folder| folder.to_str()) {
        Some("debug") | None => "dev",
        Some(profile) => profile,
    };
    // `cargo test --test NAME` builds no examples, and an older build of one would tell nothing.
    let status = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--profile", profile, "--example", name, "--target-dir"])
        .arg(built.parent().unwrap())
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .unwrap();
    assert!(status.success(), "cargo build --example {name}: {status}");
    let mut command = Command::new(built.join("examples").join(name));
    command.args(arguments).env_clear().envs(home.environment()).current_dir(home.path());
    command
}
