//! What runs a script: by its extension, or by what it is.
//!
//! Source: `resolveInterpreter` in `lib/Common.js` and `lib/API/interpreter.json` of PM2 7.0.4.
//! Invariant: what comes out is `none` or a program that is there. The daemon would start the app
//! as a ghost otherwise: `online`, and without a pid for ever.

use std::path::Path;

use super::paths;

/// Where programs are looked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Search<'a> {
    /// The caller's `PATH`.
    pub(super) path: Option<&'a str>,
    /// The caller's `NVM_DIR`.
    pub(super) nvm: Option<&'a str>,
    /// The caller's working folder.
    pub(super) cwd: &'a Path,
}

impl Search<'_> {
    /// Whether there is such a program, as PM2's `which` sees it.
    pub(super) fn has(&self, program: &str) -> bool {
        paths::which(program, self.path, self.cwd).is_some()
    }
}

/// The interpreter for a script. `is_cluster` says that the app asks for cluster mode.
///
/// # Errors
/// What is missing.
pub(super) fn choose(
    named: Option<&str>,
    script: &Path,
    is_cluster: bool,
    search: Search<'_>,
) -> Result<String, String> {
    let chosen = match named.filter(|name| !name.is_empty()) {
        Some(named) if named.contains("node@") && !is_cluster => installed_node(named, search)?,
        Some(named) => named.to_owned(),
        None => by_extension(script, search)?,
    };
    if chosen != "none" && !search.has(&chosen) {
        // A path is not looked for in PATH.
        let place = if chosen.contains('/') { "" } else { " in PATH" };
        return Err(format!("there is no {chosen}{place} to run it with"));
    }
    Ok(chosen)
}

fn by_extension(script: &Path, search: Search<'_>) -> Result<String, String> {
    let chosen = match paths::extension(script).as_str() {
        ".sh" => "bash",
        ".py" if !search.has("python") && search.has("python3") => "python3",
        ".py" => "python",
        ".rb" => "ruby",
        ".php" => "php",
        ".pl" => "perl",
        ".js" => "node",
        // PM2 has these two in its own folder, which only its CLI knows.
        ".coffee" => "coffee",
        ".ls" => "lsc",
        ".ts" | ".tsx" if !search.has("bun") => {
            return Err(
                "TypeScript runs with bun, which is not in PATH; name another interpreter \
                        (node from 22.18 on can do it)"
                    .to_owned(),
            );
        }
        ".ts" | ".tsx" => "bun",
        _ if paths::is_binary(script) => "none",
        _ => {
            let node = paths::which("node", search.path, search.cwd)
                .ok_or("it has no extension that says what it is, and there is no node in PATH")?;
            // PM2 names the node that it runs in itself, links followed.
            let node = node.canonicalize().unwrap_or(node);
            return Ok(node.to_string_lossy().into_owned());
        }
    };
    Ok(chosen.to_owned())
}

/// `node@VERSION` as nvm has it; PM2's CLI would install it, which is not done here.
fn installed_node(named: &str, search: Search<'_>) -> Result<String, String> {
    let version = named.split('@').nth(1).unwrap_or_default();
    let nvm = search.nvm.ok_or_else(|| format!("{named} needs nvm, and NVM_DIR is not set"))?;
    let node = paths::resolve(Path::new(nvm), &format!("versions/node/v{version}/bin/node"));
    if !node.exists() {
        return Err(format!("nvm has no node {version}: nvm install {version} would get it"));
    }
    Ok(node.to_string_lossy().into_owned())
}
