// What the page says in words of its own, and what it asks the monitor.
"use strict";

const COMMANDS = {
  step: "step", back: "reverse-step", entry: "stepentry", entryback: "reverse-stepentry", exit: "stepexit",
  exitback: "reverse-stepexit", runback: "reverse-continue", end: "goto end",
};
const KEYS = {
  ".": "step", ",": "back", e: "entry", E: "entryback", x: "exit", X: "exitback", r: "run", R: "runback", z: "end",
};
const optionsFor = (name, words) => ["vmxray", "-kernel", name, "-append", words, "-m", "64", "-nographic",
  "-no-reboot", "-device", "isa-debug-exit,iobase=0xf4,iosize=4"];
// The step of which a text says that something was written there.
const stepIn = (text) => { const match = /step (\d+)/.exec(text); return match ? Number(match[1]) : null; };
