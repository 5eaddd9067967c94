//! Which module of `src` names which other: `use` trees, grouped ones too, and paths in the code. What
//! a module passes on by `use` is the import of the module where it is.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;

/// The modules by their paths, `daemon/rpc/socket`, and what each names.
pub(super) struct Modules {
    named: BTreeMap<String, Vec<Vec<String>>>,
    /// What each has by `use`, by the name that it has there.
    used: BTreeMap<String, BTreeMap<String, Vec<String>>>,
}

impl Modules {
    /// Of files without tests and comments.
    pub(super) fn of(files: &[(String, String)]) -> Self {
        let statement = Regex::new(r"(?m)^[ \t]*(?:pub(?:\([^)]*\))?\s+)?use\s+([^;]+);").unwrap();
        let paths = Regex::new(r"[A-Za-z_]\w*(?:::[A-Za-z_]\w*)+").unwrap();
        let mut modules = Self { named: BTreeMap::new(), used: BTreeMap::new() };
        for (name, code) in files {
            let name = name.strip_suffix("/mod").unwrap_or(name).to_owned();
            let mut all = Vec::new();
            for tree in statement.captures_iter(code) {
                expand(&tree[1], &[], &mut all);
            }
            let used = all.iter().filter_map(|(path, name)| Some((name.clone()?, path.clone())));
            modules.used.insert(name.clone(), used.collect());
            let mut named: Vec<_> = all.into_iter().map(|(path, _)| path).collect();
            let rest = statement.replace_all(code, "");
            let segments = |path: &str| path.split("::").map(str::to_owned).collect();
            named.extend(paths.find_iter(&rest).map(|path| segments(path.as_str())));
            modules.named.insert(name, named);
        }
        modules
    }

    /// The modules that a module names, as it names them: not followed to where they come from.
    pub(super) fn named_by(&self, name: &str) -> BTreeSet<String> {
        let paths = self.named.get(name).into_iter().flatten();
        paths.filter_map(|path| self.find(name, path)).map(|(module, _)| module).collect()
    }

    /// The modules where what a module names is.
    pub(super) fn imported_by(&self, name: &str) -> BTreeSet<String> {
        let paths = self.named.get(name).into_iter().flatten();
        paths.filter_map(|path| self.follow(name, path, 0)).filter(|found| found != name).collect()
    }

    fn follow(&self, name: &str, path: &[String], steps: usize) -> Option<String> {
        let (module, rest) = self.find(name, path)?;
        let passed_on = rest.first().and_then(|item| self.used.get(&module)?.get(item));
        match passed_on {
            Some(from) if steps < 8 => {
                let path: Vec<_> = from.iter().chain(rest.iter().skip(1)).cloned().collect();
                self.follow(&module, &path, steps + 1).or(Some(module))
            }
            _ => Some(module),
        }
    }

