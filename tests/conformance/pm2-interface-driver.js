// pm2-interface on a leash: node pm2-interface-driver.js PACKAGE RPC PUB. Each line of standard
// input, {"method", "args"}, is one call; standard output has {"ready"}, {"topic"} for each message
// of the bus, and {"done": {"reply"}} or {"done": {"error"}} for each call, in their order.
var rpc = process.argv[3], pub = process.argv[4];
var isPort = /^\d+$/.test(rpc);
var ipm2 = require(process.argv[2])({
  rpc_port: isPort ? +rpc : rpc,
  sub_port: isPort ? +pub : pub
});

function say(what) {
  process.stdout.write(JSON.stringify(what) + '\n');
}

var waitsFor = 2;
function connected() {
  waitsFor -= 1;
  if (waitsFor === 0) say({ready: true});
}
ipm2.on('sub_sock:ready', connected);
ipm2.on('ready', connected);
ipm2.bus.on('*', function (topic) { say({topic: topic}); });

var rest = '';
process.stdin.on('data', function (chunk) {
  rest += chunk;
  var lines = rest.split('\n');
  rest = lines.pop();
  lines.forEach(function (line) {
    var call = JSON.parse(line);
    ipm2.rpc[call.method].apply(null, call.args.concat(function (error, reply) {
      say({done: error ? {error: error.message} : {reply: reply === undefined ? null : reply}});
    }));
  });
});
