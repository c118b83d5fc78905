import { receiptsAnswerSchema } from '../../schema/wire/relay-api.ts';
import type { Log } from '../log.ts';
import { createBackoff } from './backoff.ts';
import { createDoorbell } from './doorbell.ts';
import type { Executor } from './executor-contract.ts';
import type { Link } from './link.ts';

/** Brings receipts to the API, in order, until it holds them. */
export type ReceiptPost = {
  /** There is something to be posted: at once, or with what follows in a moment. */
  ring(when: 'now' | 'soon'): void;
  /** Posts receipts again that the API should have: it has asked for their step once more. */
  again(receipts: readonly { seq: number; jws: string }[]): void;
  run(signal: AbortSignal): Promise<void>;
};

const batch = 32;
const idleMs = 60_000;
const maxAgain = 64;
/** How long the receipt of a start waits for that of its end, which saves the API a request and a commit. */
const soonMs = 20;

export function createReceiptPost(deps: {
  readonly executor: Pick<Executor, 'unconfirmedReceipts' | 'confirmReceipts' | 'head'>;
  readonly link: Link;
  readonly clock: { sleep(ms: number, signal?: AbortSignal): Promise<unknown> };
  readonly log: Log;
  random(): number;
}): ReceiptPost {
  const { executor, link, log } = deps;
  const bell = createDoorbell(deps.clock);
  const backoff = createBackoff({ firstMs: 500, capMs: 60_000, random: deps.random });
  const asked = new Map<number, string>();
  let failing = false;
  let isUrgent = false;

  /** What to post next: what the API lacks comes first. */
  const next = (): { receipts: string[]; repeated: number[] } => {
    const unconfirmed = executor.unconfirmedReceipts().slice(0, batch);
    if (unconfirmed.length > 0) return { receipts: unconfirmed.map(({ jws }) => jws), repeated: [] };
    const repeated = [...asked.keys()].sort((a, b) => a - b).slice(0, batch);
    return { receipts: repeated.map((seq) => asked.get(seq) ?? ''), repeated };
  };

  return {
    ring(when) {
      if (when === 'now') isUrgent = true;
      bell.ring();
    },
    again(receipts) {
      for (const { seq, jws } of receipts) if (asked.size < maxAgain) asked.set(seq, jws);
      isUrgent = true;
      bell.ring();
    },
    async run(signal) {
      while (!signal.aborted) {
        if (next().receipts.length === 0) {
          await bell.wait(idleMs, signal);
          continue;
        }
        if (!isUrgent) await bell.wait(soonMs, signal);
        isUrgent = false;
        const { receipts, repeated } = next();
        const before = executor.unconfirmedReceipts()[0]?.seq;
        const answer = await link.call({
          method: 'POST',
          path: '/v1/relay/receipts',
          body: () => ({ receipts }),
          schema: receiptsAnswerSchema,
          timeoutMs: 30_000,
          signal,
        });
        if (signal.aborted) return;
        if (answer.ok) {
          executor.confirmReceipts(answer.value.receipts_seq);
          for (const seq of repeated) asked.delete(seq);
        }
        const first = executor.unconfirmedReceipts()[0]?.seq;
        // An API that takes them and yet does not hold them is not asked in a tight loop.
        const advanced = answer.ok && (first === undefined || first !== before);
        if (advanced) {
          backoff.reset();
          failing = false;
          continue;
        }
        if (!failing) {
          const code = answer.ok ? 'not_held' : answer.reason === 'refused' ? answer.code : answer.reason;
          log.warn('receipts_not_posted', { code });
        }
        failing = true;
        // A new receipt does not end this pause: it would be posted after the others anyway.
        await deps.clock.sleep(backoff.next(), signal);
      }
    },
  };
}
