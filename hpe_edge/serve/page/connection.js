// The WebSocket: frames and status in, "shown" out, and a new try whenever it breaks.

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 5000;

// One binary message: length of the header (uint32, little-endian), header (JSON), JPEG.
export function unpack(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  return { header, jpeg: new Blob([new Uint8Array(buffer, 4 + length)], { type: "image/jpeg" }) };
}

export class Connection {
  // on: { frame({ header, jpeg }), status(object), link(name, detail) }
  constructor(on) {
    this.on = on;
    this.waitMs = FIRST_WAIT_MS;
    this.timer = 0;
    this.socket = null;
    this.refusal = "";
    const retryNow = () => document.visibilityState === "visible" && this.timer && this.open();
    addEventListener("online", retryNow);
    document.addEventListener("visibilitychange", retryNow);
  }

  open() {
    clearTimeout(this.timer);
    this.timer = 0;
    const address = new URL("ws", location.href);
    address.protocol = address.protocol.replace("http", "ws");
    address.search = "";
    const socket = new WebSocket(address);
    this.socket = socket;
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      this.waitMs = FIRST_WAIT_MS;
      this.refusal = "";
      this.on.link("open");
    };
    socket.onmessage = ({ data }) => (typeof data === "string" ? this.on.status(JSON.parse(data)) : this.on.frame(unpack(data)));
    socket.onclose = () => this.retry();
  }

  // Tell the server that a frame was drawn; it sends the next ones only then, so a slow page never lags behind.
  shown(serial) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify({ shown: serial }));
  }

  async retry() {
    const waitMs = this.waitMs * (0.8 + 0.4 * Math.random());
    this.waitMs = Math.min(LONGEST_WAIT_MS, 1.7 * this.waitMs);
    this.timer = setTimeout(() => this.open(), waitMs);
    if (!this.refusal) this.on.link("lost");
    this.refusal = await why(); // a browser does not say why a WebSocket was refused
    if (this.timer) this.on.link(this.refusal ? "refused" : "lost", this.refusal);
  }
}

async function why() {
  try {
    const reply = await fetch("metrics.json");
    if (reply.ok) return "";
    return reply.status === 401 ? "the token has changed: open the address that the server printed" : (await reply.json()).error;
  } catch {
    return ""; // no server there: the state says that it is lost
  }
}
