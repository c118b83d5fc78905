import type { TrustDocument } from '../../schema/trust/document.ts';
import { createHttpsClient } from '../drivers/https-client.ts';
import type { Log } from '../log.ts';
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
  readonly home: string;
  readonly relay: string;
  /** The trust document in force: its alarm may change while the relay runs. */
  trust(): TrustDocument;
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
const timeoutMs = 20_000;

type Message = { readonly code: AlarmCode; readonly clear: boolean; readonly sentence: string; time: number };

export function createAlarm(deps: AlarmDeps): Alarm {
  const { clock, log, relay, home } = deps;
  const repeatMs = deps.repeatMs ?? defaultRepeatMs;
  const stop = new AbortController();
  // The system's certificate authorities; plain HTTP on loopback, which trust's schema allows, for trials.
  const client = createHttpsClient({ allowHttp: true, maxSockets: 1 });
  const raisedAt = new Map<AlarmCode, number>();
  // At most one message a code waits: through an outage of the path itself nothing piles up.
  const waiting = new Map<AlarmCode, Message>();
  const backoff = createBackoff({ firstMs: 2_000, capMs: 5 * 60_000, random: deps.random });
  let sending: Promise<void> | null = null;

  const deliver = async (message: Message): Promise<boolean> => {
    const document = deps.trust();
    const path = document.alarm;
    if (path === null) {
      log.warn('alarm_without_path', { code: message.code });
      return true;
    }
    const url = 'ntfy' in path ? path.ntfy : path.webhook;
    const host = new URL(url).host;
    if (document.origins.some((origin) => new URL(origin.url).host === host)) {
      log.warn('alarm_behind_controller', { code: message.code });
    }
    const title = `Writ on ${relay}: ${message.clear ? 'all clear' : 'look here'}`;
    const answer = await client.request(
      'ntfy' in path
        ? {
            method: 'POST',
            url,
            headers: {
              'content-type': 'text/plain; charset=utf-8',
              title,
              priority: message.clear ? 'default' : 'high',
            },
            body: message.sentence,
            timeoutMs,
            maxBytes: 64 * 1024,
            signal: stop.signal,
          }
        : {
            method: 'POST',
            url,
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify({
              home,
              relay,
              code: message.code,
              clear: message.clear,
              text: message.sentence,
              time: message.time,
            }),
            timeoutMs,
            maxBytes: 64 * 1024,
            signal: stop.signal,
          },
    );
    if (answer.ok && answer.status >= 200 && answer.status < 300) return true;
    log.warn('alarm_failed', {
      code: message.code,
      reason: answer.ok ? `http_${answer.status}` : answer.reason,
    });
    return false;
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
      client.close();
    },
  };
}
