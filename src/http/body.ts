import { parseStrictJson } from '../../schema/jose/strict-json.ts';
import type { Timers } from '../store/port.ts';

export type BodyReason =
  | 'body_too_large'
  | 'body_too_slow'
  | 'body_cut_short'
  | 'body_malformed'
  | 'body_unexpected'
  | 'content_type';

export type BodyRefused = { readonly ok: false; readonly reason: BodyReason; readonly detail: string };
const refused = (reason: BodyReason, detail: string): BodyRefused => ({ ok: false, reason, detail });

const jsonType = /^application\/json(?:\s*;\s*charset=(?:utf-8|"utf-8"))?$/i;

const bytesType = /^application\/octet-stream$/i;

/** Whether the headers announce a body: looked at before any byte of it. */
export function announcesBody(headers: Headers): boolean {
  const length = headers.get('content-length');
  return headers.has('transfer-encoding') || (length !== null && length !== '0');
}

/**
 * Reads a body whole, or refuses it: by its announced length, by the bytes that really come, and by the time
 * they take. Nothing is parsed before all of it is here.
 */
export async function readBody(
  request: Request,
  limits: { maxBytes: number; deadlineMs: number },
  timers: Timers,
): Promise<{ ok: true; bytes: Uint8Array<ArrayBuffer> } | BodyRefused> {
  const tooLarge = refused('body_too_large', `The body is over ${limits.maxBytes} bytes.`);
  const announced = request.headers.get('content-length');
  if (announced !== null && Number(announced) > limits.maxBytes) return tooLarge;
  if (request.body === null) return { ok: true, bytes: new Uint8Array(0) };

  const reader = request.body.getReader();
  const chunks: Uint8Array[] = [];
  let size = 0;
  let late = (): void => {};
  const deadline = new Promise<'late'>((resolve) => {
    late = timers.after(limits.deadlineMs, () => resolve('late'));
  });
  try {
    for (;;) {
      const next = await Promise.race([reader.read(), deadline]);
      if (next === 'late') {
        return refused('body_too_slow', `The body did not come within ${limits.deadlineMs / 1000} s.`);
      }
      if (next.done) break;
      size += next.value.length;
      if (size > limits.maxBytes) return tooLarge;
      chunks.push(next.value);
    }
  } catch {
    return refused('body_cut_short', 'The connection ended before the whole body had come.');
  } finally {
    late();
    // Not awaited: a source that hangs would hang this as well.
    reader.cancel().catch(() => {});
  }
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return { ok: true, bytes };
}

function judgeType(headers: Headers, type: RegExp, name: string): BodyRefused | null {
  if (!type.test(headers.get('content-type') ?? '')) {
    return refused('content_type', `The body must be Content-Type: ${name}.`);
  }
  return (headers.get('content-encoding') ?? 'identity').toLowerCase() === 'identity'
    ? null
    : refused('content_type', 'The body must not be compressed.');
}

/** Whether the headers say that a body is bytes as they are; null when they do. */
export const judgeBytes = (headers: Headers): BodyRefused | null =>
  judgeType(headers, bytesType, 'application/octet-stream');

/** Reads bytes as JSON under the strict rules of schema/jose/strict-json.ts, judged by what the headers say they are. */
export function parseBody(
  headers: Headers,
  bytes: Uint8Array,
  maxBytes: number,
): { ok: true; value: unknown } | BodyRefused {
  const fault = judgeType(headers, jsonType, 'application/json');
  if (fault !== null) return fault;
  const json = parseStrictJson(bytes, { maxBytes });
  return json.ok
    ? json
    : refused('body_malformed', `The body cannot be read: ${json.detail ?? json.reason}.`);
}
