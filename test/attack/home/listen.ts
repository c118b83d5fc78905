import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Something that came to a server on loopback. */
export type Heard = { readonly at: number; readonly line: string };

/** A server on loopback that writes down who came and says nothing of worth. */
export type Listener = {
  readonly url: string;
  readonly heard: readonly Heard[];
  /** Resolves with the first that fits, earlier ones included; null when none comes in time. */
  next(fits: (line: string) => boolean, withinMs: number): Promise<Heard | null>;
  close(): void;
};

/** `line`: the method, the path and how the body began. */
export async function listen(): Promise<Listener> {
  const heard: Heard[] = [];
  const waiting = new Set<() => void>();
  const server: Server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => {
      if (body.length < 4_000) body += chunk;
    });
    request.on('end', () => {
      heard.push({ at: Date.now(), line: `${request.method} ${request.url} ${body}` });
      response.end();
      for (const look of [...waiting]) look();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    heard,
    next: (fits, withinMs) =>
      new Promise((resolve) => {
        const end = (found: Heard | null): void => {
          clearTimeout(timer);
          waiting.delete(look);
          resolve(found);
        };
        const look = (): void => {
          const found = heard.find(({ line }) => fits(line));
          if (found !== undefined) end(found);
        };
        const timer = setTimeout(() => end(null), withinMs);
        waiting.add(look);
        look();
      }),
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
