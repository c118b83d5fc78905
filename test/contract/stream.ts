import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';

export type EventStream = {
  readonly status: number;
  readonly type: string;
  /** The next event that has an id; rejects when none comes in time, or the stream ends. */
  next(): Promise<{ id: number; event: string; data: Record<string, unknown> }>;
  /** Leaves it. */
  close(): void;
};

const limitMs = 15_000;

/** Opens a stream of server-sent events; resolves once its first bytes are here. */
export function openEvents(
  origin: string,
  url: string,
  headers: Readonly<Record<string, string>>,
): Promise<EventStream> {
  return new Promise((resolve, reject) => {
    const request = origin.startsWith('http:') ? httpRequest : httpsRequest;
    const outgoing = request(`${origin}${url}`, { agent: false, rejectUnauthorized: false, headers });
    outgoing.once('error', reject);
    outgoing.once('response', (incoming) => {
      let text = '';
      let ended = false;
      let look = (): void => {};
      incoming.setEncoding('utf8');
      const stream: EventStream = {
        status: incoming.statusCode ?? 0,
        type: String(incoming.headers['content-type']),
        next: () =>
          new Promise((found, lost) => {
            const timer = setTimeout(() => lost(new Error(`no event in: ${text}`)), limitMs);
            look = () => {
              const whole = /^id: (\d+)\nevent: (.*)\ndata: (.*)\n\n/m.exec(text);
              if (whole === null && !ended) return;
              clearTimeout(timer);
              look = () => {};
              if (whole === null) return lost(new Error('the stream ended'));
              text = text.slice(whole.index + whole[0].length);
              const data = JSON.parse(whole[3]!) as Record<string, unknown>;
              found({ id: Number(whole[1]), event: whole[2]!, data });
            };
            look();
          }),
        close: () => {
          outgoing.off('error', reject).on('error', () => {});
          incoming.destroy();
          outgoing.destroy();
        },
      };
      incoming.on('data', (chunk: string) => {
        text += chunk;
        look();
        resolve(stream);
      });
      incoming.on('error', () => {});
      incoming.on('close', () => {
        ended = true;
        look();
        resolve(stream);
      });
    });
    outgoing.end();
  });
}
