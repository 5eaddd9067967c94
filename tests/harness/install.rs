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

/// Whether the user asked for every release, not only for those of CI.
pub fn is_all() -> bool {
    env::var_os("PM2_TUI_TEST_PM2").is_some_and(|value| value == "all")
}

/// A release that can be installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Release {
    /// PM2 7.0.4.
    Seven,
    /// PM2 6.0.14.
    Six,
    /// PM2 5.4.3.
    Five,
    /// PM2 4.5.6.
    Four,
    /// PM2 3.5.2.
    Three,
    /// PM2 2.10.4.
    Two,
    /// PM2 1.1.3.
    One,
    /// PM2 0.12.16.
    Zero12,
    /// PM2 0.10.8: no unix sockets, TCP.
    Zero10,
}

/// A folder with a `package.json` and its lock file, below `tests/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Locked {
    /// What runs on the node of this machine; the end-to-end tests need no more.
    Current,
    /// Old releases, with old Node.js; what CI asks besides. Linux x64 only.
    Old,
    /// The releases between: `PM2_TUI_TEST_PM2=all`. Linux x64 only.
    Older,
}

impl Locked {
    const fn folder(self) -> &'static str {
        match self {
            Self::Current => "pm2",
            Self::Old => "pm2-old",
            Self::Older => "pm2-older",
        }
    }

    fn installed(self) -> &'static OnceLock<Result<Pm2, String>> {
        static INSTALLED: [OnceLock<Result<Pm2, String>>; 3] =
            [OnceLock::new(), OnceLock::new(), OnceLock::new()];
        &INSTALLED[self as usize]
    }
}

/// Where a release comes from.
struct Origin {
    version: &'static str,
    locked: Locked,
    package: &'static str,
    /// The package of its node; `None` is the node of this machine.
    node: Option<&'static str>,
}

impl Release {
    /// All of them, the newest first.
    pub const ALL: [Self; 9] = [
        Self::Seven,
        Self::Six,
        Self::Five,
        Self::Four,
        Self::Three,
        Self::Two,
        Self::One,
        Self::Zero12,
        Self::Zero10,
    ];

    /// The folder that it is installed from.
    pub const fn locked(self) -> Locked {
        self.origin().locked
    }

    const fn origin(self) -> Origin {
        use Locked::{Current, Old, Older};
        let (version, locked, package, node) = match self {
            Self::Seven => ("7.0.4", Current, "pm2", None),
            Self::Six => ("6.0.14", Older, "pm2-6", None),
            Self::Five => ("5.4.3", Current, "pm2-5", None),
            Self::Four => ("4.5.6", Older, "pm2-4", Some("node-12")),
            Self::Three => ("3.5.2", Old, "pm2-3", Some("node-10")),
            Self::Two => ("2.10.4", Older, "pm2-2", Some("node-8")),
            Self::One => ("1.1.3", Old, "pm2-1", Some("node-6")),
            Self::Zero12 => ("0.12.16", Old, "pm2-0.12", Some("node-6")),
            Self::Zero10 => ("0.10.8", Old, "pm2-0.10", Some("node-0")),
        };
        Origin { version, locked, package, node }
    }

    /// Its version.
    pub const fn version(self) -> &'static str {
        self.origin().version
    }

    /// Whether CI asks it: the newest and the oldest of all, which has another bus and no unix
    /// sockets. What daemons of the others sent is in `tests/wire`.
    pub const fn is_in_ci(self) -> bool {
        matches!(self, Self::Seven | Self::Zero10)
    }

    /// Its command line's script and the node that runs it.
    pub fn program(self) -> (PathBuf, PathBuf) {
        let pm2 = Pm2::of(self.origin().locked);
        (pm2.cli(self), pm2.node(self))
    }
}

/// Where the releases of one folder are.
#[derive(Debug)]
pub struct Pm2 {
    /// With `node_modules` in it.
    pub folder: PathBuf,
    /// The node of this machine.
    pub node: PathBuf,
}

impl Pm2 {
    /// The installed releases that run on this machine's node.
    pub fn install() -> &'static Self {
        Self::of(Locked::Current)
    }

    /// The installed packages of this folder; the first call installs them, other test binaries
    /// wait for it.
    pub fn of(locked: Locked) -> &'static Self {
        match locked.installed().get_or_init(|| install(locked)) {
            Ok(pm2) => pm2,
            Err(reason) => panic!("{reason}; {OFF}"),
        }
    }

    /// The CLI's script.
    pub fn cli(&self, release: Release) -> PathBuf {
        cli_in(&self.folder, release)
    }

    /// The node that runs this release.
    pub fn node(&self, release: Release) -> PathBuf {
        release.origin().node.map_or_else(
            || self.node.clone(),
            |package| self.folder.join("node_modules").join(package).join("bin/node"),
        )
    }
}

fn cli_in(folder: &Path, release: Release) -> PathBuf {
    folder.join("node_modules").join(release.origin().package).join("bin/pm2")
}

/// The first file of this name in `PATH`.
fn in_path(name: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

fn install(locked: Locked) -> Result<Pm2, String> {
    let node =
        in_path("node").ok_or("the tests with a real PM2 need node, which is not in PATH")?;
    let npm = in_path("npm").ok_or("the tests with a real PM2 need npm, which is not in PATH")?;
    let say = |error: std::io::Error| format!("could not install PM2 for the tests: {error}");

    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(locked.folder());
    let lock = fs::read(source.join("package-lock.json")).map_err(say)?;
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
            fs::copy(source.join(file), folder.join(file)).map_err(say)?;
        }
        let output = Command::new(npm)
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
            .current_dir(&folder)
            .output()
            .map_err(say)?;
        for release in Release::ALL.into_iter().filter(|one| one.origin().locked == locked) {
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
