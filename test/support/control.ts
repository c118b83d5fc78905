import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { LogEntry } from '../../src/http/log.ts';
import { type ServeOptions, type Server, serve } from '../../src/main.ts';

export type TestServer = Server & {
  readonly origin: string;
  readonly dataDir: string;
  readonly logs: LogEntry[];
  /** Closes it and starts it again on the same data directory and port. */
  restart(): Promise<TestServer>;
};

/** A real API on loopback over a real database file; closed and removed after the test. */
export async function startTestServer(
  t: TestContext,
  options: Partial<ServeOptions> = {},
): Promise<TestServer> {
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'writ-api-')));
  if (options.dataDir === undefined) t.after(() => rm(dataDir, { recursive: true, force: true }));
  const logs: LogEntry[] = [];
  const started = await serve({
    listen: [{ host: '127.0.0.1', port: 0 }],
    write: (entry) => logs.push(entry),
    ...options,
    dataDir,
  });
  if (!started.ok) throw new Error(`the API does not start: ${started.reason}: ${started.detail}`);
  const server = started.value;
  t.after(() => server.close());
  const origin = server.origins[0]!;
  return {
    ...server,
    origin,
    dataDir,
    logs,
    restart: async () => {
      await server.close();
      const port = Number(new URL(origin).port);
      return startTestServer(t, { ...options, dataDir, listen: [{ host: '127.0.0.1', port }] });
    },
  };
}
