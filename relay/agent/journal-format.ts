import { createHash } from 'node:crypto';
import * as v from 'valibot';
import { digestSchema } from '../../schema/jose/digest.ts';
import { parseStrictJson } from '../../schema/jose/strict-json.ts';
import { ok, type Result, refuse } from '../../schema/result.ts';
import {
  actionTypeSchema,
  countSchema,
  homeIdSchema,
  nameSchema,
  targetNameSchema,
  timeSchema,
} from '../../schema/wire/ids.ts';
import { maxSteps } from '../../schema/wire/intent.ts';
import { maxIntentBytes, maxReceiptBytes } from '../../schema/wire/limits.ts';
import { orderNumberSchema } from '../../schema/wire/release-order.ts';

const bootSchema = v.pipe(v.string(), v.minLength(1), v.maxLength(64));
const stepIndexSchema = v.pipe(countSchema, v.maxValue(maxSteps - 1));

/** What became of a consumed step. `started` and `powering_off` still wait for their final receipt. */
const stepPhases = ['refused', 'started', 'powering_off', 'ended'] as const;

const stepEntrySchema = v.strictObject({
  k: v.literal('step'),
  intent: digestSchema,
  step: stepIndexSchema,
  /** When the intent expires: how long this must be remembered. Of a release, which does not: when it was consumed. */
  expires: timeSchema,
  /** Of a part of a release: what its order says of its place in time. */
  release: v.optional(v.strictObject({ order: orderNumberSchema, issued_at: timeSchema })),
  phase: v.picklist(stepPhases),
  action: actionTypeSchema,
  target: targetNameSchema,
  /** Null once the step has ended. */
  params: v.nullable(v.record(v.string(), v.unknown())),
  /** Wall clock and boot at the start. */
  at: timeSchema,
  boot: bootSchema,
  /** Numbers of its receipts. */
  receipts: v.pipe(v.array(countSchema), v.maxLength(2)),
});
export type StepEntry = v.InferOutput<typeof stepEntrySchema>;

const receiptEntrySchema = v.strictObject({
  k: v.literal('receipt'),
  seq: v.pipe(countSchema, v.minValue(1)),
  jws: v.pipe(v.string(), v.maxLength(maxReceiptBytes)),
  hash: digestSchema,
});
export type ReceiptEntry = v.InferOutput<typeof receiptEntrySchema>;

const startEntrySchema = v.strictObject({
  k: v.literal('start'),
  identity: nameSchema,
  action: actionTypeSchema,
  target: targetNameSchema,
  /** Milliseconds that this host had lived, as the journal counts them. */
  lived: countSchema,
  /** The window of the limit under which it was counted. */
  window: countSchema,
});
export type StartEntry = v.InferOutput<typeof startEntrySchema>;

const orderEntrySchema = v.strictObject({
  k: v.literal('order'),
  target: nameSchema,
  /** The highest order of a release that was followed on this target, or refused for good. */
  order: orderNumberSchema,
  /** Of that order's bytes. */
  digest: digestSchema,
});
export type OrderEntry = v.InferOutput<typeof orderEntrySchema>;

/** Each entry sets one fact, so that the log and its compacted form are the same language. */
const entrySchema = v.variant('k', [
  v.strictObject({
    k: v.literal('genesis'),
    v: v.literal(1),
    home: homeIdSchema,
    relay: nameSchema,
    /** Thumbprint of the relay's own key. */
    kid: v.pipe(v.string(), v.length(43)),
  }),
  v.strictObject({
    k: v.literal('trust'),
    version: v.pipe(countSchema, v.minValue(1)),
    digest: digestSchema,
  }),
  v.strictObject({
    k: v.literal('clock'),
    boot: bootSchema,
    uptime: countSchema,
    /** Uptimes of all boots so far, as far as they were written: never more than the time that passed. */
    lived: countSchema,
    /** The last wall clock time that was synchronised; 0 when there was none yet. */
    time: timeSchema,
  }),
  /** Intents that were issued earlier are refused: what this relay did before is not in this journal. */
  v.strictObject({ k: v.literal('not_before'), time: timeSchema }),
  /**
   * Consumed steps were forgotten whose intents expired up to this time: such intents are refused. And parts of
   * releases that were issued up to `orders` and that no entry of their target tells of.
   */
  v.strictObject({ k: v.literal('forgotten'), expires: timeSchema, orders: v.optional(timeSchema) }),
  stepEntrySchema,
  receiptEntrySchema,
  startEntrySchema,
  orderEntrySchema,
  v.strictObject({ k: v.literal('head'), seq: countSchema, hash: digestSchema }),
  v.strictObject({ k: v.literal('confirmed'), seq: countSchema }),
  v.strictObject({ k: v.literal('audit'), seq: countSchema, hash: digestSchema }),
  /** When the head of the audit log was last posted where the controller cannot take it back. */
  v.strictObject({ k: v.literal('witnessed'), time: timeSchema }),
  v.strictObject({ k: v.literal('reports'), next: countSchema }),
  v.strictObject({ k: v.literal('restored') }),
]);
export type JournalEntry = v.InferOutput<typeof entrySchema>;

