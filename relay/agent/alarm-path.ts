import type { TrustDocument } from '../../schema/trust/document.ts';
import { createHttpsClient } from '../drivers/https-client.ts';
import type { Log } from '../log.ts';

/** What is told by the path: a text for people, and for a webhook more members. */
export type PathMessage = {
  readonly code: string;
  readonly clear: boolean;
  readonly title: string;
  /** ntfy's. */
  readonly priority: 'min' | 'default' | 'high';
  /** What an ntfy topic is given. */
  readonly text: string;
  /** What a webhook is given besides, or in place of what it is given anyway. */
  readonly members?: Readonly<Record<string, string>>;
  readonly time: number;
};

/** The way to the owner that trust names and that avoids the controller. */
export type AlarmPath = {
  /** One attempt. `no_path`: trust names none. Never rejects. */
  post(message: PathMessage, signal?: AbortSignal): Promise<'sent' | 'failed' | 'no_path'>;
  close(): void;
};

const timeoutMs = 20_000;
const maxAnswerBytes = 64 * 1024;

export function createAlarmPath(deps: {
  readonly home: string;
  readonly relay: string;
  /** The trust document in force: its alarm may change while the relay runs. */
  trust(): TrustDocument;
  readonly log: Log;
}): AlarmPath {
  const { log, relay, home } = deps;
  const stop = new AbortController();
  // The system's certificate authorities; plain HTTP on loopback, which trust's schema allows, for trials.
  const client = createHttpsClient({ allowHttp: true, maxSockets: 1 });
  return {
    async post(message, ended) {
      const { code, clear, text, time } = message;
      const document = deps.trust();
      const path = document.alarm;
      if (path === null) {
        log.warn('alarm_without_path', { code });
        return 'no_path';
      }
      const url = 'ntfy' in path ? path.ntfy : path.webhook;
      const host = new URL(url).host;
      if (document.origins.some((origin) => new URL(origin.url).host === host)) {
        log.warn('alarm_behind_controller', { code });
      }
      const { headers, body } =
        'ntfy' in path
          ? {
              headers: {
                'content-type': 'text/plain; charset=utf-8',
                title: message.title,
                priority: message.priority,
              },
              body: text,
            }
          : {
              headers: { 'content-type': 'application/json' },
              body: JSON.stringify({ home, relay, code, clear, text, time, ...message.members }),
            };
      const signal = ended === undefined ? stop.signal : AbortSignal.any([stop.signal, ended]);
      const request = { method: 'POST', url, headers, body, timeoutMs, maxBytes: maxAnswerBytes, signal };
      const answer = await client.request(request);
      if (answer.ok && answer.status >= 200 && answer.status < 300) return 'sent';
      log.warn('alarm_failed', { code, reason: answer.ok ? `http_${answer.status}` : answer.reason });
      return 'failed';
    },
    close() {
      stop.abort();
      client.close();
    },
  };
}
