import * as v from 'valibot';
import { ok, type Result, refuse } from '../../schema/result.ts';
import { findGrant } from '../../schema/trust/evaluate.ts';
import { readLimit } from '../../schema/trust/grant.ts';
import { codeSchema, type ReceiptState } from '../../schema/wire/receipt.ts';
import { compareOrders } from '../../schema/wire/release-order.ts';
import type { FlatResult } from '../actions/action.ts';
import type { Clock } from './clock.ts';
import type { Journal } from './journal.ts';
import type { JournalEntry, ReceiptEntry, StepEntry } from './journal-format.ts';
import { createRateLimit } from './limits.ts';
import { signReceipt } from './receipts.ts';
import type { RelayState } from './state-files.ts';
import { createTurns } from './turns.ts';
import type { Order, Verdict } from './verify-job.ts';

export type FinalWords = {
  readonly state: 'succeeded' | 'failed' | 'unknown';
  readonly code: string | null;
  readonly result: FlatResult | null;
};

/**
 * Writes what happens to steps: each change of a step and the receipt that tells of it are one line of the
 * journal, so that neither is ever true without the other. One change at a time, which keeps the chain whole.
 */
export type StepBook = {
  /**
   * Consumes a step as started. `judge` is asked while nothing else can start; it must allow the order, or the
   * verdict is given back. On `ok` the step is on stable storage, and only then may it be acted upon.
   */
  start(
    order: Order,
    judge: () => Verdict,
  ): Promise<
    | Result<StepEntry, 'journal_unwritable' | 'receipts_unconfirmed'>
    | { readonly ok: false; readonly verdict: Exclude<Verdict, { kind: 'allowed' }> }
  >;
  /**
   * Consumes a step as denied.
   *
   * @param granted whether trust grants it to the one who ordered it: then a part of a release counts as its target's
   *   newest, so that no older one is done instead. What may not be ordered must keep nobody else from ordering.
   */
  deny(
    order: Order,
    code: string,
    granted: boolean,
  ): Promise<Result<true, 'journal_unwritable' | 'receipts_unconfirmed' | 'consumed' | 'too_many_refusals'>>;
  /** Writes the final receipt of an open step; once. */
  end(entry: StepEntry, words: FinalWords): Promise<Result<true, 'journal_unwritable'>>;
  /** Notes that the host goes down for an open step. */
  announcePowerOff(key: string): Promise<Result<true, 'journal_unwritable'>>;
};

/** Whoever holds the controller's key can fill a disk with refusals of what it may not order; up to here. */
const refusalsPerHour = 1000;
const hourMs = 3_600_000;

export function createStepBook(deps: {
  readonly state: Pick<RelayState, 'key' | 'home' | 'relay'> & { readonly journal: Journal };
  readonly clock: Clock;
  /** Whether as many receipts wait for the API as the journal may hold: only what has begun is still written. */
  full(): boolean;
  /** Called with each receipt that has become durable, and whether its step ends with it. */
  onReceipt(receipt: ReceiptEntry, isFinal: boolean): void;
}): StepBook {
  const { clock } = deps;
  const { journal, key, home, relay } = deps.state;
  const inTurn = createTurns();
  const mayRefuse = createRateLimit(refusalsPerHour, hourMs);

  const sign = (
    step: Pick<StepEntry, 'intent' | 'step' | 'action' | 'target'>,
    state: ReceiptState,
    code: string | null,
    result: FlatResult | null,
  ): Promise<ReceiptEntry> => {
    // A code of another shape would make a receipt that nobody takes, and hold up all that follow.
    const safeCode = code === null || v.is(codeSchema, code) ? code : 'relay_fault';
    return signReceipt(
      journal.state.head,
      {
        home,
        relay,
        intent: step.intent,
        step: step.step,
        action: step.action,
        target: step.target,
        state,
        code: safeCode,
        result: result === null ? null : { ...result },
        time: clock.now(),
        boot: clock.bootId(),
      },
      key,
    );
  };

  const write = async (receipt: ReceiptEntry, entry: StepEntry, ...others: JournalEntry[]) => {
    const written = await journal.append([receipt, entry, ...others]);
    if (written.ok) deps.onReceipt(receipt, entry.phase !== 'started');
    return written;
  };

  const entryOf = (order: Order, phase: StepEntry['phase'], receipt: ReceiptEntry): StepEntry => ({
    k: 'step',
    intent: order.digest,
    step: order.job.step,
    ...(order.kind === 'intent'
      ? { expires: order.intent.expires }
      : {
          expires: clock.now(),
          release: { order: order.release.order, issued_at: order.release.issued_at },
        }),
    phase,
    action: order.step.action,
    target: order.step.target,
    params: phase === 'started' ? order.step.params : null,
    at: clock.now(),
    boot: clock.bootId(),
    receipts: [receipt.seq],
  });

  /** The start that a limit counts; grants without a limit count nothing. */
  const countedStart = (order: Order): JournalEntry[] => {
    const { action, target } = order.step;
    const grant = findGrant(order.trust, order.identity, action, target);
    if (grant?.limit === undefined) return [];
    const { windowMs } = readLimit(grant.limit);
    return [
      { k: 'start', identity: order.identity, action, target, lived: journal.livedMs(), window: windowMs },
    ];
  };

  /** What raises the order of a part's target, where it is the highest so far. */
  const raised = (order: Order): JournalEntry[] => {
    if (order.kind === 'intent') return [];
    const { target } = order.step;
    const highest = journal.state.orders.get(target);
    if (highest !== undefined && compareOrders(order.release.order, highest.order) <= 0) return [];
    return [{ k: 'order', target, order: order.release.order, digest: order.digest }];
  };

  return {
    start: (order, judge) =>
      inTurn(async () => {
        const { action, target } = order.step;
        const step = { intent: order.digest, step: order.job.step, action, target };
        const receipt = await sign(step, 'started', null, null);
        // After the last wait before the write: whatever changed in the meantime is seen here.
        const verdict = judge();
        if (verdict.kind !== 'allowed') return { ok: false, verdict };
        if (deps.full()) return refuse('receipts_unconfirmed');
        const entry = entryOf(order, 'started', receipt);
        const written = await write(receipt, entry, ...countedStart(order), ...raised(order));
        return written.ok ? ok(entry) : written;
      }),
    deny: (order, code, granted) =>
      inTurn(async () => {
        if (journal.state.steps.has(order.key)) return refuse('consumed');
        if (deps.full()) return refuse('receipts_unconfirmed');
        if (!mayRefuse(clock.uptimeMs())) return refuse('too_many_refusals');
        const { action, target } = order.step;
        const step = { intent: order.digest, step: order.job.step, action, target };
        const receipt = await sign(step, 'refused', code, null);
        return write(receipt, entryOf(order, 'refused', receipt), ...(granted ? raised(order) : []));
      }),
    end: (entry, words) =>
      inTurn(async () => {
        const receipt = await sign(entry, words.state, words.code, words.result);
        const receipts = [...entry.receipts.slice(0, 1), receipt.seq];
        return write(receipt, { ...entry, phase: 'ended', params: null, receipts });
      }),
    announcePowerOff: (stepKey) =>
      inTurn(async () => {
        const entry = journal.state.steps.get(stepKey);
        if (entry?.phase !== 'started') throw new Error('only a started step powers its host off');
        return journal.append([{ ...entry, phase: 'powering_off' }]);
      }),
  };
}
