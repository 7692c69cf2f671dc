// The page: messages into the model, the model onto the screen, and what its buttons do.

import { onThemeChange } from "./colours.js";
import { Connection } from "./connection.js";
import { Microphone } from "./microphone.js";
import { Model } from "./model.js";
import { drawSound } from "./sound.js";
import { drawFaults, drawLag, drawLedger, drawPlugins } from "./tables.js";
import { Targets } from "./targets.js";
import { clock, element, isUnlike, statusOf } from "./text.js";
import { drawWords } from "./words.js";

const FRAME_MS = 80; // between two drawings
const ANNOUNCE_MS = 3000; // between two sentences to a screen reader

const by = (id) => document.getElementById(id);
const model = new Model();
const targets = new Targets(by("targets"), by("target-template"));
const view = { paused: false, window_s: 60, all: true, list: true, drawn: 0, said: "", saidAt: 0, chosen: false, awaited: null };

// Messages.

const connection = new Connection(
  (messages) => {
    const before = model.hello;
    for (const message of messages) view.list = model.take(message) || view.list;
    if (model.hello !== before && JSON.stringify(model.hello) !== JSON.stringify(before)) welcome();
    choose();
  },
  (state) => {
    by("link").textContent = { on: "connected", off: "no connection, trying again", connecting: "connecting …" }[state];
    by("link").className = `link ${state}`;
  },
);

function welcome() {
  targets.build(model.hello);
  by("words-card").hidden = !model.hello.transcript;
  by("microphone").hidden = !model.hello.microphone;
  by("microphone").disabled = Boolean(Microphone.obstacle);
  by("microphone").title = Microphone.obstacle;
  view.all = true;
}

// Until somebody chooses, the newest live stream is shown; a stream that is gone gives way to another.
// What was chosen stands in the address: a page that is opened again shows it again.
function choose() {
  const streams = [...model.streams.values()];
  const named = streams.find((stream) => location.hash === addressOf(stream.name));
  if (named && !view.chosen) pick(named.name);
  const live = streams.filter((stream) => stream.phase === "live");
  const present = model.stream;
  if (view.awaited && !model.streams.has(view.awaited)) return;
  view.awaited = null;
  if (present && (view.chosen || present.phase === "live")) return;
  const next = live.at(-1) ?? (present ? null : streams.at(-1));
  if (next && next !== present) watch(next.name);
}

function pick(name) {
  view.chosen = true;
  history.replaceState(null, "", addressOf(name));
  watch(name);
}

function addressOf(name) {
  return `#${encodeURIComponent(name)}`;
}

function watch(name) {
  model.watched = name;
  connection.watch(name);
  view.all = view.list = true;
}

// Drawing.

function draw(now) {
  requestAnimationFrame(draw);
  if (now - view.drawn < FRAME_MS || !model.hello || typeof Plotly === "undefined") return;
  view.drawn = now;
  if (view.list) drawStreams();
  const stream = model.stream;
  by("columns").hidden = !stream;
  if (!stream || view.paused) return;
  by("stream-name").textContent = stream.name;
  by("hint").textContent = hint(stream);
  targets.draw(stream, view.window_s, view.all);
  view.all = false;
  drawSound(by("sound"), stream, by("voice"));
  if (model.hello.transcript) drawWords(by("words"), stream, model.hello);
  drawPlugins(by("plugins").tBodies[0], model.plugins);
  drawLag(by("lag"), stream.lags);
  drawFaults(by("faults"), stream.faults);
  drawLedger(by("ledger").tBodies[0], by("balance"), stream.edges);
  announce(stream, now);
}

function hint(stream) {
  const parts = [{ live: "live", ended: "ended", failed: "failed" }[stream.phase], clock(stream.heard_s)];
  if (stream.began) parts.push(`since ${new Date(1000 * stream.began).toLocaleTimeString()}`);
  if (stream.error) parts.push(stream.error);
  if (stream.recording) parts.push(stream.recording.error || "recorded");
  if (model.skipped) parts.push(`${model.skipped} messages skipped on a slow connection`);
  return parts.join(" · ");
}

function drawStreams() {
  view.list = false;
  const focused = document.activeElement?.dataset?.stream;
  by("streams").replaceChildren(
    ...[...model.streams.values()].map((stream) => {
      const button = element("button", "", { type: "button", "data-stream": stream.name });
      if (stream.name === model.watched) button.setAttribute("aria-current", "true");
      button.append(element("span", stream.name), element("small", summary(stream)));
      button.onclick = () => pick(stream.name);
      const item = element("li");
      item.append(button);
      return item;
    }),
  );
  if (focused) by("streams").querySelector(`[data-stream="${CSS.escape(focused)}"]`)?.focus();
  const recording = model.stream?.recording;
  by("download").hidden = !recording;
  if (recording) by("download").href = recording.url;
}

function summary(stream) {
  const latest = Object.values(stream.latest);
  const labels = latest.map((state) => state.label ?? "no speech").join(", ");
  const said = stream.phase === "live" ? labels || "live" : stream.phase;
  return latest.some(isUnlike) ? `${said} · unlike the training data` : said;
}

function announce(stream, now) {
  const said = Object.values(stream.latest)
    .map((state) => `${state.target}: ${state.label ?? "no speech"}${state.status === "unsure" ? `, ${statusOf(state)}` : ""}`)
    .join(". ");
  if (!said || said === view.said || now - view.saidAt < ANNOUNCE_MS) return;
  view.said = said;
  view.saidAt = now;
  view.list = true;
  by("announcement").textContent = said;
}

// Buttons.

by("pause").onclick = () => {
  view.paused = !view.paused;
  view.all = true;
  by("pause").setAttribute("aria-pressed", view.paused);
  by("pause").textContent = view.paused ? "Paused: go on" : "Pause";
};

for (const input of document.querySelectorAll('input[name="window"]')) {
  input.onchange = () => {
    view.window_s = Number(input.value);
    view.all = true;
  };
}

const microphone = new Microphone((stream, error) => {
  by("microphone").setAttribute("aria-pressed", Boolean(stream));
  by("microphone").textContent = stream ? "Stop the microphone" : "Use this microphone";
  by("notice").hidden = !error;
  by("notice").textContent = error;
  if (!stream) return;
  view.awaited = stream; // the server may tell of it a moment later
  pick(stream);
});

by("microphone").onclick = () => {
  if (microphone.running) microphone.stop();
  else microphone.start();
};

onThemeChange(() => {
  view.all = true;
});
requestAnimationFrame(draw);
