//! The examples, as cargo builds them with the tests.

use std::path::PathBuf;
use std::process::Command;

use super::home::Pm2Home;

/// A built example in this home's environment, ready to be spawned.
pub fn example(home: &Pm2Home, name: &str, arguments: &[&str]) -> Command {
    let tests = std::env::current_exe().unwrap();
    let target: PathBuf = tests.parent().and_then(|deps| deps.parent()).unwrap().to_owned();
    let program = target.join("examples").join(name);
    assert!(program.is_file(), "{} is not built: cargo build --examples", program.display());
    let mut command = Command::new(program);
    command.args(arguments).env_clear().envs(home.environment()).current_dir(home.path());
    command
}
