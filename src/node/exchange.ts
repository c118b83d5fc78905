import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Surroundings } from '../http/deps.ts';

/** Which host a request asked for is its own claim, and decides nothing. */
const base = 'https://writ';

/** How long, and how many bytes of, a body that nobody wanted is let run out, so that its sender reads the answer. */
const lingerMs = 1_000;
const lingerBytes = 1024 * 1024;

export type Exchange = {
  readonly request: Request;
  readonly surroundings: Surroundings;
  readonly body: { readonly wasRead: () => boolean; readonly isComing: () => boolean };
};

/**
 * Node's request as a fetch Request. The body streams only as fast as it is read. The signal fires when the
 * caller leaves before the answer is through. A target that is no path and query is handed on as `/`, with the
 * text itself in `surroundings`, where it is refused.
 */
export function requestOf(
  message: IncomingMessage,
  response: ServerResponse,
  options: { invites: boolean },
): Exchange {
  const leaving = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) leaving.abort();
  });

  const headers = new Headers();
  for (let at = 0; at < message.rawHeaders.length; at += 2) {
    headers.append(message.rawHeaders[at]!, message.rawHeaders[at + 1]!);
  }
  const target = message.url ?? '';
  const url = target.startsWith('/') && URL.canParse(base + target) ? base + target : `${base}/`;
  const method = message.method ?? 'GET';
  let invited = !options.invites;
  const invite = (): void => {
    if (!invited) response.writeContinue();
    invited = true;
  };
  const hasBody = method !== 'GET' && method !== 'HEAD' && announces(message);
  const request = new Request(url, {
    method,
    headers,
    signal: leaving.signal,
    ...(hasBody && { body: bodyOf(message, invite), duplex: 'half' }),
  });
  return {
    request,
    surroundings: { target, source: message.socket.remoteAddress ?? 'unknown' },
    body: { wasRead: () => !announces(message) || message.complete, isComing: () => invited },
  };
}

const announces = (message: IncomingMessage): boolean => {
  const length = message.headers['content-length'];
  return message.headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
};

/** A body as a stream that takes nothing from the socket before it is read. */
function bodyOf(message: IncomingMessage, invite: () => void): ReadableStream<Uint8Array> {
  let forget = (): void => {};
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const onData = (chunk: Buffer): void => {
          message.pause();
          controller.enqueue(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length));
        };
        const onEnd = (): void => {
          forget();
          controller.close();
        };
        const onCut = (): void => {
          forget();
          controller.error(new Error('the caller left'));
        };
        forget = (): void => {
          message.off('data', onData).off('end', onEnd).off('error', onCut).off('close', onCut);
        };
        message.on('data', onData).on('end', onEnd).on('error', onCut).on('close', onCut);
        // An error after this stream is done is nobody's; without a listener it would end the process.
        message.on('error', () => {});
        message.pause();
      },
      pull() {
        invite();
        message.resume();
      },
      cancel() {
        forget();
        message.pause();
      },
    },
    { highWaterMark: 0 },
  );
}

/** Sends a fetch Response, streaming where it streams, and lets an unread body run out before the connection ends. */
export async function sendResponse(
  answer: Response,
  message: IncomingMessage,
  response: ServerResponse,
  options: { closing: boolean; body: Exchange['body'] },
): Promise<void> {
  if (response.destroyed) return void answer.body?.cancel().catch(() => {});
  for (const [name, value] of answer.headers) response.setHeader(name, value);
  const unread = !options.body.wasRead();
  if (unread || options.closing) response.setHeader('connection', 'close');
  response.statusCode = answer.status;

  const isHead = message.method === 'HEAD';
  const isStream = answer.headers.get('content-type')?.startsWith('text/event-stream') === true;
  if (answer.body !== null && (isStream || answer.headers.has('content-length'))) {
    if (!isHead) return stream(answer.body, response);
    response.end();
    return answer.body.cancel();
  }
  const bytes = new Uint8Array(await answer.arrayBuffer());
  response.setHeader('content-length', bytes.length);
  if (!unread || !options.body.isComing()) return void response.end(isHead ? undefined : bytes);
  response.write(bytes);
  await runOut(message);
  response.end();
}

async function stream(body: ReadableStream<Uint8Array>, response: ServerResponse): Promise<void> {
  const reader = body.getReader();
  response.once('close', () => {
    reader.cancel().catch(() => {});
  });
  response.flushHeaders();
  for (;;) {
    const next = await reader.read();
    if (next.done || response.destroyed) break;
    if (!response.write(next.value)) {
      await new Promise<void>((resolve) => {
        const go = (): void => {
          response.off('drain', go);
          response.off('close', go);
          resolve();
        };
        response.once('drain', go);
        response.once('close', go);
      });
    }
  }
  response.end();
}

/** Discards what still comes of a body, within bounds. */
function runOut(message: IncomingMessage): Promise<void> {
  return new Promise((resolve) => {
    let bytes = 0;
    const finish = (): void => {
      clearTimeout(timer);
      message.off('data', count);
      message.pause();
      resolve();
    };
    const count = (chunk: Buffer): void => {
      bytes += chunk.length;
      if (bytes > lingerBytes) finish();
    };
    const timer = setTimeout(finish, lingerMs);
    if (message.complete || message.destroyed) return finish();
    message.on('data', count);
    message.once('end', finish);
    message.once('close', finish);
    message.on('error', finish);
    message.resume();
  });
}
