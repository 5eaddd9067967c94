// Evaluates the config file argv[1] as PM2 does and writes, between two lines of argv[2], what it
// exports. Runs as `node -e`; whatever the file itself writes stays outside of the markers. It does
// not end by itself then: what fails later in the file has to be seen. The rest of argv is what the
// file sees as `process.argv`.
const [program, file, marker, ...seen] = process.argv;
process.argv = [program, ...seen];
process.execArgv = [];
const load = require;
const complain = (text) => load('fs').writeSync(2, `\n${text}\n`);
// Whether node ends since nothing is left to do. PM2 itself ends with a code of its own then.
let isDone = false;
let isTold = false;
process.on('beforeExit', () => {
  isDone = true;
});
process.on('exit', (code) => {
  if (isDone) {
    process.exitCode = 0;
  } else if (code === 0 && isTold) {
    // PM2 would end here, with nothing started.
    complain('it ended the program with process.exit(0)');
    process.exitCode = 1;
  }
});
// `node -e` has these as globals. An ES module has not.
for (const name of ['module', 'exports', 'require', '__filename', '__dirname']) {
  delete globalThis[name];
}
// A regular expression would be an empty object.
const written = (key, value) =>
  Object.prototype.toString.call(value) === '[object RegExp]' ? { RegExp: String(value) } : value;
const say = (value, then) => {
  isTold = true;
  process.stdout.write(`\n${marker}\n${JSON.stringify(value, written)}\n${marker}\n`, then);
};
// `FILE:LINE`, the source, and a caret under it: how node starts the report of a SyntaxError. At
// the end of the file there is nothing to point at, only the blanks.
const caret = /^(?:file:\/\/)?[^\n]*:(\d+)\n[^\n]*\n([ \t]*)[\^\n]/;
const placeOf = (stack) => {
  const frame = stack.split('\n').find((line) => line.includes(file));
  return frame && /:(\d+):(\d+)\)?$/.exec(frame);
};
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
  const place = placeOf(stack);
  const isUnread = error instanceof SyntaxError || (error && error.code === 'ERR_UNKNOWN_FILE_EXTENSION');
  const isTooOld = isUnread && /\.[cm]?ts$/.test(file) && !process.features.typescript;
  const end = () => {
    isDone = true;
    process.exit(0);
  };
  if (isTooOld) {
    const way = 'node 22.18 or newer reads TypeScript; else compile it to .js first';
    say({ message: `${way} (this is node ${process.version.slice(1)}: ${message})` }, end);
  } else if (error instanceof SyntaxError && syntax) {
    say({ message, line: Number(syntax[1]), column: syntax[2].length + 1 }, end);
  } else if (place) {
    say({ message, line: Number(place[1]), column: Number(place[2]) }, end);
  } else {
    say({ message }, end);
  }
};
// What fails after the value was told: one line, with its place. A file may have its own ears for it.
for (const event of ['uncaughtException', 'unhandledRejection']) {
  process.on(event, (error) => {
    if (process.listenerCount(event) > 1) return;
    const message = String((error && error.message) || error);
    const place = placeOf(String((error && error.stack) || error));
    complain(place ? `${message} (line ${place[1]}, column ${place[2]})` : message);
    process.exit(1);
  });
}
// What TypeScript and ES modules have as `default`, where nothing else in it is an app or a list.
const exported = async (value) => {
  for (let depth = 0; depth < 4; depth += 1) {
    value = await value;
    const isObject = value !== null && typeof value === 'object' && !Array.isArray(value);
    const isConfig = isObject && ['apps', 'pm2', 'script', 'cmd', 'command'].some((key) => key in value);
    if (!isObject || isConfig || value.default === undefined) break;
    value = value.default;
  }
  return value;
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
