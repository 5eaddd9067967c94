//! Who starts PM2 at boot: systemd, launchd, `OpenRC` and the older ways of `pm2 startup`.
//!
//! Invariant: reads small files of this machine alone; all of it blocks. What counts is that a unit names
//! the daemon's `PM2_HOME`, not what the unit is called.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::files;
use crate::model::boot::Startup;
use crate::protocol::text::clean;

/// The most bytes of a unit that are read.
const BYTES_MAX: u64 = 64 << 10;
/// The most files of a folder that are looked at.
const FILES_MAX: usize = 2_000;

/// Where a system keeps its units.
struct Place {
    system: &'static str,
    folder: PathBuf,
    /// How a unit's name ends.
    ending: &'static str,
    /// Where a link says that it is switched on; empty where that is not known.
    links: Vec<PathBuf>,
}

/// Looks for a unit that starts the daemon of this home. Blocks.
pub(super) fn look(home: &Path) -> Startup {
    look_below(Path::new("/"), home)
}

/// The same below another root.
fn look_below(root: &Path, home: &Path) -> Startup {
    let real = fs::canonicalize(home).unwrap_or_else(|_| home.to_owned());
    let homes = [home.to_string_lossy(), real.to_string_lossy()];
    // One that is switched on before one that is not.
    let mut found = Startup::Nobody;
    for place in places(root, home) {
        for path in units(&place) {
            if !names_home(&path, &homes) {
                continue;
            }
            let is_enabled = is_enabled(&place, &path);
            let unit = Startup::Unit {
                system: place.system,
                path: clean(&path.to_string_lossy()).into(),
                is_enabled,
            };
            if is_enabled != Some(false) {
                return unit;
            }
            found = unit;
        }
    }
    found
}

fn places(root: &Path, home: &Path) -> Vec<Place> {
    let at = |path: &str| root.join(path);
    let place = |system, folder, ending, links| Place { system, folder, ending, links };
    let wants = |folder: &Path| {
        ["multi-user.target.wants", "default.target.wants", "graphical.target.wants"]
            .map(|name| folder.join(name))
            .to_vec()
    };
    let systemd = |folder: PathBuf| {
        let links = wants(&folder);
        place("systemd", folder, ".service", links)
    };
    let runlevels = at("etc/runlevels/default");
    let init = if runlevels.is_dir() {
        place("OpenRC", at("etc/init.d"), "", vec![runlevels])
    } else {
        place("init.d", at("etc/init.d"), "", Vec::new())
    };
    let mut places = vec![
        systemd(at("etc/systemd/system")),
        place("launchd", at("Library/LaunchDaemons"), ".plist", Vec::new()),
        init,
        place("rc.d", at("usr/local/etc/rc.d"), "", Vec::new()),
        place("rc.d", at("etc/rc.d"), "", Vec::new()),
    ];
    // The home's own: `PM2_HOME` mostly is a folder of it.
    if let Some(user) = home.parent() {
        places.push(systemd(user.join(".config/systemd/user")));
        places.push(place("launchd", user.join("Library/LaunchAgents"), ".plist", Vec::new()));
    }
    places
}

/// The files of a place, by name.
fn units(place: &Place) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(&place.folder) else { return Vec::new() };
    let paths = entries.take(FILES_MAX).filter_map(|entry| Some(entry.ok()?.path()));
    let fits = |path: &PathBuf| path.to_string_lossy().ends_with(place.ending);
    let mut paths: Vec<PathBuf> = paths.filter(fits).collect();
    paths.sort();
    paths
}

