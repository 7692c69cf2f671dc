// An extractor: zero crossings a second, and the peak, of each segment. In a pipeline:
//
//     [[extractors]]
//     plugin = "crossings"
//     command = ["node", "extractor.js"]
//
// The host appends four arguments: its endpoint, our identity, its process id, and what we are to serve.

import { decode, encode } from "@msgpack/msgpack";
import { Dealer } from "zeromq";

const [endpoint, identity, parent, assignment] = process.argv.slice(2);
const { table } = JSON.parse(assignment);
const RATE = 16000;

const socket = new Dealer({ routingId: identity, linger: 1000 });
socket.connect(endpoint);

const facts = { kind: "extractor", name: table.name, version: "1", rate: RATE, dim: 2 };
await send("hello", { v: 1, facts, credit: 4, pid: process.pid });

// Without its host a worker has nothing to do.
const watch = setInterval(() => process.ppid === Number(parent) || process.exit(), 500);

for await (const [kind, header, ...payload] of socket) {
  if (kind.toString() === "stop") break;
  await answer(kind.toString(), header, payload);
}
clearInterval(watch);

async function answer(kind, header, payload) {
  let ticket = -1;
  try {
    const call = decode(header);
    if (kind !== "call" || (call.v ?? 1) !== 1) throw new Error(`cannot read a ${kind} of version ${call.v}`);
    ticket = call.ticket;
    if (call.method !== "extract") throw new Error(`an extractor cannot ${call.method}`);
    await send("result", { v: 1, ticket, shapes: [[2]] }, [features(floats(payload[0]))]);
  } catch (error) {
    await send("failure", { v: 1, ticket, error: `extractor.js: ${error.message}` });
  }
}

function features(samples) {
  let crossings = 0;
  let peak = 0;
  for (let at = 0; at < samples.length; at++) {
    peak = Math.max(peak, Math.abs(samples[at]));
    if (at && samples[at] >= 0 !== samples[at - 1] >= 0) crossings++;
  }
  return Float32Array.of((crossings * RATE) / Math.max(1, samples.length), peak);
}

// Payload is little-endian float32; a frame need not lie on a multiple of four bytes.
function floats(frame) {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  return Float32Array.from({ length: frame.byteLength / 4 }, (_, at) => view.getFloat32(4 * at, true));
}

function bytes(values) {
  const view = new DataView(new ArrayBuffer(4 * values.length));
  values.forEach((value, at) => view.setFloat32(4 * at, value, true));
  return Buffer.from(view.buffer);
}

function send(kind, header, arrays = []) {
  return socket.send([kind, encode(header), ...arrays.map(bytes)]);
}
