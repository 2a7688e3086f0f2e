/**
 * A cheap gRPC load generator: HTTP/2 frames made by hand over net.Socket, so that it is not the limit. It plays CheckRequests in turn on a
 * few connections with a fixed number of streams each, for a bounded time, and checks every answer's DATA against what was expected.
 * Only for servers on this machine: it speaks just as much HTTP/2 as grpc-js and Envoy-facing servers answer with.
 */

import { connect } from 'node:net';

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');
const FRAME = { data: 0, headers: 1, rstStream: 3, settings: 4, ping: 6, goaway: 7, windowUpdate: 8 };
const END_STREAM = 1;
const END_HEADERS = 4;
const ACK = 1;
const WINDOW_MAX = 0x7fffffff;
const WINDOW_START = 65_535;
/** Give the peer more connection window whenever it has used half of it. */
const WINDOW_REFILL = WINDOW_MAX >> 1;

const frame = (type, flags, stream, payload) => {
  const header = Buffer.alloc(9);
  header.writeUIntBE(payload.length, 0, 3);
  header[3] = type;
  header[4] = flags;
  header.writeUInt32BE(stream, 5);
  return Buffer.concat([header, payload]);
};

/** RFC 7541 §6.2.2, literal header field without indexing, new name, no Huffman. */
const literal = (name, value) => {
  const string = (text) => {
    const bytes = Buffer.from(text, 'latin1');
    if (bytes.length >= 127) throw new RangeError('bench headers are short');
    return Buffer.concat([Buffer.from([bytes.length]), bytes]);
  };
  return Buffer.concat([Buffer.from([0]), string(name), string(value)]);
};

const HEADER_BLOCK = Buffer.concat(
  [
    [':method', 'POST'],
    [':scheme', 'http'],
    [':path', '/envoy.service.auth.v3.Authorization/Check'],
    [':authority', 'doorward'],
    ['content-type', 'application/grpc'],
    ['te', 'trailers'],
    ['grpc-timeout', '5000m'],
  ].map(([name, value]) => literal(name, value)),
);

/** One message as the frames of a request; the two stream ids are patched in place for each use. */
const requestFrames = (message) => {
  const prefixed = Buffer.alloc(5 + message.length);
  prefixed.writeUInt32BE(message.length, 1);
  prefixed.set(message, 5);
  const headers = frame(FRAME.headers, END_HEADERS, 0, HEADER_BLOCK);
  const data = frame(FRAME.data, END_STREAM, 0, prefixed);
  return { bytes: Buffer.concat([headers, data]), dataAt: headers.length, dataBytes: prefixed.length };
};

/** One HTTP/2 connection that keeps `streams` requests in flight until told to stop. */
class Connection {
  #socket;
  #options;
  #nextStream = 1;
  #window = WINDOW_START;
  #unacknowledged = 0;
  #rest = Buffer.alloc(0);
  #open = new Map();
  #free = 0;
  #stopping = false;
  #out = [];

  constructor(options) {
    this.#options = options;
    this.#free = options.streams;
  }

