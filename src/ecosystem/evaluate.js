// Evaluates the config file argv[1] as PM2 does and writes, between two lines of argv[2], what it
// exports. Runs as `node -e`; whatever the file itself writes stays outside of the markers. It does
// not end by itself then: what fails later in the file has to be seen. The rest of argv is what the
// file sees as `process.argv`.
const [program, file, marker, ...seen] = process.argv;
process.argv = [program, ...seen];
const load = require;
// `node -e` has these as globals. An ES module has not.
for (const name of ['module', 'exports', 'require', '__filename', '__dirname']) {
  delete globalThis[name];
}
const say = (value, then) => {
  process.stdout.write(`\n${marker}\n${JSON.stringify(value)}\n${marker}\n`, then);
};
// `FILE:LINE`, the source, and a caret under it: how node starts the report of a SyntaxError. At
// the end of the file there is nothing to point at, only the blanks.
const caret = /^(?:file:\/\/)?[^\n]*:(\d+)\n[^\n]*\n([ \t]*)[\^\n]/;
const failed = (error) => {
  const stack = String((error && error.stack) || error);
  const message = String((error && error.message) || error);
  let syntax = caret.exec(stack);
  if (error instanceof SyntaxError && !syntax) {
    // Of an ES module node says the place only when it reports to a terminal or, as here, a pipe.
    const options = { encoding: 'utf8', timeout: 2000 };
    const check = load('child_process').spawnSync(process.execPath, ['--check', file], options);
    syntax = caret.exec(check.stderr || '');
  }
  const frame = stack.split('\n').find((line) => line.includes(file));
  const place = frame && /:(\d+):(\d+)\)?$/.exec(frame);
  const end = () => process.exit(0);
  if (error instanceof SyntaxError && syntax) {
    say({ message, line: Number(syntax[1]), column: syntax[2].length + 1 }, end);
  } else if (place) {
    say({ message, line: Number(place[1]), column: Number(place[2]) }, end);
  } else {
    say({ message }, end);
  }
};
const exported = (value) => {
  // The second: what TypeScript makes of `export default`.
  const isModule = Object.prototype.toString.call(value) === '[object Module]' || (value && value.__esModule);
  return isModule && value.default !== undefined ? value.default : value;
};
// PM2 evaluates a .json file as JavaScript: comments, expressions, keys without quotes.
const byText = () =>
  load('vm').runInThisContext(`(${load('fs').readFileSync(file, 'utf8').replace(/^\uFEFF/, '')}\n)`, file);
const byImport = () => import(load('url').pathToFileURL(file).href);
(async () => {
  let value;
  try {
    value = file.endsWith('.json') || file.endsWith('.json5') ? byText() : load(file);
  } catch (error) {
    const isModule = ['ERR_REQUIRE_ESM', 'ERR_REQUIRE_ASYNC_MODULE'].includes(error && error.code);
    const isSyntax = /Cannot use import statement|Unexpected token 'export'/.test(error && error.message);
    if (!isModule && !isSyntax) throw error;
    value = await byImport();
  }
  value = await exported(value);
  if (typeof value === 'function') {
    say({ message: 'it exports a function, and PM2 wants an object: {"apps": []}' });
  } else {
    say({ exports: value });
  }
})().catch(failed);
