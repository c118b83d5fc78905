import { createSearch, openCoverage } from './coverage.ts';
import { type Bytes, mutateBytes, type Pool } from './mutate-bytes.ts';
import { mutateJson } from './mutate-json.ts';
import { createRandom, type Random } from './random.ts';
import type { Read, Target } from './target.ts';

/**
 * The most CPU time that one input may take; looked at twice, because something else may have been at work. What takes longer with
 * each byte than with the one before comes to seconds; beside other programs a processor does a third of what it can alone.
 */
export const maxInputMs = 1_000;
/** What may stay in memory after all inputs. */
const maxGrowthBytes = 48 * 1024 * 1024;
const maxKept = 3_000;
const maxKeptBytes = 16 * 1024 * 1024;
/** Looking at what ran takes milliseconds: no more of the time than one part in so many. */
const coverageShare = 3;
/** Inputs among which it is looked for the one that reached something new. */
const maxLot = 512;

export type Fault = {
  readonly kind: 'threw' | 'undeclared' | 'slow' | 'grew' | 'died' | 'hung';
  readonly detail: string;
  /** The input that did it; null when no single one did. */
  readonly input: Uint8Array | null;
};
export type Fuzzed = {
  readonly target: string;
  readonly seed: number;
  readonly inputs: number;
  /** How many inputs reached something new, and how many blocks of code were reached. */
  readonly kept: number;
  readonly reached: number;
  readonly grownBytes: number;
  readonly fault: Fault | null;
};

const cpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

const isPlain = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;

/** What is wrong with an answer: of a result, its refusal has a code, and nothing else is neither. Null: nothing. */
function faultOf(answer: unknown): string | null {
  if (!isPlain(answer) || !('ok' in answer)) return null;
  if (answer.ok === true) return null;
  if (answer.ok !== false) return `ok is ${String(answer.ok)}`;
  if ('findings' in answer || 'message' in answer) return null;
  const { reason } = answer;
  return typeof reason === 'string' && /^[a-z][a-z0-9_]*$/.test(reason)
    ? null
    : `the reason is ${String(reason)}`;
}

/** What came of an input: a fault, or in few words what it was taken for. */
export type Tried = { readonly fault: Fault | null; readonly outcome: string };

/** A result or refusal in few words, without what stands in the input itself. */
function wordsOfAnswer(answer: unknown): string {
  if (!isPlain(answer)) return String(answer).slice(0, 40);
  if (Array.isArray(answer.findings))
    return answer.findings
      .map((one) => one?.code)
      .join()
      .slice(0, 200);
  if (Array.isArray(answer.value))
    return answer.value
      .map((one) => one?.code)
      .join()
      .slice(0, 200);
  const { ok, reason, detail, kind, state } = answer;
  return [
    ok,
    reason,
    kind,
    state,
    typeof detail === 'string' ? detail.replace(/[^a-z ]+/g, '').slice(0, 60) : '',
  ].join();
}

/** Reads one input, and tells what came of it. */
export async function tryInput(read: Read, input: Bytes): Promise<Tried> {
  const failed = (kind: Fault['kind'], detail: string): Tried => ({
    fault: { kind, detail, input },
    outcome: kind,
  });
  for (let attempt = 0; ; attempt += 1) {
    const wallFrom = performance.now();
    const cpuFrom = cpuMs();
    let answer: unknown;
    try {
      answer = await read(input.slice());
    } catch (error) {
      return failed('threw', error instanceof Error ? String(error.stack) : String(error));
    }
    const wrong = faultOf(answer);
    if (wrong !== null) return failed('undeclared', wrong);
    const fine: Tried = { fault: null, outcome: wordsOfAnswer(answer) };
    if (performance.now() - wallFrom <= maxInputMs) return fine;
    const tookMs = cpuMs() - cpuFrom;
    if (tookMs <= maxInputMs) return fine;
    if (attempt > 0) return failed('slow', `${tookMs.toFixed(0)} ms of CPU time`);
  }
}

const encoder = new TextEncoder();
export const asBytes = (input: Uint8Array | string): Bytes =>
  typeof input === 'string' ? encoder.encode(input) : new Uint8Array(input);

/** The words of the corpus: names and values that the format knows. */
function wordsOf({ words = [] }: Target, corpus: readonly Bytes[]): Bytes[] {
  const found = new Set(words);
  for (const bytes of corpus) {
    const text = Buffer.from(bytes.subarray(0, 100_000)).toString('latin1');
    for (const [one] of text.matchAll(/[A-Za-z_][A-Za-z0-9_.:-]{1,30}/g))
      if (found.size < 3_000) found.add(one);
  }
  return [...found].map((one) => encoder.encode(one));
}

