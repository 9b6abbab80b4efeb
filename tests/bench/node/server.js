// The bare Node.js server of the benchmark: http2 over TLS, which reads a push,
// checks nothing, keeps nothing, and answers as APNs does.
"use strict";

const { readFileSync } = require("node:fs");
const http2 = require("node:http2");

const pem = readFileSync(process.argv[2]);
const server = http2.createSecureServer({ cert: pem, key: pem });
server.on("stream", (stream) => {
  stream.resume();
  stream.on("end", () => {
    stream.respond(
      { ":status": 200, "apns-id": "9CC486EA-EA83-9351-40DF-557A308816D8" },
      { endStream: true },
    );
  });
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
