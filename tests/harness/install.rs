//! The locked PM2 releases, installed once per machine with `npm ci`.

use std::env;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use rustix::fs::{FlockOperation, flock};

/// How to leave these tests out; also said by every failure here.
const OFF: &str = "PM2_TUI_TEST_PM2=off leaves the tests with a real PM2 out";

/// Whether the user left the tests with a real PM2 out.
pub fn is_off() -> bool {
    env::var_os("PM2_TUI_TEST_PM2").is_some_and(|value| value == "off")
}

/// A release that is installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Release {
    /// PM2 7.0.4.
    Seven,
    /// PM2 5.4.3.
    Five,
}

/// Where the releases are.
#[derive(Debug)]
pub struct Pm2 {
    folder: PathBuf,
    /// The node that runs them.
    pub node: PathBuf,
}

impl Pm2 {
    /// The installed releases; the first call installs them, other test binaries wait for it.
    pub fn install() -> &'static Self {
        static INSTALLED: OnceLock<Result<Pm2, String>> = OnceLock::new();
        match INSTALLED.get_or_init(install) {
            Ok(pm2) => pm2,
            Err(reason) => panic!("{reason}; {OFF}"),
        }
    }

    /// The CLI's script.
    pub fn cli(&self, release: Release) -> PathBuf {
        cli_in(&self.folder, release)
    }
}

fn cli_in(folder: &Path, release: Release) -> PathBuf {
    let package = match release {
        Release::Seven => "pm2",
        Release::Five => "pm2-5",
    };
    folder.join("node_modules").join(package).join("bin/pm2")
}

/// The first file of this name in `PATH`.
fn in_path(name: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

fn install() -> Result<Pm2, String> {
    let node =
        in_path("node").ok_or("the tests with a real PM2 need node, which is not in PATH")?;
    let npm = in_path("npm").ok_or("the tests with a real PM2 need npm, which is not in PATH")?;
    let say = |error: std::io::Error| format!("could not install PM2 for the tests: {error}");

    let locked = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pm2");
    let lock = fs::read(locked.join("package-lock.json")).map_err(say)?;
    let mut hasher = DefaultHasher::new();
    lock.hash(&mut hasher);
    let name = format!("{:016x}", hasher.finish());

    let target =
        Path::new(env!("CARGO_TARGET_TMPDIR")).parent().ok_or("the target folder has no parent")?;
    let all = target.join("pm2-tests");
    fs::create_dir_all(&all).map_err(say)?;
    let guard = fs::File::create(all.join(format!("{name}.lock"))).map_err(say)?;
    // Held until `guard` goes, at the end of this function or of this process.
    flock(&guard, FlockOperation::LockExclusive).map_err(|error| say(error.into()))?;

    let folder = all.join(name);
    let finished = folder.join("finished");
    if !finished.is_file() {
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(say)?;
        }
        fs::create_dir_all(&folder).map_err(say)?;
        for file in ["package.json", "package-lock.json"] {
            fs::copy(locked.join(file), folder.join(file)).map_err(say)?;
        }
        let output = Command::new(npm)
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
            .current_dir(&folder)
            .output()
            .map_err(say)?;
        for release in [Release::Seven, Release::Five] {
            if !output.status.success() || !cli_in(&folder, release).is_file() {
                return Err(format!(
                    "npm ci did not install PM2 for the tests ({}): {}",
                    output.status,
                    String::from_utf8_lossy(&output.stderr).trim()
                ));
            }
        }
        fs::write(&finished, "").map_err(say)?;
    }
    Ok(Pm2 { folder, node })
}
