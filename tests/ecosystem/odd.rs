//! Still other inputs of the kinds that users reported, with what PM2 7.0.4 makes of each: what it starts
//! is started, what it cannot read is named, and what only we read is started.

use std::fs;

use super::again::{ended, pm2, pm2_tui};
use super::cases::{apps, clear, empty, names};
use crate::harness::PATIENCE;
use crate::harness::home::{Pm2Home, run};
use crate::harness::install::Release;
use crate::harness::trials::{Test, with_pm2};

pub(crate) fn trials() -> Vec<Test> {
    vec![with_pm2(each_kind_has_other_inputs).lasting()]
}

/// What is to come of a file.
#[derive(Clone, Copy)]
enum Wanted {
    /// PM2 starts the process of this name, and so do we.
    Both(&'static str),
    /// Only we start it.
    Ours(&'static str),
    /// Neither does; what we say.
    Neither(&'static str),
    /// Neither, and both are content with that; with these words in our warning.
    Warned(&'static str),
}
use Wanted::{Both, Neither, Ours, Warned};

const MODULE: &str = "package.json is of modules";

/// Kind, file (below a `package.json` of modules where that is said), text, words behind it.
type Input = (&'static str, &'static str, String, &'static [&'static str], Wanted);

#[expect(clippy::too_many_lines, reason = "a table")]
fn inputs() -> Vec<Input> {
    let app = "script: './app.js', autostart: false";
    let module =
        |more: &str| format!("module.exports = {{ apps: [{{ name: 'x', {app}, {more} }}] }};");
    vec![
        // eco-default-interop: what compilers make of `export default`.
        (
            "",
            "tsc.config.js",
            format!(
                "'use strict'; const c = {{ apps: {} }}; exports.default = c; exports.other = 1;",
                apps("tsc")
            ),
            &[],
            Ours("tsc"),
        ),
        (
            "",
            "esbuild.config.js",
            format!(
                "Object.defineProperty(exports, 'default', {{ enumerable: true, get: () => ({{ apps: {} }}) }});",
                apps("getter")
            ),
            &[],
            Ours("getter"),
        ),
        (
            "",
            "self.config.cjs",
            format!(
                "const c = {{ apps: {} }}; module.exports = c; module.exports.default = c;",
                apps("self")
            ),
            &[],
            Both("self"),
        ),
        (
            "",
            "one.config.js",
            format!("exports.default = {{ name: 'one', {app} }};"),
            &[],
            Ours("one"),
        ),
        (
            "",
            "function.config.js",
            "exports.default = () => ({ apps: [] });".into(),
            &[],
            Neither("exports a function"),
        ),
        (
            MODULE,
            "module.config.js",
            format!("export default {{ apps: {} }};", apps("esm")),
            &[],
            Ours("esm"),
        ),
        // eco-module-exports-in-esm, and eco-dirname-in-esm.
        (
            MODULE,
            "exports.config.js",
            format!("exports.apps = {};", apps("x")),
            &[],
            Neither("exports is not defined in ES module scope"),
        ),
        (
            MODULE,
            "require.config.js",
            format!("const path = require('path'); export const apps = {};", apps("x")),
            &[],
            Neither("require is not defined in ES module scope"),
        ),
        (
            MODULE,
            "this.config.js",
            format!("this.apps = {};", apps("x")),
            &[],
            Neither("Cannot set properties of undefined"),
        ),
        (MODULE, "common.config.cjs", module(""), &[], Both("x")),
        (
            "",
            "module.config.mjs",
            format!("module.exports = {{ apps: {} }};", apps("x")),
            &[],
            Neither("module is not defined"),
        ),
        (
            "",
            "file.config.mjs",
            format!("export const apps = [{{ name: typeof __filename, {app} }}];"),
            &[],
            Both("undefined"),
        ),
        (
            "",
            "dirname.config.mjs",
            format!(
                "import p from 'path'; export const apps = [{{ name: p.join(__dirname, 'x'), {app} }}];"
            ),
            &[],
            Neither("__dirname is not defined"),
        ),
        // eco-env-file: text in place of variables.
        (
            "",
            "text.config.js",
            module("env_production: 'prod'"),
            &["--env", "production"],
            Both("x"),
        ),
        (
            "",
            "null.config.js",
            module("env_production: { A: 1 }, env: null"),
            &["--env", "production"],
            Both("x"),
        ),
        ("", "nothing.config.js", module("env_file: ''"), &[], Both("x")),
        // eco-env-not-defined.
        ("", "other.config.js", module("env_prod: { A: 1 }"), &["--env", "production"], Both("x")),
        (
            "",
            "case.config.js",
            module("env_PRODUCTION: { A: 1 }"),
            &["--env", "production"],
            Both("x"),
        ),
        (
            "",
            "dash.config.js",
            module("'env_my-stage': { A: 2 }"),
            &["--env", "my-stage"],
            Both("x"),
        ),
        // eco-config-ts, on a node that reads none and on one that does.
        ("", "plain.config.ts", module(""), &[], Ours("x")),
        (
            "",
            "empty.config.ts",
            "module.exports = { apps: [] };".into(),
            &[],
            Warned("there is no app in it"),
        ),
        ("", "none.json", "{\"apps\": []}".into(), &[], Warned("there is no app in it")),
        // PM2 7.0.4 takes them for an app, which has no script.
        (
            "",
            "later.config.mjs",
            "export default Promise.resolve({ apps: [{ name: 'x', script: 'app.js' }] });".into(),
            &[],
            Neither("it exports a promise"),
        ),
        (
            "",
            "later.config.js",
            "module.exports = Promise.resolve({ apps: [{ name: 'x', script: 'app.js' }] });".into(),
            &[],
            Neither("it exports a promise"),
        ),
        // eco-cron: names of days and months, steps; none is due while its start is watched.
        ("", "names.config.js", module("cron_restart: '0 0 * jan,MAR sun,7'"), &[], Both("x")),
        ("", "every.config.js", module("cron_restart: '*/15 59 3 1 1 *'"), &[], Both("x")),
        ("", "near.config.js", module("cron_restart: '0 0 15W * *'"), &[], Neither("15W")),
        ("", "none.config.js", module("cron_restart: '*/0 * * * *'"), &[], Neither("*/0")),
    ]
}

fn each_kind_has_other_inputs() {
    let (theirs, ours) = (Pm2Home::with(Release::Seven, &[]), Pm2Home::with(Release::Seven, &[]));
    for (kind, file, text, words, wanted) in inputs() {
        let folder = empty();
        if kind == MODULE {
            fs::write(folder.path().join("package.json"), "{\"type\": \"module\"}").unwrap();
        }
        fs::write(folder.path().join(file), text).unwrap();
        let arguments = [&["start", file][..], words].concat();
        run(pm2(&theirs, folder.path(), &arguments), PATIENCE).unwrap();
        let code = if matches!(wanted, Neither(_)) { 2 } else { 0 };
        let (_, said) = ended(pm2_tui(&ours, folder.path(), &arguments), code);
        let [their, our] = [&theirs, &ours].map(names);
        let (their_name, our_name) = match wanted {
            Both(name) => (vec![name], vec![name]),
            Ours(name) => (vec![], vec![name]),
            Neither(why) | Warned(why) => {
                assert!(said.contains(why), "{file}: {said}");
                (vec![], vec![])
            }
        };
        assert_eq!((their, our), (own(their_name), own(our_name)), "{file}: {said}");
        if file == "text.config.js" {
            assert!(
                said.contains("env_production is text") && !said.contains("no app has"),
                "{said}"
            );
        }
        clear(&theirs);
        clear(&ours);
    }
}

fn own(names: Vec<&str>) -> Vec<String> {
    names.into_iter().map(str::to_owned).collect()
}