const lineSchema = v.array(entrySchema);

/** Far above any compacted journal; an endless file is not read as one. */
const maxJournalBytes = 256 * 1024 * 1024;
/** How many entries a compacted line holds; lines of single changes hold far fewer. */
export const entriesPerLine = 200;
/** Twice what so many entries can be: the largest hold an intent's parameters, or a receipt. */
const maxLineBytes = 2 * entriesPerLine * (maxIntentBytes + maxReceiptBytes);

const checksumOf = (previous: string, json: string): string =>
  createHash('sha256').update(`${previous} ${json}`).digest('hex').slice(0, 32);

/** Before the first line. */
export const firstChecksum = 'writ/1/journal';

export type EncodedLine = { readonly bytes: Uint8Array; readonly checksum: string };

/**
 * One line: a checksum over the line before and this one, and the entries that become true together. A write
 * that was cut short loses them together, too.
 *
 * Throws on entries that could not be read back: one such line, and the relay would not start again.
 */
export function encodeLine(previous: string, entries: readonly JournalEntry[]): EncodedLine {
  if (!v.is(lineSchema, entries)) throw new Error('an entry that the journal could not be read with');
  const json = JSON.stringify(entries);
  const checksum = checksumOf(previous, json);
  return { bytes: Buffer.from(`${checksum} ${json}\n`), checksum };
}

export type DecodedJournal = {
  readonly entries: readonly JournalEntry[];
  readonly checksum: string;
  /** The last line was cut short by a crash, before anybody was told that it was written. */
  readonly torn: boolean;
};

/**
 * Reads a journal. Only its last line may be damaged, and only as an unfinished write damages it: without its
 * end, or with blocks that were never filled. Anything else could hide a step that was done; so a line that lacks
 * nothing but its end counts.
 */
export function decodeJournal(file: Uint8Array): Result<DecodedJournal, 'journal_malformed'> {
  if (file.length > maxJournalBytes) return refuse('journal_malformed', 'the journal is too large');
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  const entries: JournalEntry[] = [];
  let checksum = firstChecksum;
  for (let at = 0, number = 1; at < bytes.length; number += 1) {
    const end = bytes.indexOf(0x0a, at);
    const line = bytes.subarray(at, end === -1 ? bytes.length : end);
    const read = decodeLine(checksum, line);
    if (read === null) {
      const last = end === -1 || end === bytes.length - 1;
      const unfinished = end === -1 || line.includes(0);
      if (last && unfinished && number > 1) return ok({ entries, checksum, torn: true });
      return refuse('journal_malformed', `line ${number} is damaged`);
    }
    for (const entry of read.entries) entries.push(entry);
    checksum = read.checksum;
    if (end === -1) return ok({ entries, checksum, torn: true });
    at = end + 1;
  }
  return ok({ entries, checksum, torn: false });
}

function decodeLine(
  previous: string,
  line: Buffer,
): { entries: readonly JournalEntry[]; checksum: string } | null {
  const text = line.toString('utf8');
  const json = text.slice(33);
  if (text[32] !== ' ' || text.slice(0, 32) !== checksumOf(previous, json)) return null;
  const value = parseStrictJson(json, { maxBytes: maxLineBytes });
  if (!value.ok) return null;
  const parsed = v.safeParse(lineSchema, value.value);
  return parsed.success ? { entries: parsed.output, checksum: text.slice(0, 32) } : null;
}
