import type { Socket } from 'node:net';
import { parseStrictJson } from '../../schema/jose/strict-json.ts';
import { ok, type Result, refuse } from '../../schema/result.ts';

/** What goes over a local socket between two programs of this host: one JSON text, or bytes as they are. */
export type Frame =
  | { readonly kind: 'json'; readonly value: unknown }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array<ArrayBuffer> };

export type FrameReason =
  /** The other side is gone. */
  | 'closed'
  /** It did not say a whole frame in time. */
  | 'timeout'
  | 'too_large'
  | 'malformed';

/** Most bytes that a frame of each kind may have: looked at before anything of it is read. */
export type FrameLimits = { readonly json: number; readonly bytes: number };

/** Frames to and from the other side of a socket. Nothing is read that nobody waits for. */
export type FrameLink = {
  send(value: object): void;
  sendBytes(bytes: Uint8Array): void;
  /**
   * The next frame, whole within `timeoutMs` and before `signal` is aborted. After any refusal the link is closed. One
   * caller at a time.
   */
  next(timeoutMs: number, limits: FrameLimits, signal?: AbortSignal): Promise<Result<Frame, FrameReason>>;
  /** Aborted once the other side is gone. */
  readonly gone: AbortSignal;
  /** Ends the link once what was sent is on its way. */
  close(): void;
};

/** A letter for the kind, then the length as 4 bytes, the highest first. */
const headBytes = 5;
const maxDepth = 16;

export function createFrameLink(socket: Socket): FrameLink {
  const gone = new AbortController();
  let wake = (): void => {};
  const stir = (): void => {
    // Without this an end is not noticed while nobody waits for a frame.
    socket.read(0);
    wake();
  };
  const leave = (): void => {
    gone.abort();
    wake();
  };
  socket.on('readable', stir);
  for (const event of ['end', 'close', 'error'] as const) socket.on(event, leave);

  /** Exactly so many bytes, or why not. */
  const take = async (size: number, over: AbortSignal): Promise<Result<Buffer, FrameReason>> => {
    for (;;) {
      const bytes = size === 0 ? Buffer.alloc(0) : (socket.read(size) as Buffer | null);
      if (bytes !== null) return bytes.length === size ? ok(bytes) : refuse('closed');
      if (gone.signal.aborted) return refuse('closed');
      if (over.aborted) return refuse('timeout');
      await new Promise<void>((resolve) => {
        wake = resolve;
        over.addEventListener('abort', () => resolve(), { once: true });
      });
    }
  };

  const read = async (limits: FrameLimits, over: AbortSignal): Promise<Result<Frame, FrameReason>> => {
    const head = await take(headBytes, over);
    if (!head.ok) return head;
    const kind = head.value[0] === 0x4a ? 'json' : head.value[0] === 0x42 ? 'bytes' : null;
    if (kind === null) return refuse('malformed', 'a frame of no known kind');
    const size = head.value.readUInt32BE(1);
    if (size > limits[kind]) return refuse('too_large', `a frame of ${size} bytes`);
    const body = await take(size, over);
    if (!body.ok) return body;
    if (kind === 'bytes') return ok({ kind, bytes: new Uint8Array(body.value) });
    const json = parseStrictJson(body.value, { maxBytes: limits.json, maxDepth });
    return json.ok ? ok({ kind, value: json.value }) : refuse('malformed', json.reason);
  };

  const put = (kind: 'J' | 'B', bytes: Uint8Array): void => {
    if (gone.signal.aborted || socket.destroyed) return;
    const head = Buffer.alloc(headBytes);
    head.write(kind, 0, 'latin1');
    head.writeUInt32BE(bytes.length, 1);
    socket.write(head);
    socket.write(bytes);
  };

  return {
    gone: gone.signal,
    send: (value) => put('J', Buffer.from(JSON.stringify(value))),
    sendBytes: (bytes) => put('B', bytes),
    async next(timeoutMs, limits, signal) {
      const over = new AbortController();
      const end = (): void => over.abort();
      const timer = setTimeout(end, timeoutMs);
      signal?.addEventListener('abort', end);
      if (signal?.aborted === true) end();
      try {
        const frame = await read(limits, over.signal);
        if (!frame.ok) socket.destroy();
        return frame;
      } finally {
        clearTimeout(timer);
        signal?.removeEventListener('abort', end);
      }
    },
    close: () => {
      socket.end();
    },
  };
}
