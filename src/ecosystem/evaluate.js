// Evaluates the config file argv[1] as PM2 does and writes, between two lines of argv[2], what it
// exports. Runs as `node -e`; whatever the file itself writes stays outside of the markers.
const [, file, marker] = process.argv;
const say = (value) => {
  process.stdout.write(`\n${marker}\n${JSON.stringify(value)}\n${marker}\n`, () => process.exit(0));
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
    const check = require('child_process').spawnSync(process.execPath, ['--check', file], options);
    syntax = caret.exec(check.stderr || '');
  }
  const frame = stack.split('\n').find((line) => line.includes(file));
  const place = frame && /:(\d+):(\d+)\)?$/.exec(frame);
  if (error instanceof SyntaxError && syntax) {
    say({ message, line: Number(syntax[1]), column: syntax[2].length + 1 });
  } else if (place) {
    say({ message, line: Number(place[1]), column: Number(place[2]) });
  } else {
    say({ message });
  }
};
const exported = (value) => {
  const isModule = Object.prototype.toString.call(value) === '[object Module]';
  return isModule && value.default !== undefined ? value.default : value;
};
const byImport = () => import(require('url').pathToFileURL(file).href);
(async () => {
  let value;
  try {
    value = require(file);
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