  start() {
    const { address } = this.#options;
    this.#socket = connect(address);
    this.#socket.setNoDelay(true);
    return new Promise((resolve, reject) => {
      this.#socket.once('error', reject);
      this.#socket.once('connect', () => {
        const settings = Buffer.alloc(6);
        settings.writeUInt16BE(4, 0); // INITIAL_WINDOW_SIZE
        settings.writeUInt32BE(WINDOW_MAX, 2);
        this.#socket.write(
          Buffer.concat([
            PREFACE,
            frame(FRAME.settings, 0, 0, settings),
            this.#windowUpdate(WINDOW_MAX - WINDOW_START),
          ]),
        );
        this.#socket.on('data', (bytes) => this.#read(bytes));
        this.#socket.on('close', () => this.#options.onClose(this.#open.size));
        this.#fill();
        resolve();
      });
    });
  }

  /** No new request from now on; the socket ends when the last answer is in. */
  stop() {
    this.#stopping = true;
    if (this.#open.size === 0) this.#socket.end();
  }

  #windowUpdate(increment) {
    const payload = Buffer.alloc(4);
    payload.writeUInt32BE(increment, 0);
    return frame(FRAME.windowUpdate, 0, 0, payload);
  }

  #fill() {
    while (this.#free > 0 && !this.#stopping) {
      const request = this.#options.next();
      if (request.frames.dataBytes > this.#window) break;
      this.#window -= request.frames.dataBytes;
      this.#free -= 1;
      const stream = this.#nextStream;
      this.#nextStream += 2;
      const bytes = Buffer.from(request.frames.bytes);
      bytes.writeUInt32BE(stream, 5);
      bytes.writeUInt32BE(stream, request.frames.dataAt + 5);
      this.#open.set(stream, { startedAt: process.hrtime.bigint(), request, bytes: [] });
      this.#out.push(bytes);
    }
    if (this.#out.length > 0) this.#socket.write(this.#out.length === 1 ? this.#out[0] : Buffer.concat(this.#out));
    this.#out = [];
  }

  #read(bytes) {
    let buffer = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    let at = 0;
    while (buffer.length - at >= 9) {
      const length = buffer.readUIntBE(at, 3);
      if (buffer.length - at < 9 + length) break;
      this.#onFrame(
        buffer[at + 3],
        buffer[at + 4],
        buffer.readUInt32BE(at + 5) & 0x7fffffff,
        buffer.subarray(at + 9, at + 9 + length),
      );
      at += 9 + length;
    }
    this.#rest = buffer.subarray(at);
    this.#fill();
  }

  #onFrame(type, flags, stream, payload) {
    if (type === FRAME.settings && (flags & ACK) === 0) this.#out.push(frame(FRAME.settings, ACK, 0, Buffer.alloc(0)));
    else if (type === FRAME.ping && (flags & ACK) === 0) this.#out.push(frame(FRAME.ping, ACK, 0, payload));
    else if (type === FRAME.windowUpdate && stream === 0) this.#window += payload.readUInt32BE(0) & 0x7fffffff;
    else if (type === FRAME.data) this.#onData(stream, flags, payload);
    else if (type === FRAME.headers && (flags & END_STREAM) !== 0) this.#finish(stream);
    else if (type === FRAME.rstStream) this.#finish(stream);
    else if (type === FRAME.goaway) this.stop();
  }

  #onData(stream, flags, payload) {
    this.#open.get(stream)?.bytes.push(Buffer.from(payload));
    this.#unacknowledged += payload.length;
    if (this.#unacknowledged > WINDOW_REFILL) {
      this.#out.push(this.#windowUpdate(this.#unacknowledged));
      this.#unacknowledged = 0;
    }
    if ((flags & END_STREAM) !== 0) this.#finish(stream);
  }

  #finish(stream) {
    const call = this.#open.get(stream);
    if (call === undefined) return;
    this.#open.delete(stream);
    this.#free += 1;
    const body = call.bytes.length === 1 ? call.bytes[0] : Buffer.concat(call.bytes);
    const micros = Number(process.hrtime.bigint() - call.startedAt) / 1000;
    this.#options.onAnswer(body.length > 5 && call.request.expects(body.subarray(5)), micros);
    if (this.#stopping && this.#open.size === 0) this.#socket.end();
  }
}

/**
 * Plays `mix` against one server for `durationMs`.
 * mix: [{ message: Buffer (a CheckRequest), expects: (checkResponse: Buffer) => boolean }], in turn.
 * Returns { answered, wrong, lost, seconds, latencyMicros: Float64Array (sorted) }.
 */
export const playLoad = async ({ address, mix, durationMs, connections = 4, streams = 16 }) => {
  const requests = mix.map(({ message, expects }) => ({ frames: requestFrames(message), expects }));
  const latencies = [];
  const tally = { answered: 0, wrong: 0, lost: 0 };
  let turn = 0;
  let closed = 0;
  let allClosed = () => undefined;
  const done = new Promise((resolve) => {
    allClosed = resolve;
  });
  const all = Array.from(
    { length: connections },
    () =>
      new Connection({
        address,
        streams,
        next: () => requests[turn++ % requests.length],
        onAnswer: (isExpected, micros) => {
          tally.answered += 1;
          if (!isExpected) tally.wrong += 1;
          latencies.push(micros);
        },
        onClose: (open) => {
          tally.lost += open;
          closed += 1;
          if (closed === connections) allClosed();
        },
      }),
  );
  const startedAt = performance.now();
  await Promise.all(all.map((connection) => connection.start()));
  await new Promise((resolve) => setTimeout(resolve, durationMs));
  for (const connection of all) connection.stop();
  await done;
  return {
    ...tally,
    seconds: (performance.now() - startedAt) / 1000,
    latencyMicros: Float64Array.from(latencies).sort(),
  };
};
