import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createWatch } from './watch.ts';

export type InboxMessage = {
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
};

/** A small web server on loopback, for what a relay says or asks elsewhere than at the API. */
export type Inbox = {
  readonly url: string;
  readonly messages: readonly InboxMessage[];
  /** What a GET is answered with; null is 404, `hang` is no answer at all. */
  content: string | null;
  /** The status that a POST is answered with. */
  status: number;
  /** Resolves with the first message that fits, past ones included; rejects after 30 s. */
  until(fits: (message: InboxMessage) => boolean): Promise<InboxMessage>;
  close(): Promise<void>;
};

export async function startInbox(): Promise<Inbox> {
  const messages: InboxMessage[] = [];
  const watch = createWatch();
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (request.method === 'GET' && inbox.content === 'hang') {
      // Nothing: the connection stays open.
    } else if (request.method === 'GET') {
      response.writeHead(inbox.content === null ? 404 : 200).end(inbox.content ?? '');
    } else {
      response.writeHead(inbox.status).end();
    }
    messages.push({
      path: `${request.method} ${request.url}`,
      headers: request.headers,
      body: Buffer.concat(chunks).toString('utf8'),
    });
    watch.notify();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const inbox: Inbox = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    messages,
    content: null,
    status: 200,
    until: (fits) =>
      watch.until(
        () => `a message in ${JSON.stringify(messages)}`,
        () => messages.find(fits),
      ),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return inbox;
}
