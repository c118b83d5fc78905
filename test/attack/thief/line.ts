import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { Loot } from './loot.ts';

/** How a request is answered; `body` is its text. */
export type Lie = (request: IncomingMessage, response: ServerResponse, body: string) => unknown;

/** A poll that waits for its answer. */
export type Poll = {
  readonly relay: string;
  readonly session: string;
  readonly poll: number;
  readonly seen: number;
  readonly trustVersion: number;
  /** How many receipts the relay has written. */
  readonly receipts: number;
  answer(lie: Lie): void;
};

/** Everything that a relay sent, whole. */
export type Sent = {
  readonly relay: string | null;
  readonly route: string;
  readonly url: string;
  readonly body: string;
};

/** The network position: relays come here as they came to the control plane. */
export type Line = {
  readonly sent: readonly Sent[];
  /** The relay's poll that waits now, or the next one; null when none comes in time. */
  poll(relay: string, withinMs?: number): Promise<Poll | null>;
  /** Answers `METHOD /path` so from now on; null: as the thief does where nothing is asked of it. */
  lie(route: string, lie: Lie | null): void;
  /** Whether polls of a relay are left without any answer from now on. */
  ignore(relay: string, yes: boolean): void;
  close(): void;
};

const decode = (jws: string): Record<string, unknown> =>
  JSON.parse(Buffer.from(jws.split('.')[0]!, 'base64url').toString()) as Record<string, unknown>;

/** Answers are given before a relay gives up. */
const patienceMs = 40_000;

/** Listens where the control plane listened. `idle` answers polls that nobody wants, `others` all other requests. */
export async function openLine(
  loot: Loot,
  port: number,
  answers: { idle(poll: Poll): Lie; readonly others: Readonly<Record<string, Lie>> },
): Promise<Line> {
  const names = new Map<string, string>();
  const { thumbprint } = await import('../../../schema/jose/keys.ts');
  for (const [name, identity] of Object.entries(loot.trust.identities))
    if (identity.kind === 'relay') names.set(await thumbprint(identity.jwk), name);
  const sent: Sent[] = [];
  const lies = new Map<string, Lie>();
  const ignored = new Set<string>();
  const parked = new Map<string, Poll>();
  const wanted = new Map<string, Set<(poll: Poll) => void>>();

  const park = (relay: string, request: IncomingMessage, response: ServerResponse, body: string): void => {
    const asked = JSON.parse(body) as {
      session: string;
      poll: number;
      seen: number;
      trust_version: number;
      receipts: { seq: number };
      wait_ms: number;
    };
    let timer: NodeJS.Timeout | undefined;
    const poll: Poll = {
      relay,
      session: asked.session,
      poll: asked.poll,
      seen: asked.seen,
      trustVersion: asked.trust_version,
      receipts: asked.receipts.seq,
      answer(lie) {
        clearTimeout(timer);
        if (parked.get(relay) === poll) parked.delete(relay);
        lie(request, response, body);
      },
    };
    const waiting = wanted.get(relay);
    wanted.delete(relay);
    parked.set(relay, poll);
    response.on('close', () => {
      clearTimeout(timer);
      if (parked.get(relay) === poll) parked.delete(relay);
    });
    if (waiting !== undefined) for (const take of waiting) take(poll);
    // The first poll of a run asks whether there is a path.
    const idleMs = asked.wait_ms === 0 && waiting === undefined ? 0 : patienceMs;
    if (idleMs === 0) poll.answer(answers.idle(poll));
    else timer = setTimeout(() => poll.answer(answers.idle(poll)), Math.min(idleMs, asked.wait_ms || 5_000));
  };

  const server = createServer(loot.tls, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('error', () => {});
    response.on('error', () => {});
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString();
      const route = `${request.method} ${request.url?.split('?')[0]}`;
      const proof = (request.headers.authorization ?? '').split(' ')[1];
      const relay = proof === undefined ? null : (names.get(String(decode(proof).kid)) ?? null);
      sent.push({ relay, route, url: request.url ?? '', body });
      if (relay !== null && ignored.has(relay) && route === 'POST /v1/relay/poll') return;
      if (route === 'POST /v1/relay/poll' && relay !== null) return park(relay, request, response, body);
      const general = route.replace(/\/[0-9a-f]{64}$/, '/{sha256}');
      const lie = lies.get(route) ?? lies.get(general) ?? answers.others[general] ?? notFound;
      lie(request, response, body);
    });
  });
  server.on('tlsClientError', () => {});
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    sent,
    poll: (relay, withinMs = 30_000) =>
      new Promise((resolve) => {
        const waiting = parked.get(relay);
        if (waiting !== undefined) return resolve(waiting);
        const timer = setTimeout(() => {
          wanted.get(relay)?.delete(take);
          resolve(null);
        }, withinMs);
        const take = (poll: Poll): void => {
          clearTimeout(timer);
          resolve(poll);
        };
        wanted.set(relay, (wanted.get(relay) ?? new Set()).add(take));
      }),
    lie: (route, lie) => void (lie === null ? lies.delete(route) : lies.set(route, lie)),
    ignore: (relay, yes) => void (yes ? ignored.add(relay) : ignored.delete(relay)),
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** A JSON answer. */
export const says =
  (value: unknown, status = 200): Lie =>
  (_, response) => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(value));
  };

const notFound: Lie = (_, response) => {
  response.writeHead(404, { 'content-type': 'application/problem+json' });
  const told = { type: 'x', title: 'No', status: 404, code: 'not_found', detail: 'No.' };
  response.end(JSON.stringify(told));
};
