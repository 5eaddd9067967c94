// The worker of pm2-interface's two-way example: tells how large its heap is when it is asked.
//
//   pm2 start examples/worker.js -i 3 --name worker

if (process.send) {
  process.on('message', function (msg) {
    if (msg && msg.type === 'god:heap') {
      var heap = process.memoryUsage().heapUsed;
      process.send({ type: 'process:heap', heap: heap });
    }
  });
}

var myMemoryLeak = [];

setInterval(function () {
  var object = {};
  for (var i = 0; i < 10000; i++) {
    object['key' + i] = Math.random().toString(36).substring(7);
  }
  myMemoryLeak.push(object);
}, Math.round(Math.random() * 2000));
