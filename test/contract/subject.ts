import type { TestContext } from 'node:test';
import { startTestServer } from '../support/control.ts';

/** An instance of the API that nobody has claimed, as the contract sees it. */
export type Subject = {
  /** Where it answers now. */
  origin(): string;
  readonly setupCode: string;
  /** Starts it again with empty memory, over the same database and with the same key. */
  restart(): Promise<void>;
  /** What it logged since it started. */
  log(): string;
};

/** The API on Node: the embedded store, behind a listener with TLS. */
export async function startOnNode(t: TestContext): Promise<Subject> {
  let server = await startTestServer(t);
  const { setupCode } = server;
  if (setupCode === null) throw new Error('a new instance has a setup code');
  return {
    origin: () => server.origin,
    setupCode,
    restart: async () => {
      server = await server.restart();
    },
    log: () => JSON.stringify(server.logs),
  };
}
