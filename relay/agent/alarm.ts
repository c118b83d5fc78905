import type { Log } from '../log.ts';
import type { AlarmPath } from './alarm-path.ts';
import { createBackoff } from './backoff.ts';

/** What an owner is woken for; docs/errors.md explains each. */
export type AlarmCode =
  /** No heartbeat verified within the limit. */
  | 'no_heartbeat'
  /** The controller's audit log went back, or has two entries of one number. */
  | 'audit_forked'
  /** A newer trust document was offered that does not follow the one in force. */
  | 'trust_refused'
  /** This relay's state is an older copy of itself: it executes nothing any more. */
  | 'state_restored'
  /** The journal cannot be written: nothing is executed. */
  | 'journal_unwritable'
  /** The API confirms no receipts: nothing more is begun. */
  | 'receipts_unconfirmed';

/** Tells the owner by the path that trust names, which avoids the controller. */
export type Alarm = {
  /** Once when it begins, and again while it lasts; further calls within `repeatMs` do nothing. */
  raise(code: AlarmCode, sentence: string): void;
  /** The all-clear; nothing when it was not raised. */
  clear(code: AlarmCode, sentence: string): void;
  raised(code: AlarmCode): boolean;
  /** Resolves once everything raised so far was delivered, or the alarm was closed. */
  settled(): Promise<void>;
  close(): void;
};

export type AlarmDeps = {
  readonly relay: string;
  /** Closed with the alarm. */
  readonly path: AlarmPath;
  readonly clock: {
    now(): number;
    uptimeMs(): number;
    sleep(ms: number, signal?: AbortSignal): Promise<unknown>;
  };
  random(): number;
  readonly log: Log;
  readonly repeatMs?: number;
};

const defaultRepeatMs = 6 * 60 * 60_000;

type Message = { readonly code: AlarmCode; readonly clear: boolean; readonly sentence: string; time: number };

export function createAlarm(deps: AlarmDeps): Alarm {
  const { clock, log, relay, path } = deps;
  const repeatMs = deps.repeatMs ?? defaultRepeatMs;
  const stop = new AbortController();
  const raisedAt = new Map<AlarmCode, number>();
  // At most one message a code waits: through an outage of the path itself nothing piles up.
  const waiting = new Map<AlarmCode, Message>();
  const backoff = createBackoff({ firstMs: 2_000, capMs: 5 * 60_000, random: deps.random });
  let sending: Promise<void> | null = null;

  const deliver = async (message: Message): Promise<boolean> => {
    const { code, clear, sentence, time } = message;
    const title = `Writ on ${relay}: ${clear ? 'all clear' : 'look here'}`;
    const priority = clear ? 'default' : 'high';
    return (await path.post({ code, clear, title, priority, text: sentence, time })) !== 'failed';
  };

  const drain = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      const message = waiting.values().next().value;
      if (message === undefined) return;
      if (await deliver(message)) {
        // A newer message of the same code may have taken its place meanwhile.
        if (waiting.get(message.code) === message) waiting.delete(message.code);
        backoff.reset();
      } else if (!stop.signal.aborted) {
        await clock.sleep(backoff.next(), stop.signal);
      }
    }
  };

  const send = (message: Message): void => {
    if (stop.signal.aborted) return;
    waiting.set(message.code, message);
    if (sending === null) pump();
  };

  const pump = (): void => {
    sending = drain().finally(() => {
      sending = null;
      // What came between the last look and here.
      if (waiting.size > 0 && !stop.signal.aborted) pump();
    });
  };

  return {
    raise(code, sentence) {
      const before = raisedAt.get(code);
      if (before !== undefined && clock.uptimeMs() - before < repeatMs) return;
      raisedAt.set(code, clock.uptimeMs());
      log.error('alarm', { code, sentence });
      send({ code, clear: false, sentence, time: clock.now() });
    },
    clear(code, sentence) {
      if (!raisedAt.delete(code)) return;
      log.info('alarm_cleared', { code, sentence });
      send({ code, clear: true, sentence, time: clock.now() });
    },
    raised: (code) => raisedAt.has(code),
    async settled() {
      while (sending !== null) await sending;
    },
    close() {
      stop.abort();
      path.close();
    },
  };
}
