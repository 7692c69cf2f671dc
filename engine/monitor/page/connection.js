// The messages of the server, as long as it takes: a lost connection is made again, ever more slowly.

const FIRST_MS = 500;
const LONGEST_MS = 10_000;

export class Connection {
  // `take` gets each batch of messages; `tell` gets "on", "off" or "connecting".
  constructor(take, tell) {
    this.take = take;
    this.tell = tell;
    this.delay = FIRST_MS;
    this.watched = null;
    this.connect();
  }

  connect() {
    this.tell("connecting");
    this.socket = new WebSocket(new URL("messages", location.href.replace(/^http/, "ws")));
    this.socket.onopen = () => {
      this.delay = FIRST_MS;
      this.tell("on");
      if (this.watched !== null) this.watch(this.watched);
    };
    this.socket.onmessage = (event) => this.take(JSON.parse(event.data));
    this.socket.onclose = () => {
      this.tell("off");
      setTimeout(() => this.connect(), this.delay);
      this.delay = Math.min(2 * this.delay, LONGEST_MS);
    };
  }

  watch(stream) {
    this.watched = stream;
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify({ watch: stream }));
  }
}
