//! Where in the app's own code an exception was thrown.

/// A place is at most this long, characters.
const PLACE_CHARS_MAX: usize = 200;

/// The first frame of a stack that is in a file of the app: `handler (/srv/api/index.js:42:17)` of
/// Node.js; of Python the last, `/srv/app.py, line 12, in main`.
#[must_use]
pub fn own_frame(stack: &[Box<str>]) -> Option<String> {
    let node = stack.iter().find_map(|line| node(line));
    let place = node.or_else(|| stack.iter().rev().find_map(|line| python(line)))?;
    Some(place.chars().take(PLACE_CHARS_MAX).collect())
}

/// `    at f (/srv/a.js:1:2)`, `    at async /srv/a.js:1:2`.
fn node(line: &str) -> Option<String> {
    let call = line.trim().strip_prefix("at ")?;
    let inside = call.strip_suffix(')').and_then(|call| call.rsplit_once('('));
    let place = inside.map_or(call, |(_, place)| place);
    let is_path = place.contains(['/', '\\']);
    let place = place.strip_prefix("async ").unwrap_or(place);
    let foreign = ["node:", "internal/", "ext:", "deno:"];
    let folders = ["node_modules", "/.yarn/", "/.pnpm/"];
    let is_own = is_path
        && !foreign.iter().any(|start| place.starts_with(start))
        && !folders.iter().any(|folder| place.contains(folder));
    is_own.then(|| call.to_owned())
}

/// `  File "/srv/app.py", line 12, in main`.
fn python(line: &str) -> Option<String> {
    let (path, rest) = line.trim().strip_prefix("File \"")?.split_once("\", ")?;
    let foreign = ["site-packages/", "dist-packages/", "/lib/python", "<frozen "];
    let is_own = rest.starts_with("line ") && !foreign.iter().any(|folder| path.contains(folder));
    is_own.then(|| format!("{path}, {rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(stack: &str) -> Option<String> {
        own_frame(&stack.lines().map(Into::into).collect::<Vec<_>>())
    }

    #[test]
    fn the_first_own_frame_is_found() {
        let stack = "Error: listen EADDRINUSE\n    at Server.setup (node:net:1817:16)\n    \
                     at Function.listen (/srv/api/node_modules/express/lib/application.js:635:24)\n    \
                     at Object.<anonymous> (/srv/api/index.js:42:17)\n    at other (/srv/b.js:1:1)";
        assert_eq!(frame(stack).as_deref(), Some("Object.<anonymous> (/srv/api/index.js:42:17)"));
        let modules =
            "Error: x\n    at async file:///srv/api/main.mjs:3:1\n    at node:internal/x:1:1";
        assert_eq!(frame(modules).as_deref(), Some("async file:///srv/api/main.mjs:3:1"));
        let python = "Traceback (most recent call last):\n  File \"/srv/app.py\", line 12, in main\n    \
                      f()\n  File \"/srv/lib.py\", line 3, in f\n    g()\n  \
                      File \"/usr/lib/python3.11/json/decoder.py\", line 355, in raw\nValueError: no";
        assert_eq!(frame(python).as_deref(), Some("/srv/lib.py, line 3, in f"));
        for none in ["", "Error: x", "Error: x\n    at internal/main.js:3:1\n    at <anonymous>"] {
            assert_eq!(frame(none), None, "{none}");
        }
    }
}
