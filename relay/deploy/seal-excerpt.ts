import { encodeBase64url } from '../../schema/jose/base64url.ts';
import { toBytes } from '../../schema/jose/digest.ts';
import { ageKindOf } from '../../schema/wire/age-recipient.ts';
import { ageFileStart, maxExcerptBytes } from '../../schema/wire/excerpt.ts';
import type { Machine } from '../machine/machine.ts';

const timeoutMs = 20_000;
/** What a file of age takes beside its content, at most: its first line, MAC, nonce and tag; and for each recipient. */
const fileBytes = 120;
const stanzaBytes = { classic: 110, post_quantum: 1700 } as const;
/** Of the first line, which says what failed. */
const headBytes = 400;
/** Less than this tells nobody anything. */
const leastBytes = 200;

/**
 * Encrypts what programs of a machine said to trust's recipients, with the machine's own age, so that it leaves the relay
 * in no other form. Of what is too long the first line and the end are kept.
 *
 * @returns base64url of the file, or null: nobody may read it, or there is no age that can encrypt to them
 */
export async function sealExcerpt(
  machine: Machine,
  recipients: readonly string[],
  text: string,
  signal?: AbortSignal,
): Promise<string | null> {
  const readers = readersOf(recipients);
  const room = readers.reduce((left, { kind }) => left - stanzaBytes[kind], maxExcerptBytes - fileBytes);
  if (readers.length === 0 || text === '' || room < leastBytes) return null;
  const words = readers.flatMap(({ recipient }) => ['-r', recipient]);
  const ran = await machine.run(['age', '-e', ...words], {
    stdin: shorten(toBytes(text), room),
    timeoutMs,
    maxBytes: 2 * maxExcerptBytes,
    ...(signal && { signal }),
  });
  if (!ran.ok || ran.value.code !== 0) return null;
  const { stdout } = ran.value;
  const isFile = new TextDecoder().decode(stdout.subarray(0, ageFileStart.length)) === ageFileStart;
  return isFile && stdout.length <= maxExcerptBytes ? encodeBase64url(stdout) : null;
}

/** age encrypts to one kind at a time, and Debian's to the classic one alone: one of those is as good as all of them. */
function readersOf(recipients: readonly string[]) {
  const all = recipients.flatMap((recipient) => {
    const kind = ageKindOf(recipient);
    return kind === null ? [] : [{ recipient, kind }];
  });
  const classic = all.filter(({ kind }) => kind === 'classic');
  return classic.length > 0 ? classic : all;
}

function shorten(bytes: Uint8Array<ArrayBuffer>, room: number): Uint8Array<ArrayBuffer> {
  if (bytes.length <= room) return bytes;
  const line = bytes.indexOf(10) + 1;
  const head = bytes.subarray(0, line > 0 && line <= headBytes && line < room / 2 ? line : 0);
  const gap = toBytes('…\n');
  const tail = bytes.subarray(bytes.length - (room - head.length - gap.length));
  const short = new Uint8Array(room);
  short.set(head);
  short.set(gap, head.length);
  short.set(tail, head.length + gap.length);
  return short;
}
