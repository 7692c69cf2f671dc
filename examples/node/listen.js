// Prints every state as a line of JSON:   node listen.js tcp://127.0.0.1:5557 [STATES]
// It ends after STATES states, or never.

import { decode } from "@msgpack/msgpack";
import { Subscriber } from "zeromq";

const [endpoint = "tcp://127.0.0.1:5557", states = "Infinity"] = process.argv.slice(2);

const socket = new Subscriber();
socket.connect(endpoint);
socket.subscribe("state");

let left = Number(states);
for await (const [topic, payload] of socket) {
  const state = decode(payload);
  if (state.v !== 1) throw new Error(`cannot read version ${state.v} of ${topic}`);
  console.log(JSON.stringify(state));
  if (--left === 0) break;
}