    /// The module of a path in a module, and what of the path is left.
    fn find<'a>(&self, name: &str, path: &'a [String]) -> Option<(String, &'a [String])> {
        let mut at: Vec<&str> = name.split('/').collect();
        let (first, mut rest) = path.split_first()?;
        match first.as_str() {
            "crate" => at.clear(),
            "self" => {}
            "super" => {
                at.pop();
                while let Some((next, after)) =
                    rest.split_first().filter(|(next, _)| *next == "super")
                {
                    debug_assert_eq!(next, "super");
                    at.pop();
                    rest = after;
                }
            }
            child if self.named.contains_key(&format!("{name}/{child}")) => rest = path,
            _ => return None,
        }
        while let Some((next, after)) = rest.split_first() {
            at.push(next);
            if !self.named.contains_key(&at.join("/")) {
                at.pop();
                break;
            }
            rest = after;
        }
        (!at.is_empty()).then(|| (at.join("/"), rest))
    }

    /// The circles between the modules of each folder, and between the folders: each as the modules
    /// that reach one another. A module and the modules within it are one here.
    pub(super) fn circles(&self) -> Vec<String> {
        let mut circles = Vec::new();
        let folders = self.named.keys().filter_map(|name| Some(name.rsplit_once('/')?.0));
        let folders: BTreeSet<&str> = folders.chain([""]).collect();
        for folder in folders {
            let child = |name: &str| {
                let inside = if folder.is_empty() {
                    name
                } else {
                    name.strip_prefix(folder)?.strip_prefix('/')?
                };
                inside.split('/').next().map(str::to_owned)
            };
            let mut reached: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
            for name in self.named.keys() {
                let Some(from) = child(name) else { continue };
                let others = self.imported_by(name).into_iter().filter_map(|other| child(&other));
                reached.entry(from.clone()).or_default().extend(others.filter(|to| *to != from));
            }
            let all: Vec<String> = reached.keys().cloned().collect();
            for via in &all {
                for from in &all {
                    if reached[from].contains(via) {
                        let further = reached[via].clone();
                        reached.get_mut(from).unwrap().extend(further);
                    }
                }
            }
            let mut told = BTreeSet::new();
            for one in &all {
                let with = |other: &&String| {
                    reached[one].contains(*other) && reached[*other].contains(one)
                };
                let circle: Vec<_> = all.iter().filter(with).cloned().collect();
                if !circle.is_empty() && told.insert(circle.clone()) {
                    circles.push(format!("in {folder}/: {}", circle.join(", ")));
                }
            }
        }
        circles
    }
}

/// The paths of a `use` tree, each with the name that it has then.
fn expand(tree: &str, before: &[String], all: &mut Vec<(Vec<String>, Option<String>)>) {
    let tree = tree.trim();
    let Some((path, group)) = tree.split_once('{') else {
        let (path, name) = match tree.split_once(" as ") {
            Some((path, name)) => (path.trim(), Some(name.trim().to_owned())),
            None => (tree, None),
        };
        let mut whole = before.to_vec();
        whole.extend(path.split("::").map(|part| part.trim().to_owned()));
        // `a::{self}` is `a`.
        if whole.len() > 1 && whole.last().is_some_and(|last| last == "self") {
            whole.pop();
        }
        let last = whole.last().cloned().filter(|last| last != "*");
        all.push((whole, name.or(last)));
        return;
    };
    let mut whole = before.to_vec();
    whole
        .extend(path.split("::").map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned));
    let (mut depth, mut start) = (0, 0);
    let inside = group.trim_end().strip_suffix('}').unwrap_or(group);
    for (at, c) in inside.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                expand_part(inside.get(start..at).unwrap(), &whole, all);
                start = at + 1;
            }
            _ => {}
        }
    }
    expand_part(inside.get(start..).unwrap(), &whole, all);
}

fn expand_part(part: &str, before: &[String], all: &mut Vec<(Vec<String>, Option<String>)>) {
    if !part.trim().is_empty() {
        expand(part, before, all);
    }
}

/// The reader of imports, on modules made up for it.
pub(super) fn assert_reads_imports() {
    let file = |name: &str, code: &str| (name.to_owned(), code.to_owned());
    let modules = Modules::of(&[
        file("a/mod", "mod x;\nmod y;\npub use self::x::{X, deep::{Y, Z as W}};"),
        file("a/x", "pub mod deep;\nuse std::{fs, io};\nuse super::{W, y::{self, One}};"),
        file("a/x/deep", "use crate::{b, c::{\n    D,\n    E,\n}};"),
        file("a/y", "fn f() { super::super::b::g(); crate::a::x::deep::h() }"),
        file("b", "use crate::c;\nfn g() { c::d() }"),
        file("c", "pub(crate) use crate::b as other;"),
    ]);
    let of = |name| modules.imported_by(name).into_iter().collect::<Vec<_>>().join(" ");
    assert_eq!(of("a"), "a/x a/x/deep");
    assert_eq!(of("a/x"), "a/x/deep a/y");
    assert_eq!(of("a/x/deep"), "b c");
    assert_eq!(of("a/y"), "a/x/deep b");
    assert_eq!(modules.circles(), ["in /: b, c", "in a/: x, y"]);
}
