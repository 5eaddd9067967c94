if ('send' in process) {
  process.on("message", function (msg) {
    if ( "type" in msg && msg.type === "god:heap" ) {
        var heap = process.memoryUsage().heapUsed
      process.send({type:"process:heap", heap:heap})
    }
  })
}

var myMemoryLeak = []

setInterval( function () {
  var object = {}
  for (var i = 0; i < 10000; i++) {
    object["key"+i] = Math.random().toString(36).substring(7)
  }

  myMemoryLeak.push(object)

}, Math.round(Math.random()*2000))
