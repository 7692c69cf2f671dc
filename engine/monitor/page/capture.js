// Runs in the audio thread: samples in, frames of 50 ms out, each a position (uint64) and int16 samples.

class Capture extends AudioWorkletProcessor {
  constructor() {
    super();
    this.size = Math.round(sampleRate / 20);
    this.position = 0; // of the next frame's first sample, on the clock of this capture
    this.begun = false;
    this.port.onmessage = () => {
      this.begun = true;
    };
    this.fresh();
  }

  fresh() {
    this.frame = new DataView(new ArrayBuffer(8 + 2 * this.size));
    this.frame.setBigUint64(0, BigInt(this.position), true);
    this.filled = 0;
  }

  process([[samples]]) {
    if (!this.begun || !samples) return true;
    for (const sample of samples) {
      const level = Math.max(-32768, Math.min(32767, Math.round(32768 * sample)));
      this.frame.setInt16(8 + 2 * this.filled++, level, true);
      if (this.filled === this.size) {
        this.position += this.size;
        this.port.postMessage(this.frame.buffer, [this.frame.buffer]);
        this.fresh();
      }
    }
    return true;
  }
}

registerProcessor("capture", Capture);
