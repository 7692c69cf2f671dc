// This device's microphone, sent to the server as 16-bit samples at whatever rate the device has.

const HELD_BYTES = 1 << 20; // what may wait for a slow network; more is dropped, and the server sees a gap

export class Microphone {
  // `tell` gets the name of the stream when it begins, null when it ends, and the error if there was one.
  constructor(tell) {
    this.tell = tell;
    this.running = false;
  }

  static get obstacle() {
    if (!isSecureContext) return "The browser gives its microphone to https pages and to this machine only.";
    if (!navigator.mediaDevices?.getUserMedia || !window.AudioWorkletNode) return "This browser cannot record.";
    return "";
  }

  async start() {
    this.running = true;
    try {
      const plain = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
      this.media = await navigator.mediaDevices.getUserMedia({ audio: { ...plain, channelCount: 1 } });
      this.context = new AudioContext();
      await this.context.audioWorklet.addModule("page/capture.js");
      const node = new AudioWorkletNode(this.context, "capture", {
        numberOfOutputs: 0, channelCount: 1, channelCountMode: "explicit",
      }); // prettier-ignore
      this.connect(this.context.sampleRate, node);
      this.context.createMediaStreamSource(this.media).connect(node);
      this.media.getAudioTracks()[0].onended = () => this.stop("The microphone was unplugged.");
    } catch (error) {
      this.stop(`The microphone cannot be used: ${error.message}`);
    }
  }

  connect(rate, node) {
    const socket = new WebSocket(new URL("microphone", location.href.replace(/^http/, "ws")));
    this.socket = socket;
    socket.binaryType = "arraybuffer";
    socket.onopen = () => socket.send(JSON.stringify({ rate }));
    socket.onmessage = (event) => {
      this.tell(JSON.parse(event.data).stream, "");
      node.port.onmessage = ({ data }) => {
        if (socket.readyState === WebSocket.OPEN && socket.bufferedAmount < HELD_BYTES) socket.send(data);
      };
      node.port.postMessage("begin");
    };
    socket.onclose = (event) => this.stop(event.code === 1000 || event.code === 1005 ? "" : `The server hung up. ${event.reason}`);
  }

  stop(error = "") {
    if (!this.running) return;
    this.running = false;
    for (const track of this.media?.getTracks() ?? []) track.stop();
    this.context?.close();
    if (this.socket && this.socket.readyState <= WebSocket.OPEN) this.socket.close(1000);
    this.tell(null, error);
  }
}