function change(random: Random, bytes: Bytes, pool: Pool, maxBytes: number): Bytes {
  let out = bytes;
  for (let times = 1 + random.below(random.once(3) ? 6 : 2); times > 0; times -= 1) {
    const json = random.once(2) ? mutateJson(random, out, pool) : null;
    out = json ?? mutateBytes(random, out, pool);
    if (out.length > maxBytes) out = out.slice(0, maxBytes);
  }
  return out;
}

/** Inputs that reached something new: from these it goes on. */
function createKeep(corpus: readonly Bytes[]) {
  const kept: Bytes[] = [...corpus];
  let keptBytes = 0;
  return {
    kept,
    add(input: Bytes): void {
      keptBytes += input.length;
      if (kept.length < maxKept && keptBytes < maxKeptBytes) kept.push(input);
    },
  };
}

/** What is in memory once all that nobody holds is gone: buffers go after the objects that they are of. */
const collect = async (): Promise<number> => {
  for (let round = 0; round < 3; round += 1) {
    globalThis.gc?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
};

export type FuzzOptions = {
  readonly seed: number;
  readonly seconds: number;
  /** No more inputs than so many. */
  readonly maxInputs?: number;
  /** Told of each input before it is read, so that one that ends the process is known. */
  readonly before?: (input: Bytes) => void;
};

/** Reads mutated inputs until the time is over, or one of them shows a fault. */
export async function fuzz(target: Target, options: FuzzOptions): Promise<Fuzzed> {
  const { seed, seconds, maxInputs = Number.POSITIVE_INFINITY, before = () => undefined } = options;
  const random = createRandom(seed);
  const corpus = (await target.corpus()).map(asBytes);
  const read = await target.open();
  const words = wordsOf(target, corpus);
  const { kept, add } = createKeep(corpus);
  const search = createSearch(openCoverage());
  const maxBytes = target.maxBytes ?? 64 * 1024;
  const startedAt = performance.now();
  const endAt = startedAt + seconds * 1000;
  const outcomes = new Set<string>();
  let lookedMs = 0;
  let inputs = 0;
  let fault: Fault | null = null;
  const isOver = (): boolean => fault !== null || performance.now() >= endAt || inputs >= maxInputs;

  /** Whether something came of it that came of none before. */
  const readOne = async (input: Bytes): Promise<boolean> => {
    before(input);
    inputs += 1;
    const tried = await tryInput(read, input);
    fault ??= tried.fault;
    if (outcomes.has(tried.outcome) || outcomes.size >= maxKept) return false;
    outcomes.add(tried.outcome);
    return true;
  };
  const readAll = async (some: readonly Bytes[]): Promise<void> => {
    for (const input of some) if (!isOver()) await readOne(input);
  };

  await readAll(corpus);
  let warm: number | null = null;
  let pending: Bytes[] = [];
  while (!isOver()) {
    const from = random.once(2)
      ? kept[kept.length - 1 - random.below(Math.min(kept.length, 50))]!
      : random.pick(kept);
    const input = change(random, from, { others: kept, words }, maxBytes);
    pending.push(input);
    if (await readOne(input)) add(input);
    if (fault === null && pending.length >= Math.min(maxLot / 8, 8 + inputs / 8)) {
      const now = performance.now();
      if (lookedMs * coverageShare < now - startedAt) {
        for (const found of await search.look(pending, readAll)) add(found);
        lookedMs += performance.now() - now;
        pending = [];
      } else if (pending.length >= maxLot) pending = pending.slice(maxLot / 8);
    }
    if (warm === null && (inputs > 1_000 || performance.now() > endAt - seconds * 900))
      warm = await collect();
  }
  // They are the engine's own.
  pending = [];
  const own = kept.reduce((sum, { length }) => sum + length, 0);
  const grownBytes = warm === null ? 0 : Math.max(0, (await collect()) - warm);
  if (fault === null && grownBytes > maxGrowthBytes + own) {
    fault = { kind: 'grew', detail: `${grownBytes} bytes stay in memory`, input: null };
  }
  return {
    target: target.name,
    seed,
    inputs,
    kept: kept.length - corpus.length,
    reached: search.reached(),
    grownBytes,
    fault,
  };
}
