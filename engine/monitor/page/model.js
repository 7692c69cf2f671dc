// What is known of every stream, made of nothing but messages (docs/monitor.md lists them).

const KEPT = { states: 20000, audio: 1500, activity: 300, sentences: 500, words: 500, faults: 50 };

export class Stream {
  constructor(name) {
    this.name = name;
    this.phase = "live";
    this.began = null;
    this.error = "";
    this.recording = null;
    this.heard_s = 0;
    this.latest = {}; // state by target
    this.clear();
  }

  clear() {
    this.states = {}; // by target, in order of time
    this.audio = [];
    this.activity = [];
    this.sentences = [];
    this.words = [];
    this.partial = [];
    this.faults = [];
    this.edges = {};
    this.lags = [];
  }
}

export class Model {
  constructor() {
    this.hello = null;
    this.plugins = [];
    this.streams = new Map();
    this.watched = null;
    this.skipped = 0;
  }

  // Takes one message in; true when it starts, ends or loses a stream, so that the list of them changes.
  take(message) {
    const handler = HANDLERS[message.kind];
    return handler ? Boolean(handler(this, message)) : false; // an unknown kind is from a newer server
  }

  get stream() {
    return this.streams.get(this.watched) ?? null;
  }

  of(message) {
    if (!this.streams.has(message.stream)) this.streams.set(message.stream, new Stream(message.stream));
    return this.streams.get(message.stream);
  }
}

function push(list, item, limit) {
  list.push(item);
  if (list.length > limit) list.splice(0, list.length - limit);
}

const HANDLERS = {
  introduction(model, message) {
    const names = new Set(message.messages.filter((one) => one.kind === "stream").map((one) => one.stream));
    for (const name of [...model.streams.keys()]) if (!names.has(name)) model.streams.delete(name);
    for (const one of message.messages) model.take(one);
    return true;
  },
  past(model, message) {
    model.of(message).clear();
    for (const one of message.messages) model.take(one);
    return true;
  },
  hello(model, message) {
    model.hello = message;
  },
  health(model, message) {
    model.plugins = message.plugins;
  },
  stream(model, message) {
    const before = model.streams.get(message.stream);
    if (before && message.phase === "live" && before.began !== message.began) model.streams.delete(message.stream);
    const stream = model.of(message);
    stream.phase = message.phase;
    stream.began = message.began;
    stream.error = message.error;
    stream.recording = message.recording ?? null;
    stream.heard_s = Math.max(stream.heard_s, message.heard_s);
    return true;
  },
  gone(model, message) {
    return model.streams.delete(message.stream);
  },
  skipped(model, message) {
    model.skipped += message.messages;
  },
  state(model, message) {
    const stream = model.of(message);
    stream.latest[message.target] = message;
    if (message.stream !== model.watched) return;
    const states = (stream.states[message.target] ??= []);
    if (states.length && states.at(-1).stop >= message.stop) return;
    push(states, message, KEPT.states);
    stream.heard_s = Math.max(stream.heard_s, message.stop_s);
    if (message.lag_ms != null) push(stream.lags, message.lag_ms, 100);
  },
  audio(model, message) {
    const stream = model.of(message);
    push(stream.audio, message, KEPT.audio);
    stream.heard_s = Math.max(stream.heard_s, message.start_s + message.low.length * message.step_s);
  },
  activity(model, message) {
    push(model.of(message).activity, message, KEPT.activity);
  },
  sentence(model, message) {
    push(model.of(message).sentences, message, KEPT.sentences);
  },
  words(model, message) {
    const stream = model.of(message);
    for (const word of message.settled) push(stream.words, word, KEPT.words);
    stream.partial = message.partial;
  },
  fault(model, message) {
    push(model.of(message).faults, message, KEPT.faults);
  },
  ledger(model, message) {
    const stream = model.of(message);
    stream.edges = message.edges;
    stream.heard_s = Math.max(stream.heard_s, message.heard_s);
  },
};
