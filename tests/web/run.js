// Runs a multiboot kernel in WebAssembly under Node: run.js WASM KERNEL WORDS. Prints the guest's console, then
// "hash STEP HASH" as the native program does, and the speed.
"use strict";
const fs = require("fs"), path = require("path");
const { machineFrom } = require(path.resolve("web/wasi.js"));
const [, , wasm, kernel, words] = process.argv;

machineFrom(fs.readFileSync(wasm), (fd, bytes) => fs.writeSync(fd, bytes)).then((machine) => {
  machine.addFile(path.basename(kernel), fs.readFileSync(kernel));
  const options = ["vmxray", "-kernel", path.basename(kernel), "-append", words, "-m", "64", "-nographic", "-no-reboot",
                   "-device", "isa-debug-exit,iobase=0xf4,iosize=4"];
  if (!machine.open(options, 128 << 20)) process.exit(1);
  const began = performance.now();
  while (machine.run(1 << 22)) continue;
  const seconds = (performance.now() - began) / 1000;
  process.stdout.write(machine.text());
  console.log("hash " + machine.steps() + " " + machine.hash());
  console.log("speed " + (machine.steps() / seconds / 1e6).toFixed(0) + " million steps a second");
});
