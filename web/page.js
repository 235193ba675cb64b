// The page: asks the worker for what its user wants, and has what comes back drawn.
"use strict";

const HISTORY_BYTES = 128 << 20;
const page = { state: null, before: null, seen: null, chosen: null, running: false, id: 0, waiting: new Map(), own: null };
const worker = new Worker(URL.createObjectURL(new Blob([INLINE.worker], { type: "text/javascript" })));

async function unpacked(base64) {
  const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// --- what goes out ---
function send(message) { worker.postMessage(message); }
function asked(message) {
  return new Promise((done) => {
    page.waiting.set(++page.id, done);
    send({ ...message, id: page.id });
  });
}
// What only looks is not shown in the monitor's window.
const look = (line) => asked({ kind: "command", line, quiet: true, looks: true }).then((m) => m.text);
const command = (line) => asked({ kind: "command", line });

function act(name) {
  if (name === "run") return send({ kind: page.running ? "pause" : "run" });
  return command(COMMANDS[name]);
}

// --- what was clicked ---
function answer(title, ...nodes) { $("answer").replaceChildren(make("h3", { textContent: title }), ...nodes); }
const button = (text, onclick) => make("button", { textContent: text, onclick });
const told = (text) => make("pre", { textContent: text.trim() });

function goButton(text) {
  const step = stepIn(text);
  return step === null ? [] : [button("go to where it was written", () => command("goto " + step))];
}

const ask = {
  see(level) { page.seen = level; draw(); },
  async explainField(level, name, text, encoding) {
    page.chosen = name;
    const place = "vmcs:0x" + level.vmcs + ":" + name.toLowerCase();
    const value = await look("vmcs 0x" + level.vmcs + " " + name.toLowerCase());
    const written = await look("when-written " + place);
    answer(text, make("p", { textContent: name + ", encoding " + encoding + "H, in VMCS " + level.vmcs +
      ", through which L" + level.level + " runs (SDM Vol. 3C, chapter 24)" }), told(value),
      make("p", { textContent: "last written:" }), told(written), ...goButton(written),
      button("stop when it is written", () => command("watch " + name.toLowerCase())));
    draw();
  },
  async explainRegister(level, name) {
    const written = await look("when-written @" + level.level + ":" + name);
    const value = await look("print @" + level.level + ":" + name);
    answer(name + " of L" + level.level, told(value), make("p", { textContent: "last written:" }), told(written),
      ...goButton(written), button("stop when it is written", () => command("watch @" + level.level + ":" + name)));
  },
  async explainCode(level, address, text) {
    const place = "@" + level.level + ":0x" + address;
    answer(text, make("p", { textContent: "at " + address + " of L" + level.level + "; its address is translated so:" }),
      told(await look("walk /x " + place)), button("stop here", () => command("break " + place)));
  },
  async explainExit() { answer("the last VM exit", told(await look("why exit"))); },
};

// --- what comes in ---
function log(line, text) {
  const pre = $("monitor").querySelector("pre");
  if (line !== null) pre.append(make("b", { textContent: "(vmxray) " + line + "\n" }));
  pre.append(text);
  while (pre.textContent.length > 200000 && pre.firstChild) pre.firstChild.remove();
  pre.scrollTop = pre.scrollHeight;
}

const decoders = [null, new TextDecoder(), new TextDecoder()];
function printed(all) {
  const pre = $("console").querySelector("pre");
  for (const [fd, bytes] of all) {
    const text = decoders[fd].decode(bytes, { stream: true }).replace(/\r/g, "");
    if (fd === 1) pre.append(text); else log(null, text);
  }
  pre.scrollTop = pre.scrollHeight;
}

async function tellPast() {
  const [lanes, exits] = await Promise.all([look("timeline from " + page.state.first + " to " + page.state.end), look("exits")]);
  drawLanes(lanes);
  $("exits").querySelector("pre").textContent = exits;
}

function newState(m) {
  page.before = page.state;
  page.state = m.state;
  page.running = m.running;
  const same = page.before && page.before.level === m.state.level;
  if (same) m.state.moved = page.before.moved;
  else if (page.before) m.state.moved = { from: page.before.level, to: m.state.level, step: m.state.step };
  if (!page.before || page.before.level !== m.state.level) page.seen = null;
  draw();
  if (!m.running) tellPast();
}

const incoming = {
  printed: (m) => printed(m.all),
  state: newState,
  said(m) {
    if (!m.quiet) log(m.line, m.text);
    const done = page.waiting.get(m.id);
    page.waiting.delete(m.id);
    if (done) done(m);
    document.body.dataset.seconds = m.seconds;
  },
  hash: (m) => { page.waiting.get(m.id)(m); page.waiting.delete(m.id); },
  completed: (m) => { page.waiting.get(m.id)(m.found); page.waiting.delete(m.id); },
  opened: (m) => { $("note").textContent = m.good ? "" : "It cannot be booted: the monitor's window says why."; },
  failed: (m) => { $("note").textContent = "The machine has failed: " + m.text; },
};
worker.onmessage = (event) => incoming[event.data.kind](event.data);

function draw() {
  const state = page.state;
  if (!state) return;
  const seen = page.seen !== null && state.levels[page.seen] ? page.seen : state.level;
  const level = state.levels[seen], before = page.before && page.before.levels[seen];
  drawLevels(state, seen, ask);
  if (level) {
    drawRegisters(level, before, ask);
    drawCode(level, seen === state.level, ask);
  }
  // While L0 runs, the VMCS of the level that it last ran is of interest.
  const withVmcs = level && level.vmcs ? level : state.exit ? state.levels[state.exit.level] : state.levels[1];
  drawVmcs(withVmcs, page.chosen, ask);
  $("where").textContent = "step " + state.step.toLocaleString("en") + ", L" + state.level +
    (page.running ? ", running" : state.past ? ", in the past" : state.over ? ", the guest has ended" : "");
  $("run").textContent = page.running ? "stop ■" : "run ▶▶";
  const slider = $("slider");
  slider.min = state.first;
  slider.max = state.end;
  slider.value = state.step;
  slider.setAttribute("aria-valuetext", "step " + state.step + " of " + state.end);
}

// --- beginning ---
async function open() {
  page.state = page.before = page.seen = page.chosen = null;
  $("console").querySelector("pre").textContent = "";
  const own = page.own, name = own ? own.name : "turtles.elf";
  const bytes = own ? own.bytes : await unpacked(INLINE.guests[name]);
  send({ kind: "open", files: [[name, bytes]], words: optionsFor(name, own ? "" : $("guest").value), history: HISTORY_BYTES });
  await command("symbols " + name);
}

async function takeFile(file) {
  page.own = { name: file.name.replace(/[^\w.-]/g, "_"), bytes: new Uint8Array(await file.arrayBuffer()) };
  open();
}

function connect() {
  for (const name of [...Object.keys(COMMANDS), "run"]) $(name).onclick = () => act(name);
  $("restart").onclick = open;
  $("guest").onchange = () => { page.own = null; open(); };
  $("file").onchange = () => $("file").files[0] && takeFile($("file").files[0]);
  $("filter").oninput = $("changed").onchange = draw;
  $("slider").onchange = () => command("goto " + $("slider").value);
  $("theme").onclick = () => document.documentElement.classList.toggle("dark");
  document.ondragover = (event) => event.preventDefault();
  document.ondrop = (event) => {
    event.preventDefault();
    if (event.dataTransfer.files[0]) takeFile(event.dataTransfer.files[0]);
  };
  if (matchMedia("(prefers-color-scheme: dark)").matches) document.documentElement.classList.add("dark");
}

// --- the prompt, and keys ---
const lines = { past: [], at: 0 };

async function complete() {
  const input = $("line"), start = input.value.lastIndexOf(" ") + 1;
  const found = await asked({ kind: "complete", line: input.value, start });
  if (!found.length) return;
  let same = found[0];
  for (const one of found) while (!one.startsWith(same)) same = same.slice(0, -1);
  if (same.length > input.value.length - start) input.value = input.value.slice(0, start) + same + (found.length === 1 ? " " : "");
  else if (found.length > 1) log(null, found.join("  ") + "\n");
}

function connectPrompt() {
  const input = $("line");
  $("monitor").querySelector("form").onsubmit = (event) => {
    event.preventDefault();
    const line = input.value.trim();
    if (line) lines.past.push(line);
    lines.at = lines.past.length;
    input.value = "";
    if (/^(c|continue)$/.test(line)) { log(line, ""); send({ kind: "run" }); } else command(line);
  };
  input.onkeydown = (event) => {
    if (event.key === "Tab" && input.value) { event.preventDefault(); complete(); }
    if (event.key === "Escape") input.blur();
    const by = event.key === "ArrowUp" ? -1 : event.key === "ArrowDown" ? 1 : 0;
    if (!by) return;
    event.preventDefault();
    lines.at = Math.max(0, Math.min(lines.past.length, lines.at + by));
    input.value = lines.past[lines.at] || "";
  };
}

function connectKeys() {
  $("console").querySelector("pre").onkeydown = (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const text = event.key === "Enter" ? "\r" : event.key.length === 1 ? event.key : "";
    if (!text) return;
    event.preventDefault();
    event.stopPropagation();
    send({ kind: "type", text });
  };
  document.onkeydown = (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || /INPUT|SELECT/.test(event.target.tagName)) return;
    if (KEYS[event.key]) act(KEYS[event.key]);
    else if (/^[0-4]$/.test(event.key) && page.state && page.state.levels[event.key]) ask.see(Number(event.key));
    else if (event.key === "f" || event.key === ":") $(event.key === "f" ? "filter" : "line").focus();
    else return;
    event.preventDefault();
  };
}

connect();
connectPrompt();
connectKeys();
unpacked(INLINE.wasm).then((wasm) => {
  send({ kind: "load", wasm });
  return open();
}).catch((error) => { $("note").textContent = "This browser cannot run the machine: " + error; });
