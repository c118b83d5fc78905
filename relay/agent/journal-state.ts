import { actionOf } from '../../schema/actions/index.ts';
import type { ChainHead } from '../../schema/chain/chain.ts';
import type { Digest } from '../../schema/jose/digest.ts';
import type { AuditHead } from '../../schema/wire/heartbeat.ts';
import { clockSkewMs } from '../../schema/wire/limits.ts';
import { compareOrders } from '../../schema/wire/release-order.ts';
import type { JournalEntry, OrderEntry, ReceiptEntry, StartEntry, StepEntry } from './journal-format.ts';

/** What the journal's entries say together. */
export type JournalState = {
  readonly home: string;
  readonly relay: string;
  readonly kid: string;
  readonly trust: { readonly version: number; readonly digest: Digest };
  readonly clock: { readonly boot: string; readonly uptime: number; readonly lived: number };
  /** The last synchronised wall clock time, 0 when there was none. */
  readonly time: number;
  readonly notBefore: number;
  readonly forgotten: number;
  /** Parts of releases that were issued up to this time were refused and forgotten. */
  readonly forgottenOrders: number;
  /** The highest order of a release on each target. It only goes up, and is never forgotten. */
  readonly orders: ReadonlyMap<string, OrderEntry>;
  /** Consumed steps by `stepKey`. */
  readonly steps: ReadonlyMap<string, StepEntry>;
  readonly receipts: ReadonlyMap<number, ReceiptEntry>;
  readonly head: ChainHead;
  readonly confirmed: number;
  /** Oldest first. */
  readonly starts: readonly StartEntry[];
  readonly audit: AuditHead | null;
  /** When that head was last posted by the alarm path; 0 when it never was. */
  readonly witnessed: number;
  /** The next number of a report that was not promised to anybody yet. */
  readonly reports: number;
  /** This state is an older copy of itself: nothing may run any more. */
  readonly restored: boolean;
};

type Mutable = {
  -readonly [K in keyof JournalState]: JournalState[K] extends ReadonlyMap<infer A, infer B>
    ? Map<A, B>
    : JournalState[K] extends readonly StartEntry[]
      ? StartEntry[]
      : JournalState[K];
};

/** How consumed steps are found: whatever job carries it, it is the same step. */
export const stepKey = (intent: Digest, step: number): string => `${intent}/${step}`;

/** Whether a step began and waits for its final receipt. */
export const isOpen = (step: StepEntry): boolean => step.phase === 'started' || step.phase === 'powering_off';

/** A state that entries can be added to. Null when they do not begin as a journal does. */
export function buildState(entries: readonly JournalEntry[]): LiveState | null {
  const [genesis] = entries;
  const trust = entries.find((entry) => entry.k === 'trust');
  const head = entries.find((entry) => entry.k === 'head');
  if (genesis?.k !== 'genesis' || trust === undefined || head === undefined) return null;
  const state: Mutable = {
    home: genesis.home,
    relay: genesis.relay,
    kid: genesis.kid,
    trust: { version: trust.version, digest: trust.digest },
    clock: { boot: '', uptime: 0, lived: 0 },
    time: 0,
    notBefore: 0,
    forgotten: 0,
    forgottenOrders: 0,
    orders: new Map(),
    steps: new Map(),
    receipts: new Map(),
    head: { seq: head.seq, hash: head.hash },
    confirmed: 0,
    starts: [],
    audit: null,
    witnessed: 0,
    reports: 1,
    restored: false,
  };
  const apply = (entry: JournalEntry): void => {
    switch (entry.k) {
      case 'genesis':
        return;
      case 'trust':
        state.trust = { version: entry.version, digest: entry.digest };
        return;
      case 'clock':
        state.clock = { boot: entry.boot, uptime: entry.uptime, lived: entry.lived };
        state.time = entry.time;
        return;
      case 'not_before':
        state.notBefore = entry.time;
        return;
      case 'forgotten':
        state.forgotten = entry.expires;
        state.forgottenOrders = entry.orders ?? 0;
        return;
      case 'step':
        state.steps.set(stepKey(entry.intent, entry.step), entry);
        return;
      case 'receipt':
        state.receipts.set(entry.seq, entry);
        if (entry.seq > state.head.seq) state.head = { seq: entry.seq, hash: entry.hash };
        return;
      case 'start':
        state.starts.push(entry);
        return;
      case 'order':
        state.orders.set(entry.target, entry);
        return;
      case 'head':
        state.head = { seq: entry.seq, hash: entry.hash };
        return;
      case 'confirmed':
        state.confirmed = entry.seq;
        return;
      case 'audit':
        state.audit = { seq: entry.seq, hash: entry.hash };
        return;
      case 'witnessed':
        state.witnessed = entry.time;
        return;
      case 'reports':
        state.reports = entry.next;
        return;
      case 'restored':
        state.restored = true;
        return;
    }
  };
  for (const entry of entries) apply(entry);
  return { view: state, apply, forget: (nowMs) => forget(state, nowMs) };
}

