import { open } from 'node:fs/promises';
import type { Context } from '../command.ts';
import { createHttpClient } from '../https.ts';
import { exits, type Failure, fail } from '../outcome.ts';

/** Many times what twenty thousand witnesses are. */
const maxSourceBytes = 32 * 1024 * 1024;
const answerMs = 30_000;

/** The text of a file, of standard input (`-`), or of an ntfy topic or a file at an address. */
export async function readWitnessSource(
  context: Context,
  source: string,
): Promise<{ ok: true; value: string } | Failure> {
  if (source === '-') {
    const bytes = await context.terminal.inputBytes(maxSourceBytes);
    return bytes === null ? tooLarge('standard input') : textOf(bytes);
  }
  return /^https?:\/\//.test(source) ? fetchSource(context, source) : readSourceFile(source);
}

async function readSourceFile(path: string): Promise<{ ok: true; value: string } | Failure> {
  try {
    const file = await open(path);
    try {
      const chunks: Buffer[] = [];
      let size = 0;
      for await (const chunk of file.createReadStream({ autoClose: false }) as AsyncIterable<Buffer>) {
        size += chunk.length;
        if (size > maxSourceBytes) return tooLarge(path);
        chunks.push(chunk);
      }
      return textOf(Buffer.concat(chunks));
    } finally {
      await file.close();
    }
  } catch (error) {
    return fail(exits.usage, 'file_unreadable', `${path} cannot be read: ${(error as Error).message}.`);
  }
}

/** A topic's address, as it stands in trust, is where messages are posted; they are read at another. */
export function addressOf(source: string): URL | null {
  if (!URL.canParse(source)) return null;
  const url = new URL(source);
  const isTopic = /^\/[\w-]{1,64}$/.test(url.pathname);
  if (!isTopic) return url;
  url.pathname += '/json';
  url.searchParams.set('poll', '1');
  url.searchParams.set('since', 'all');
  return url;
}

async function fetchSource(context: Context, source: string): Promise<{ ok: true; value: string } | Failure> {
  const url = addressOf(source);
  if (url === null) return fail(exits.usage, 'url_malformed', `${source} is no address.`);
  context.progress.say(`Asking ${url.host} for witnesses`);
  const answer = await createHttpClient({ origin: url.origin, spki: null }).request({
    method: 'GET',
    url: url.pathname + url.search,
    headers: { accept: 'application/x-ndjson, text/plain' },
    timeoutMs: answerMs,
    maxBytes: maxSourceBytes,
    signal: context.signal,
  });
  if (!answer.ok && answer.reason === 'too_large') return tooLarge(url.host);
  if (!answer.ok) {
    return fail(
      exits.unreachable,
      'witnesses_unreachable',
      `${url.host} gave no witnesses: ${answer.detail}.`,
    );
  }
  if (answer.status !== 200) {
    return fail(
      exits.unreachable,
      'witnesses_unreachable',
      `${url.host} gave no witnesses: it answered with status ${answer.status}.`,
    );
  }
  return textOf(answer.body);
}

const textOf = (bytes: Uint8Array): { ok: true; value: string } => ({
  ok: true,
  value: new TextDecoder().decode(bytes),
});

const tooLarge = (what: string): Failure =>
  fail(
    exits.refused,
    'witnesses_too_large',
    `${what} holds more than ${maxSourceBytes / 1024 / 1024} MiB; nothing of it was looked at.`,
  );
