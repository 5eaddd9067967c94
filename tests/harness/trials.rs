//! The mains of the test binaries that need a real PM2: what is left out is reported as ignored.

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

use super::install::is_off;

/// A test that needs no PM2, under its module's name and its own.
pub fn simulated<F: FnOnce() + Send + 'static>(test: F) -> Trial {
    trial("", test)
}

/// A test that needs a real PM2: with `PM2_TUI_TEST_PM2=off` it is left out.
pub fn with_pm2<F: FnOnce() + Send + 'static>(test: F) -> Trial {
    trial("pm2::", test).with_ignored_flag(is_off())
}

fn trial<F: FnOnce() + Send + 'static>(prefix: &str, test: F) -> Trial {
    let path: Vec<&str> = std::any::type_name::<F>().rsplit("::").take(2).collect();
    let [name, module] = path[..] else { panic!("a function of a module: {path:?}") };
    Trial::test(format!("{prefix}{module}::{name}"), move || {
        test();
        Ok(())
    })
}

/// Runs them as the command line asks.
pub fn run(trials: Vec<Trial>) -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Every test runs a daemon and its apps: more at once than this only makes them all slow.
    arguments.test_threads.get_or_insert(2);
    libtest_mimic::run(&arguments, trials).exit_code()
}
