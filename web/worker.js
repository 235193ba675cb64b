// The worker: has the machine, carries out what the page asks for, and tells it what the guest prints. A run goes in
// pieces, so that the page can ask for its end, and draws in between.
"use strict";
const PIECE_SECONDS = 0.04, SHOWN_SECONDS = 0.25;
let machine = null, wasm = null, running = false, piece = 1 << 16;
let printed = [];

function put(fd, bytes) { printed.push([fd, bytes]); }

function sendPrinted() {
  if (!printed.length) return;
  const all = printed;
  printed = [];
  postMessage({ kind: "printed", all });
}

function sendState(why) {
  sendPrinted();
  postMessage({ kind: "state", state: machine.state(), running, why });
}

async function open(m) {
  running = false;
  machine = await machineFrom(wasm, put);
  for (const [name, bytes] of m.files) machine.addFile(name, bytes);
  const good = machine.open(m.words, m.history);
  sendPrinted();
  postMessage({ kind: "opened", good });
  if (good) sendState("opened");
  else machine = null;
}

let shown = 0;
function goOn() {
  if (!running) return;
  const began = performance.now();
  const more = machine.run(piece);
  const took = (performance.now() - began) / 1000;
  if (took < PIECE_SECONDS / 2 && piece < 1 << 24) piece *= 2;
  if (took > PIECE_SECONDS * 2 && piece > 1 << 10) piece /= 2;
  if (!more) {
    running = false;
    postMessage({ kind: "said", line: null, text: machine.text() });
    sendState("stopped");
  } else {
    sendPrinted();
    if (performance.now() - shown > SHOWN_SECONDS * 1000) {
      shown = performance.now();
      sendState("running");
    }
    next.postMessage(0);
  }
}
// Unlike setTimeout, a message to oneself comes at once, after those that came before.
const channel = new MessageChannel(), next = channel.port2;
channel.port1.onmessage = goOn;

const asked = {
  load(m) { wasm = m.wasm; },
  open,
  run() { if (machine && !running) { running = true; shown = performance.now(); sendState("running"); goOn(); } },
  pause() { if (running) { running = false; sendState("stopped"); } },
  command(m) {
    if (!machine) return;
    if (!m.looks) running = false;
    const began = performance.now();
    const text = machine.command(m.line);
    sendPrinted();
    const seconds = (performance.now() - began) / 1000;
    postMessage({ kind: "said", line: m.line, text, quiet: m.quiet, id: m.id, seconds });
    if (!m.looks) sendState("command");
  },
  type(m) { if (machine) machine.type(m.text); },
  hash(m) { if (machine) postMessage({ kind: "hash", id: m.id, hash: machine.hash(), step: machine.steps() }); },
  complete(m) { if (machine) postMessage({ kind: "completed", id: m.id, found: machine.complete(m.line, m.start) }); },
};
let turn = Promise.resolve();
onmessage = (event) => {
  turn = turn.then(() => asked[event.data.kind](event.data)).catch((error) => {
    running = false;
    postMessage({ kind: "failed", text: String(error && error.stack || error) });
  });
};