export type LiveState = {
  /** Changes as entries are applied. */
  readonly view: JournalState;
  apply(entry: JournalEntry): void;
  /**
   * Drops what nobody can need any more. The file may remember more than that: what is read from it again is dropped
   * again. What is written as a whole is as short.
   */
  forget(nowMs: number): void;
};

/** So many of the newest steps keep their receipts, to answer with should the API have lost them. */
export const answeringSteps = 500;
/** They do so this long after their intent expired. */
const answerMs = 12 * 60 * 60_000;
/** Other steps are remembered this long after their intent expired, several times what clocks may differ. */
const expiredMs = 4 * clockSkewMs;
/** Starts are counted at least over this span of the host's life, whatever limits trust names today. */
const countedMs = 31 * 24 * 60 * 60_000;

function forget(state: Mutable, nowMs: number): void {
  const needed = new Set<number>();
  let newer = state.steps.size;
  // In the order in which they were consumed.
  for (const [key, step] of state.steps) {
    newer -= 1;
    const answers = newer < answeringSteps;
    const isOver = step.expires + (answers ? answerMs : expiredMs) < nowMs;
    const isConfirmed = step.receipts.every((seq) => seq <= state.confirmed);
    if (isOver && isConfirmed && !isOpen(step)) forgetStep(state, key, step);
    else if (answers || isOpen(step)) for (const seq of step.receipts) needed.add(seq);
  }
  for (const seq of state.receipts.keys()) {
    if (seq <= state.confirmed && !needed.has(seq)) state.receipts.delete(seq);
  }
  state.starts = state.starts.filter(
    (start) => state.clock.lived - start.lived < Math.max(countedMs, start.window),
  );
}

function forgetStep(state: Mutable, key: string, step: StepEntry): void {
  state.steps.delete(key);
  // Nobody signed what a relay did by itself, so that it cannot come back; and its end is this host's word, by a clock that may
  // have been far ahead.
  if (actionOf(step.action)?.byItself === true) return;
  // From here on the intent counts as expired whatever a clock says, so that it cannot come back.
  if (step.release === undefined) state.forgotten = Math.max(state.forgotten, step.expires);
  else if (!isOrdered(state, step.target, step.release.order)) {
    state.forgottenOrders = Math.max(state.forgottenOrders, step.release.issued_at);
  }
}

/** Whether the highest order of a target keeps one of this number from being followed. */
const isOrdered = (state: Mutable, target: string, number: OrderEntry['order']): boolean => {
  const highest = state.orders.get(target);
  return highest !== undefined && compareOrders(number, highest.order) <= 0;
};

/** The fewest entries that build the same state. */
export function snapshotOf(state: JournalState): JournalEntry[] {
  return [
    { k: 'genesis', v: 1, home: state.home, relay: state.relay, kid: state.kid },
    { k: 'trust', ...state.trust },
    { k: 'clock', ...state.clock, time: state.time },
    { k: 'not_before', time: state.notBefore },
    {
      k: 'forgotten',
      expires: state.forgotten,
      ...(state.forgottenOrders > 0 && { orders: state.forgottenOrders }),
    },
    ...[...state.receipts.values()].sort((a, b) => a.seq - b.seq),
    { k: 'head', seq: state.head.seq, hash: state.head.hash },
    { k: 'confirmed', seq: state.confirmed },
    ...state.steps.values(),
    ...state.starts,
    ...state.orders.values(),
    ...(state.audit === null ? [] : [{ k: 'audit' as const, ...state.audit }]),
    ...(state.witnessed > 0 ? [{ k: 'witnessed' as const, time: state.witnessed }] : []),
    { k: 'reports', next: state.reports },
    ...(state.restored ? [{ k: 'restored' as const }] : []),
  ];
}
