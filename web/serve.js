// Serves one folder on loopback: serve.js DIR [PORT]. Any other web server does as well.
"use strict";
const fs = require("fs"), http = require("http"), path = require("path");
const root = path.resolve(process.argv[2]), port = Number(process.argv[3] ?? 8017);

const server = http.createServer((request, response) => {
  const name = path.basename(new URL(request.url, "http://localhost").pathname) || "index.html";
  if (request.method !== "GET" || name !== "index.html") return response.writeHead(404).end("not here\n");
  fs.readFile(path.join(root, name), (error, bytes) => {
    response.writeHead(error ? 404 : 200, { "content-type": "text/html; charset=utf-8" }).end(error ? "not here\n" : bytes);
  });
});
server.on("error", (error) => {
  console.error("web-serve: " + error.message + "; PORT=N takes another port");
  process.exit(1);
});
server.listen(port, "127.0.0.1", () => console.log("http://127.0.0.1:" + server.address().port + "/"));
