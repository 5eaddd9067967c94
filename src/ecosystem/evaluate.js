// Evaluates the config file argv[1] (`-` is standard input) as PM2 does, as JSON or as a module, by
// argv[3], and writes, between two lines of argv[2], what it exports. Runs as `node -e`; whatever the file itself writes stays outside of the markers. It does
// not end by itself then: what fails later in the file has to be seen. The rest of argv is what the
// file sees as `process.argv`. With the value it writes which environment variables the file
// changed: PM2 has the file in its own process, so that its apps get them (`dotenv`).
const [program, file, marker, format, ...seen] = process.argv;
process.argv = [program, ...seen];
process.execArgv = [];
const load = require;
const before = { ...process.env };
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
// `node -e` has these as globals, and every module of node's own. Elsewhere there are none.
const { builtinModules, Module } = load('module');
const kept = ['console', 'crypto', 'performance', 'process'];
const { webcrypto } = load('crypto');
for (const name of ['module', 'exports', 'require', '__filename', '__dirname', ...builtinModules]) {
  if (!kept.includes(name)) delete globalThis[name];
}
if (webcrypto) {
  Object.defineProperty(globalThis, 'crypto', { value: webcrypto, configurable: true, writable: true });
}
// The program itself is a module, too, and never the file.
process.mainModule = new Module('.', null);
process.mainModule.filename = program;
// A regular expression would be an empty object.
const written = (key, value) =>
  Object.prototype.toString.call(value) === '[object RegExp]' ? { RegExp: String(value) } : value;
// What the file set, and what it removed: null.
const changes = () => {
  const now = process.env;
  const set = Object.keys(now).filter((name) => now[name] !== before[name]);
  const gone = Object.keys(before).filter((name) => !(name in now));
  return Object.fromEntries([...set.map((name) => [name, now[name]]), ...gone.map((name) => [name, null])]);
};
// One line of a message: node puts a list of modules, or advice, on lines of their own.
const inLine = (message) => {
  const lines = String(message).split('\n').map((line) => line.trim());
  const end = lines.findIndex((line) => line.startsWith('Require stack:'));
  return lines.slice(0, end < 0 ? lines.length : end).filter(Boolean).join('; ');
};
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
  const way = error && error.code === 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX' ? '; compile it to .js first' : '';
  const message = `${inLine((error && error.message) || error)}${way}`;
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
    const newer = 'node 22.18 or newer reads TypeScript; else compile it to .js first';
    say({ message: `${newer} (this is node ${process.version.slice(1)}: ${message})` }, end);
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
    const message = inLine((error && error.message) || error);
    const place = placeOf(String((error && error.stack) || error));
    complain(place ? `${message} (line ${place[1]}, column ${place[2]})` : message);
    process.exit(1);
  });
}
const { isPromise } = load('util').types;
// What TypeScript and ES modules have as `default`, where nothing else in it is an app or a list.
const exported = (value) => {
  for (let depth = 0; depth < 4; depth += 1) {
    if (isPromise(value)) return value;
    const isObject = value !== null && typeof value === 'object' && !Array.isArray(value);
    const isConfig = isObject && ['apps', 'pm2', 'script', 'cmd', 'command'].some((key) => key in value);
    if (!isObject || isConfig || value.default === undefined) break;
    value = value.default;
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value) || isPromise(value)) return value;
  // What else a whole config exports is its own, and may be itself: `module.exports.default = module.exports`.
  const isWhole = 'apps' in value || 'pm2' in value;
  const names = isWhole ? ['apps', 'pm2', 'deploy', 'static'].filter((name) => name in value) : Object.keys(value);
  return Object.fromEntries(names.filter((name) => value[name] !== value).map((name) => [name, value[name]]));
};
// PM2 evaluates a .json file as JavaScript: comments, expressions, keys without quotes.
const byText = () => {
  const text = load('fs').readFileSync(file === '-' ? 0 : file, 'utf8').replace(/^\uFEFF/, '');
  return load('vm').runInThisContext(`(${text}\n)`, file);
};
const byImport = () => import(load('url').pathToFileURL(file).href);
(async () => {
  let value;
  try {
    value = format === 'json' ? byText() : load(file);
  } catch (error) {
    const isModule = ['ERR_REQUIRE_ESM', 'ERR_REQUIRE_ASYNC_MODULE'].includes(error && error.code);
    const isSyntax = /Cannot use import statement|Unexpected token 'export'/.test(error && error.message);
    if (!isModule && !isSyntax) throw error;
    value = await byImport();
  }
  value = exported(value);
  if (isPromise(value)) {
    // PM2 takes it for an app without a script.
    value.catch(() => {});
    say({ message: 'it exports a promise, and PM2 does not wait for one: export the object itself' });
  } else if (typeof value === 'function') {
    say({ message: 'it exports a function, and PM2 wants an object: {"apps": []}' });
  } else {
    say({ exports: value, env: changes() });
  }
})().catch(failed);
