// The page in headless Chromium, by Debian's driver (WebDriver, W3C): browser.js PAGE HASH-LINE [SHOTS]. PAGE is
// an address, file: or http:. Prints TAP claims.
"use strict";
const fs = require("fs"), path = require("path"), { spawn } = require("child_process");
const [, , address, wantedHash, shots] = process.argv;

let base, session;
async function ask(method, at, body) {
  const answer = await fetch(base + at, { method, body: body && JSON.stringify(body) });
  const value = (await answer.json()).value;
  if (value && value.error) throw new Error(value.error + ": " + value.message);
  return value;
}
// An expression in the page; a promise is waited for.
const page = (script, ...args) => ask("POST", session + "/execute/async", {
  script: "const done = arguments[arguments.length - 1]; (async (...a) => { " + script +
    " })(...arguments).then(done, (e) => done('failed: ' + e));", args });
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

async function until(what, script, seconds = 60) {
  for (const end = Date.now() + 1000 * seconds; Date.now() < end; await pause(50))
    if ((await page("return Boolean(" + script + ");")) === true) return;
  throw new Error("waited in vain until " + what);
}

let claims = 0;
function claim(good, name, why = "") {
  claims++;
  console.log((good ? "ok " : "not ok ") + name + (good ? "" : " - " + why));
}

// What the host's clock says means something only where others leave it alone.
function claimSoon(good, name, why) {
  const os = require("os");
  if (good || os.loadavg()[0] < os.cpus().length + 1) return claim(good, name, why);
  claims++;
  console.log("ok " + name + " # SKIP others use this host: " + why);
}

async function shot(name) {
  if (!shots) return;
  const bytes = Buffer.from(await ask("GET", session + "/screenshot"), "base64");
  fs.writeFileSync(path.join(shots, name + ".png"), bytes);
}

async function steps() {
  await until("the machine is there", "page.state && page.state.step === 0 && document.querySelector('#code td')");
  const first = await page("return performance.now();");
  claimSoon(first < 2000, "the first step is shown within 2 seconds", first + " ms");
  let now = [0, 0];
  const did = (name) => page("const r = await act(a[0]); await asked({ kind: 'hash' });" +
    "return [page.state.step, page.state.level, r.seconds];", name);
  for (let n = 0; n < 3000 && now[1] < 2; n++) now = await did("entry");
  claim(now[1] === 2, "entries are stepped to until one into L2", "level " + now[1]);
  await pause(300);
  await shot("entry");
  const back = await did("back");
  claim(back[0] === now[0] - 1 && back[1] < 2, "a step back is before the entry", back.join());
  claimSoon(back[2] < 0.1, "a step back takes less than 100 ms", back[2] + " s");
  const again = await did("step");
  claim(again[0] === now[0] && again[1] === 2, "a step forward is in L2 again", again.join());
  const exit = await did("exit");
  claim(exit[0] > now[0] && exit[1] < 2, "the next exit leaves L2", exit.join());
  await did("entryback");
  return now;
}

async function fields() {
  await page("ask.see(2); return 0;");
  await page("document.querySelector('[data-field=GUEST_RIP]').click(); return 0;");
  await until("the field is explained", "document.querySelector('#answer').textContent.includes('GUEST_RIP')");
  const text = await page("return document.querySelector('#answer').textContent;");
  claim(/guest RIP/i.test(text) && /encoding 681e/i.test(text), "a field that is clicked is explained", text);
  claim(/step \d+/.test(text) && /vmwrite|VM exit|vmresume|vmlaunch/i.test(text), "its last writer is shown", text);
  await shot("field");
  const wanted = Number(/step (\d+)/.exec(text)[1]);
  await page("[...document.querySelectorAll('#answer button')].find((b) => /go to/.test(b.textContent)).click(); return 0;");
  await until("the writer is gone to", "page.state.step === " + wanted);
  claim(true, "the writer can be gone to");
}

async function slider() {
  const half = await page("const s = document.querySelector('#slider'); s.value = Math.floor(s.max / 2);" +
    "s.dispatchEvent(new Event('change')); return Number(s.value);");
  await until("the slider has moved the machine", "page.state.step === " + half);
  claim(true, "the slider moves the machine");
  const lanes = await page("return document.querySelectorAll('.lane').length;");
  claim(lanes >= 2, "the levels of the past are drawn", lanes + " lanes");
}

async function end() {
  await page("await act('end'); const began = performance.now(), from = page.state.step; act('run');" +
    "await new Promise((d) => { const t = setInterval(() => { if (page.state.over) { clearInterval(t); d(); } }, 10); });" +
    "window.speed = (page.state.step - from) / (performance.now() - began) / 1000; return 0;");
  const hash = await page("const h = await asked({ kind: 'hash' }); return 'hash ' + h.step + ' ' + h.hash;");
  claim(hash === wantedHash, "the hash at the end is the native one", hash + " instead of " + wantedHash);
  console.log("# " + Math.round(await page("return window.speed;")) + " million steps a second");
  const guest = await page("return document.querySelector('#console pre').textContent;");
  claim(/payload: \d+ checks, 0 failed/.test(guest), "the console says that all is well", guest.slice(0, 300));
  await shot("end");
  await page("document.documentElement.classList.toggle('dark'); return 0;");
  await shot("dark");
}

async function main() {
  const driver = spawn("chromedriver", ["--port=0"], { stdio: ["ignore", "pipe", "ignore"] });
  const port = await new Promise((done) => driver.stdout.on("data", (text) => {
    const match = /started successfully on port (\d+)/.exec(text);
    if (match) done(match[1]);
  }));
  base = "http://127.0.0.1:" + port;
  try {
    const made = await ask("POST", "/session", { capabilities: { alwaysMatch: { browserName: "chrome",
      "goog:chromeOptions": { args: ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                                     "--window-size=1500,1250"] } } } });
    session = "/session/" + made.sessionId;
    await ask("POST", session + "/timeouts", { script: 120000, pageLoad: 60000 });
    await ask("POST", session + "/url", { url: address });
    await steps();
    await fields();
    await slider();
    await end();
  } catch (error) {
    claim(false, "the page", String(error).replace(/\n/g, " "));
  }
  if (session) await ask("DELETE", session).catch(() => {});
  driver.kill();
  console.log("1.." + claims);
}
main();
