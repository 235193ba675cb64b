// Puts the page together: build.js OUT WASM GUEST...: one HTML file with style, scripts, worker, machine and guests in
// it, which loads nothing and works from file: as well as from a server.
"use strict";
const fs = require("fs"), path = require("path"), zlib = require("zlib");
const [, , out, wasm, ...guests] = process.argv;

const text = (name) => fs.readFileSync(path.join("web", name), "utf8");
const packed = (file) => zlib.gzipSync(fs.readFileSync(file), { level: 9 }).toString("base64");
const asScript = (name) => text(name).replace(/<\/script/gi, "<\\/script");

const data = { wasm: packed(wasm), guests: Object.fromEntries(guests.map((g) => [path.basename(g), packed(g)])) };
const worker = text("wasi.js") + text("worker.js");
const html = text("page.html")
  .replace("/* style */", () => text("page.css"))
  .replace("/* script */", () =>
    "const INLINE = " + JSON.stringify({ ...data, worker }).replace(/<\//g, "<\\/") + ";\n" +
    ["words.js", "draw.js", "page.js"].map(asScript).join("\n"));
fs.writeFileSync(out, html);
const most = 8 << 20;
if (html.length > most) {
  console.error("web: " + out + " has " + html.length + " bytes, more than " + most);
  process.exit(1);
}
