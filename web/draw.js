// Draws the present: levels as a stack, registers, instructions, the VMCS, lanes of the past. Knows nothing of how the
// machine is driven; what is clicked goes to `ask` (page.js).
"use strict";

const $ = (id) => document.getElementById(id);

function make(name, properties, ...children) {
  const node = Object.assign(document.createElement(name), properties);
  node.append(...children);
  return node;
}

const colourOf = (level) => "var(--l" + Math.min(level, 4) + ")";

// A row that can be clicked, and reached and chosen by keys.
function row(cells, onclick, title) {
  const tr = make("tr", { tabIndex: 0, title: title || "" }, ...cells.map((c) =>
    c instanceof Node ? make("td", {}, c) : make("td", { textContent: c })));
  tr.onclick = onclick;
  tr.onkeydown = (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); onclick(); } };
  return tr;
}

// --- the stack: the outermost level below, as the hardware carries it ---
// What passed last between the level and the one above it. Every exit leads to L0, and every entry begins there,
// whatever levels lie between.
function arrowText(state, level) {
  const moved = state.moved, exit = state.exit;
  if (moved && moved.to > moved.from)
    return moved.from <= level && level < moved.to ? (level === moved.from ? "▲ VM entry, step " + moved.step : "▲") : "┊";
  if (exit && level < exit.level) return level === exit.level - 1 ? "▼ " + exit.name + ", step " + exit.step : "▼";
  return "┊";
}

function drawLevels(state, seen, ask) {
  const box = $("levels");
  box.textContent = "";
  for (let n = state.levels.length - 1; n >= 0; n--) {
    const level = state.levels[n];
    const runs = state.level === n;
    const button = make("button", { className: "level" + (runs ? " runs" : "") + (seen === n ? " seen" : "") },
      "L" + n + (n === 0 ? " hypervisor" : "") + (runs ? ", runs now" : ", waits"),
      make("small", { textContent: level ? level.mode + ", CPL " + level.cpl : "has no state yet" }),
      make("small", { textContent: level ? "RIP " + level.registers[0][1] : "" }));
    button.style.setProperty("--of", colourOf(n));
    button.setAttribute("aria-pressed", seen === n);
    button.onclick = () => ask.see(n);
    box.append(button);
    if (n > 0) {
      const text = arrowText(state, n - 1);
      const arrow = make("div", { className: "arrow" + (text === "┊" ? "" : " now"), textContent: text });
      if (text.startsWith("▼")) { arrow.style.cursor = "pointer"; arrow.onclick = () => ask.explainExit(); }
      box.append(arrow);
    }
  }
}

function drawRegisters(level, before, ask) {
  const table = $("registers").querySelector("table"), old = new Map(before ? before.registers : []);
  table.textContent = "";
  $("registersof").textContent = "L" + level.level + (level.live ? "" : ", in its VMCS");
  for (const [name, value] of level.registers) {
    const tr = row([name, value], () => ask.explainRegister(level, name));
    if (old.has(name) && old.get(name) !== value) tr.className = "changed";
    table.append(tr);
  }
}

function drawCode(level, runs, ask) {
  const table = $("code").querySelector("table");
  table.textContent = "";
  $("codeof").textContent = "L" + level.level + (runs ? "" : ", when it runs again");
  level.code.forEach(([address, symbol, bytes, text], index) => {
    const tr = row([address, make("span", { className: "dim", textContent: symbol }), text],
      () => ask.explainCode(level, address, text), bytes);
    if (index === 0) tr.className = "next";
    table.append(tr);
  });
}

// --- VMCS ---
const PARTS = ["controls", "information of exits", "guest state", "host state"];

function drawVmcs(level, chosen, ask) {
  const table = $("vmcs").querySelector("table");
  const wanted = $("filter").value.toLowerCase(), changedOnly = $("changed").checked;
  table.textContent = "";
  if (!level || !level.vmcs) {
    $("vmcsof").textContent = "";
    table.append(row(["L0 runs on the processor itself: it has no VMCS."], () => {}));
    return;
  }
  $("vmcsof").textContent = level.vmcs + ", through which L" + level.level + " runs";
  let part = -1;
  const fields = [...level.fields].sort((a, b) => a[2] - b[2]);
  for (const [name, value, type, changed, text, encoding] of fields) {
    if (changedOnly && !changed) continue;
    if (wanted && !name.toLowerCase().includes(wanted) && !text.toLowerCase().includes(wanted)) continue;
    if (type !== part) table.append(make("tr", {}, make("th", { colSpan: 2, textContent: PARTS[type] })));
    part = type;
    const tr = row([name, value], () => ask.explainField(level, name, text, encoding), text);
    tr.dataset.field = name;
    tr.className = (changed ? "changed" : "") + (chosen === name ? " chosen" : "");
    if (changed) tr.title += " (changed since the last entry)";
    table.append(tr);
  }
}

// --- the past: which levels ran when, as the command `timeline` has it ---
function drawLanes(text) {
  const box = $("lanes");
  box.textContent = "";
  for (const line of text.split("\n")) {
    const match = /^level (\d+) +?(.*)$/.exec(line.slice(0, 13) + line.slice(13));
    if (!match) continue;
    const marks = line.slice(13), lane = make("div", { className: "lane", title: "when L" + match[1] + " ran" });
    for (let i = 0; i < 64; i++) {
      if (!marks[i] || marks[i] === " ") continue;
      const bar = make("i", {});
      bar.style.cssText = "left:" + i / 0.64 + "%;width:" + 1 / 0.64 + "%;background:" + colourOf(Number(match[1])) +
        (marks[i] === "#" ? "" : ";opacity:.5");
      lane.append(bar);
    }
    box.append(lane);
  }
}
