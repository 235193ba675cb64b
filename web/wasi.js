// The few functions of WASI that the machine asks for: two streams, no files, a clock for how long idle time lasts.
// Used by the page's worker and, in Node, by the tests.
"use strict";

function wasiOf(put) {
  let memory;
  const view = () => new DataView(memory.buffer);
  const BAD = 8;
  const known = {
    fd_write(fd, vectors, count, written) {
      let all = 0;
      for (let i = 0; i < count; i++) {
        const at = view().getUint32(vectors + 8 * i, true), bytes = view().getUint32(vectors + 8 * i + 4, true);
        put(fd, new Uint8Array(memory.buffer.slice(at, at + bytes)));
        all += bytes;
      }
      view().setUint32(written, all, true);
      return 0;
    },
    clock_time_get(_clock, _precision, at) {
      view().setBigUint64(at, BigInt(Math.floor(performance.now() * 1e6)), true);
      return 0;
    },
    environ_sizes_get(count, bytes) {
      view().setUint32(count, 0, true);
      view().setUint32(bytes, 0, true);
      return 0;
    },
    environ_get: () => 0,
    proc_exit(status) { throw new Error("the machine ended with status " + status); },
    fd_prestat_get: () => BAD,
  };
  const imports = new Proxy(known, { get: (of, name) => of[name] || (() => BAD) });
  return { imports, setMemory(of) { memory = of; } };
}

// The machine with its functions, and strings in and out.
function machineOf(instance) {
  const e = instance.exports;
  const bytesOf = () => new Uint8Array(e.memory.buffer);
  const encoder = new TextEncoder(), decoder = new TextDecoder();
  function give(bytes) {
    const at = e.web_alloc(bytes.length + 1);
    bytesOf().set(bytes, at);
    bytesOf()[at + bytes.length] = 0;
    return at;
  }
  const giveText = (text) => give(encoder.encode(text));
  function take(at) {
    const all = bytesOf(), end = all.indexOf(0, at >>> 0);
    return decoder.decode(all.slice(at >>> 0, end));
  }
  function withText(text, call) {
    const at = giveText(text);
    try { return call(at); } finally { e.web_free(at); }
  }
  return {
    addFile: (name, bytes) => withText(name, (n) => e.web_file_add(n, give(bytes), bytes.length)),
    open: (words, historyBytes) => Boolean(e.web_open(giveText(words.join("\n")), BigInt(historyBytes))),
    command: (line) => withText(line, (at) => take(e.web_command(at))),
    run: (steps) => Boolean(e.web_run(BigInt(steps))),
    text: () => take(e.web_text()),
    type(text) {
      const bytes = encoder.encode(text), at = give(bytes);
      try { return e.web_type(at, bytes.length); } finally { e.web_free(at); }
    },
    steps: () => Number(e.web_steps()),
    hash: () => BigInt.asUintN(64, e.web_hash()).toString(16).padStart(16, "0"),
    state: () => JSON.parse(take(e.web_state())),
    complete(line, start) {
      const found = [];
      for (let n = 0, one; n < 64 && (one = withText(line, (at) => take(e.web_complete(at, start, n)))); n++)
        found.push(one);
      return found;
    },
  };
}

async function machineFrom(wasm, put) {
  const wasi = wasiOf(put);
  const { instance } = await WebAssembly.instantiate(wasm, { wasi_snapshot_preview1: wasi.imports });
  wasi.setMemory(instance.exports.memory);
  instance.exports._initialize();
  return machineOf(instance);
}

if (typeof module !== "undefined") module.exports = { machineFrom };
