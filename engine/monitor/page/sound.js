// The last seconds of the waveform, and below it where somebody spoke.

import { variable } from "./colours.js";
import { clock } from "./text.js";

const WINDOW_S = 15;
const BAND = 12; // CSS pixels of the voice-activity band

export function drawSound(canvas, stream, chip) {
  const scale = devicePixelRatio || 1;
  const width = canvas.clientWidth;
  const height = canvas.clientHeight;
  if (canvas.width !== Math.round(width * scale)) canvas.width = Math.round(width * scale);
  if (canvas.height !== Math.round(height * scale)) canvas.height = Math.round(height * scale);
  const context = canvas.getContext("2d");
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  const stop = Math.max(stream.heard_s, WINDOW_S);
  const x = (seconds) => ((seconds - stop + WINDOW_S) / WINDOW_S) * width;
  const middle = (height - BAND - 20) / 2;

  seconds(context, stop, x, width, height);
  context.fillStyle = variable("--line");
  context.fillRect(0, middle - 0.5, width, 1);
  context.fillStyle = variable("--wave");
  for (const { start_s, step_s, low, high } of stream.audio) {
    if (start_s + low.length * step_s < stop - WINDOW_S) continue;
    for (let at = 0; at < low.length; at++) {
      const top = middle - loudness(high[at]) * middle;
      const bottom = middle - loudness(low[at]) * middle;
      context.fillRect(x(start_s + at * step_s), top, Math.max(1, x(step_s) - x(0) - 0.3), Math.max(1, bottom - top));
    }
  }
  context.fillStyle = variable("--track");
  context.fillRect(0, height - BAND - 18, width, BAND);
  context.fillStyle = variable("--voice");
  for (const { start_s, step_s, flags } of stream.activity) {
    if (start_s + flags.length * step_s < stop - WINDOW_S) continue;
    for (let at = 0; at < flags.length; at++) {
      if (flags[at] === "1") context.fillRect(x(start_s + at * step_s), height - BAND - 18, x(step_s) - x(0) + 0.5, BAND);
    }
  }
  const last = stream.activity.at(-1);
  const speaking = Boolean(last) && last.flags.slice(-34).includes("1") && stream.phase === "live";
  chip.textContent = !last ? "no detector yet" : speaking ? "voice" : "silent";
  chip.classList.toggle("on", speaking);
}

// Quiet speech would be a line on a linear scale: the square root opens it up.
function loudness(level) {
  return Math.sign(level) * Math.sqrt(Math.abs(level) / 127);
}

function seconds(context, stop, x, width, height) {
  context.fillStyle = variable("--soft");
  context.font = "11px system-ui, sans-serif";
  for (let at = Math.ceil(stop - WINDOW_S); at <= stop; at++) {
    if (at % 5) continue;
    const place = x(at);
    context.textAlign = place < 16 ? "left" : place > width - 16 ? "right" : "center";
    context.fillText(clock(at), place, height - 3);
  }
}