/// Whether a unit is of PM2 and names this home.
fn names_home(path: &Path, homes: &[std::borrow::Cow<'_, str>; 2]) -> bool {
    let Ok(file) = files::open(path) else { return false };
    let mut bytes = Vec::new();
    if file.take(BYTES_MAX).read_to_end(&mut bytes).is_err() {
        return false;
    }
    let text = String::from_utf8_lossy(&bytes);
    let mut places = text.match_indices("PM2_HOME").filter_map(|(at, _)| text.get(at..));
    places.any(|rest| homes.iter().any(|home| is_home(rest, home) || is_home_of(&text, rest, home)))
}

/// Whether it is the home of a user that the script names, as PM2's own script for `OpenRC` has it:
/// `user=${PM2_USER:-deploy}` and `PM2_HOME=$(eval echo ~${user})"/.pm2/"`.
fn is_home_of(text: &str, rest: &str, home: &str) -> bool {
    if !rest.starts_with("PM2_HOME=$(eval echo ~${user})\"/.pm2/\"") {
        return false;
    }
    let user = text.lines().find_map(|line| line.trim().strip_prefix("user="));
    let user = user.unwrap_or_default().trim_start_matches("${PM2_USER:-");
    let user = user.trim_matches(['"', '\'', '}']);
    let folder = if user == "root" { "/root".to_owned() } else { format!("/home/{user}") };
    !user.is_empty() && home.trim_end_matches('/') == format!("{folder}/.pm2")
}

/// Whether what stands behind `PM2_HOME` is this home: `=DIR`, `="DIR"`, or in a list of properties
/// `</key><string>DIR</string>`.
fn is_home(rest: &str, home: &str) -> bool {
    let value = rest.trim_start_matches("PM2_HOME");
    let value = match value.split_once("<string>") {
        Some((between, value)) if between.trim() == "</key>" => value,
        _ => value.trim_start_matches(['=', ':', ' ', '"', '\'']),
    };
    let end = value.find(['"', '\'', '\n', '\r', ' ', '\t', '<', ';']).unwrap_or(value.len());
    let value = value.get(..end).unwrap_or_default();
    !home.is_empty() && value.trim_end_matches('/') == home.trim_end_matches('/')
}

/// Whether a link says that the unit is switched on.
fn is_enabled(place: &Place, unit: &Path) -> Option<bool> {
    let name = unit.file_name()?;
    if place.links.is_empty() {
        return None;
    }
    Some(place.links.iter().any(|links| fs::symlink_metadata(links.join(name)).is_ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Machine(tempfile::TempDir);

    impl Machine {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn write(&self, path: &str, text: &str) -> PathBuf {
            let path = self.0.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
            path
        }

        fn told(&self, home: &str) -> String {
            let told = look_below(self.0.path(), Path::new(home)).to_string();
            told.replace(self.0.path().to_str().unwrap(), "")
        }
    }

    #[test]
    fn a_systemd_unit_is_found_by_its_home_and_not_by_its_name() {
        let machine = Machine::new();
        assert!(machine.told("/home/me/.pm2").starts_with("nobody"));
        let unit = |home: &str| {
            format!("[Service]\nEnvironment=PATH=/bin\nEnvironment=PM2_HOME={home}\nPIDFile=x\n")
        };
        machine.write("etc/systemd/system/pm2-me.service", &unit("/home/other/.pm2"));
        machine.write("etc/systemd/system/pm2-x.service.d/y.conf", &unit("/home/me/.pm2"));
        assert!(machine.told("/home/me/.pm2").starts_with("nobody"));
        let path = machine.write("etc/systemd/system/apps.service", &unit("/home/me/.pm2"));
        assert_eq!(
            machine.told("/home/me/.pm2"),
            "systemd: /etc/systemd/system/apps.service, but it is not enabled"
        );
        assert!(machine.told("/home/me/.pm").starts_with("nobody"));
        let wants = machine.0.path().join("etc/systemd/system/multi-user.target.wants");
        fs::create_dir(&wants).unwrap();
        std::os::unix::fs::symlink(path, wants.join("apps.service")).unwrap();
        assert_eq!(
            machine.told("/home/me/.pm2"),
            "systemd: /etc/systemd/system/apps.service, enabled"
        );
    }

    #[test]
    fn launchd_and_openrc_name_it_in_their_own_ways() {
        let machine = Machine::new();
        let list = "<dict><key>PM2_HOME</key>\n <string>/Users/me/.pm2</string></dict>";
        machine.write("Library/LaunchDaemons/pm2.me.plist", list);
        assert_eq!(machine.told("/Users/me/.pm2"), "launchd: /Library/LaunchDaemons/pm2.me.plist");
        let script = "#!/sbin/openrc-run\nexport PM2_HOME=\"/home/me/.pm2/\"\n";
        machine.write("etc/init.d/pm2", script);
        machine.write("etc/runlevels/default/pm2", "");
        assert_eq!(machine.told("/home/me/.pm2"), "OpenRC: /etc/init.d/pm2, enabled");
        let script = "user=${PM2_USER:-you}\nexport PM2_HOME=$(eval echo ~${user})\"/.pm2/\"\n";
        machine.write("etc/init.d/pm2", script);
        assert_eq!(machine.told("/home/you/.pm2"), "OpenRC: /etc/init.d/pm2, enabled");
        assert!(machine.told("/home/me/.pm2").starts_with("nobody"));
    }

    #[test]
    fn what_is_no_text_costs_nothing() {
        let machine = Machine::new();
        let path = machine.write("etc/systemd/system/a.service", "PM2_HOME");
        fs::write(&path, [0xff, 0xfe, b'P', b'M', b'2']).unwrap();
        fs::create_dir_all(machine.0.path().join("etc/systemd/system/b.service")).unwrap();
        assert!(machine.told("/home/me/.pm2").starts_with("nobody"));
        assert!(machine.told("").starts_with("nobody"));
    }
}
