// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the texts are sources to be read

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rules } from './rules.ts';
import { scan } from './scan.ts';

type Example = Readonly<Record<string, string>>;

/** Of each rule: sources that break it, and sources that look alike and do not. */
const examples: Readonly<Record<string, { bad: readonly Example[]; good: readonly Example[] }>> = {
  directions: {
    bad: [
      { 'schema/wire/job.ts': "import { plan } from '../../src/domain/plan.ts';" },
      { 'relay/agent/poll.ts': "import type { Plan } from '../../src/domain/plan.ts';" },
      { 'src/http/app.ts': "import { act } from '../../relay/actions/act.ts';" },
      { 'src/control/commands.ts': "import { libsqlJobs } from '../store/jobs.ts';" },
      { 'src/http/app.ts': "import { jobs } from '../store/jobs.ts';" },
      { 'src/http/app.ts': "import { tables } from '../../schema/db/tables.ts';" },
      { 'src/auth/proof.ts': "import { control } from '../control/control.ts';" },
      { 'src/domain/plan.ts': "import { grant } from '../auth/grant.ts';" },
      { 'src/cli/commands/wake.ts': "import { main } from '../../main.ts';" },
      { 'relay/actions/wake.ts': "export { journal } from '../agent/journal.ts';" },
      { 'relay/drivers/proxmox.ts': "const late = await import('../agent/journal.ts');" },
      { 'relay/agent/poll.ts': "import { fake } from '../../test/support/fake.ts';" },
      { 'src/helpers/strings.ts': "import { ok } from '../../schema/result.ts';" },
    ],
    good: [
      { 'relay/agent/poll.ts': "import { act } from '../actions/act.ts';\n// import '../../src/main.ts'" },
      { 'src/store/jobs.ts': "import type { Jobs } from '../domain/ports.ts';" },
      { 'src/auth/proof.ts': "import type { Control } from '../control/control.ts';" },
      { 'src/store/jobs.ts': "import { tables } from '../../schema/db/tables.ts';" },
      { 'src/cli/commands/serve.ts': "import { serve } from '../../main.ts';" },
      { 'test/relay/agent.test.ts': "import '../../src/main.ts'; import '../../relay/main.ts';" },
      { 'src/http/app.ts': 'const text = "import x from \'../store/jobs.ts\'";' },
    ],
  },
  cycles: {
    bad: [
      {
        'schema/a.ts': "import type { B } from './b.ts';",
        'schema/b.ts': "import './c.ts';",
        'schema/c.ts': "export { a } from './a.ts';",
      },
      {
        'schema/jose/keys.ts': "import { runtime } from '#crypto';",
        'schema/jose/crypto-node.ts': "import { thumbprint } from './keys.ts';",
      },
      { 'schema/a.ts': "import './a.ts';" },
    ],
    good: [
      {
        'schema/a.ts': "import './b.ts'; import './c.ts';",
        'schema/b.ts': "import './c.ts';",
        'schema/c.ts': '',
      },
    ],
  },
  'computed imports': {
    bad: [{ 'src/main.ts': 'await import(name);' }, { 'src/main.ts': 'await import(`./${name}.ts`);' }],
    good: [{ 'src/main.ts': "await import('./node/start.ts');" }, { 'test/run.ts': 'await import(name);' }],
  },
  'packages of schema': {
    bad: [
      { 'schema/wire/job.ts': "import { Hono } from 'hono';" },
      { 'schema/jose/keys.ts': "import { x } from '@peculiar/x509';" },
      { 'schema/jose/keys.ts': "import { createHash } from 'node:crypto';" },
      { 'schema/wire/job-node.ts': "import { createHash } from 'node:crypto';" },
      { 'schema/jose/crypto-node.ts': "import { readFile } from 'node:fs';" },
    ],
    good: [
      { 'schema/jose/jws.ts': "import * as v from 'valibot'; import { base64url } from 'jose';" },
      { 'schema/jose/keys.ts': "import { runtime } from '#crypto';" },
      { 'schema/jose/crypto-node.ts': "import { createHash } from 'node:crypto';" },
    ],
  },
  'packages of stores': {
    bad: [
      { 'src/control/jobs.ts': "import { eq } from 'drizzle-orm';" },
      { 'src/http/app.ts': "import { createClient } from '@libsql/client/web';" },
    ],
    good: [
      { 'src/store/jobs.ts': "import { eq } from 'drizzle-orm';" },
      { 'schema/db/tables.ts': "import { text } from 'drizzle-orm/sqlite-core';" },
    ],
  },
  'names of the tailnet': {
    bad: [
      { 'src/auth/authenticate.ts': "import { Client } from 'tslocal';" },
      { 'src/http/caller.ts': "const { Client } = await import('tslocal');" },
      { 'src/auth/authorise.ts': "import { createTailnetPeers } from '../node/tailnet-peers.ts';" },
      { 'relay/agent/link.ts': "import { Client } from 'tslocal';" },
      { 'edge/instance.ts': "import type { TailnetPeers } from '../src/node/tailnet-peers.ts';" },
    ],
    good: [
      { 'src/node/tailnet-peers.ts': "const { Client } = await import('tslocal');" },
      { 'src/main.ts': "import { createTailnetPeers } from './node/tailnet-peers.ts';" },
      { 'src/node/listener.ts': "import type { TailnetPeers } from './tailnet-peers.ts';" },
    ],
  },
  runtimes: {
    bad: [
      { 'src/control/jobs.ts': "import { readFile } from 'node:fs/promises';" },
      { 'src/http/app.ts': "import { env } from 'cloudflare:workers';" },
      { 'src/http/app.ts': "import { createHash } from 'crypto';" },
      { 'schema/jose/keys.ts': "import { createHash } from 'node:crypto';" },
      { 'edge/instance.ts': "import { randomBytes } from 'node:crypto';" },
    ],
    good: [
      { 'edge/worker.ts': "import { DurableObject } from 'cloudflare:workers';" },
      { 'src/main.ts': "import { createServer } from 'node:https';" },
      { 'src/store/libsql-embedded.ts': "import { mkdirSync } from 'node:fs';" },
      { 'src/control/doorbell-node.ts': "import { once } from 'node:events';" },
      { 'relay/agent/journal.ts': "import { open } from 'node:fs/promises';" },
    ],
  },
  'globals of Node': {
    bad: [
      { 'src/http/app.ts': 'const mode = process.env.MODE;' },
      { 'schema/jose/keys.ts': "Buffer.from('x');" },
      { 'edge/settings.ts': 'const url = process.env.LIBSQL_URL;' },
    ],
    good: [
      { 'src/main.ts': 'process.exit(1);' },
      { 'src/http/app.ts': "step.process.run(); const text = 'process.env'; // process.env.X" },
    ],
  },
  purity: {
    bad: [
      { 'schema/trust/read.ts': 'const now = Date.now();' },
      { 'schema/trust/read.ts': 'const now = new Date();' },
      { 'src/domain/plan.ts': 'const now = new Date;' },
      { 'src/domain/plan.ts': 'const id = crypto.randomUUID();' },
      { 'src/domain/plan.ts': 'if (Math.random() < 0.5) retry();' },
      { 'schema/trust/read.ts': "await fetch('https://example.net');" },
      { 'src/domain/plan.ts': "console.log('planned');" },
    ],
    good: [
      { 'schema/trust/read.ts': 'const at = new Date(nowMs); Date.parse(text); // Date.now()' },
      { 'src/domain/plan.ts': 'deps.fetch(url); const text = `Date.now()`;' },
    ],
  },
  'clock and chance': {
    bad: [
      { 'src/control/jobs.ts': 'const now = Date.now();' },
      { 'relay/agent/poll.ts': 'const waitMs = Math.random() * 1000;' },
      { 'src/store/jobs.ts': 'const text = `${Date.now()}`;' },
      { 'relay/agent/poll.ts': "import { randomUUID } from 'node:crypto'; randomUUID();" },
    ],
    good: [
      { 'relay/drivers/clock.ts': 'export const now = (): number => Date.now();' },
      { 'src/node/ids.ts': 'export const id = (): string => crypto.randomUUID();' },
      { 'src/main.ts': 'const startedMs = Date.now();' },
      { 'relay/start.ts': 'const random = overrides.random ?? Math.random;' },
      { 'src/control/jobs.ts': 'const now = deps.clock.now(); new Date(now).toISOString();' },
      { 'test/relay/agent.test.ts': 'Date.now();' },
    ],
  },
  'no global fetch in the relay': {
    bad: [
      { 'relay/agent/poll.ts': 'const answer = await fetch(url);' },
      { 'relay/agent/poll.ts': 'const get = globalThis.fetch;' },
    ],
    good: [
      { 'relay/agent/poll.ts': 'const answer = await deps.fetch(url); // fetch(url)' },
      { 'src/cli/client.ts': 'await fetch(url);' },
    ],
  },
  'no shell (threat 16)': {
    bad: [
      { 'relay/machine/local.ts': "import { exec } from 'node:child_process';" },
      { 'relay/machine/local.ts': "import { execSync as run } from 'child_process';" },
      { 'relay/machine/local.ts': "import * as cp from 'node:child_process';\ncp.execSync(`rm ${path}`);" },
      {
        'relay/machine/local.ts':
          "import { spawn } from 'node:child_process';\nspawn('a', [], { shell: true });",
      },
      { 'test/run.ts': "import { spawn } from 'node:child_process';\nspawn('a', [], { shell });" },
    ],
    good: [
      {
        'relay/machine/local.ts':
          "import { execFile, spawn } from 'node:child_process';\nspawn('ls', ['-l']);",
      },
      { 'relay/machine/local.ts': "import { spawn } from 'node:child_process';\n/a/.exec(text);" },
      { 'schema/jose/keys.ts': 'const match = pattern.exec(text);' },
    ],
  },
  'file names': {
    bad: [{ 'src/http/createApp.ts': '' }, { 'src/http/create_app.ts': '' }, { 'src/Http/app.ts': '' }],
    good: [
      { 'src/http/create-app.ts': '' },
      { 'test/http/create-app.test.ts': '' },
      { 'src/ui/page.tsx': '' },
    ],
  },
  length: {
    bad: [{ 'src/http/app.ts': '\n'.repeat(351) }],
    good: [{ 'src/http/app.ts': '\n'.repeat(350) }],
  },
  barrels: {
    bad: [
      { 'schema/wire/index.ts': "export * from './job.ts';" },
      { 'schema/wire/index.ts': "export { a } from './a.ts';\nexport type { B } from './b.ts';" },
    ],
    good: [
      { 'schema/actions/index.ts': "import { a } from './a.ts';\nexport const actions = { a };" },
      { 'schema/wire/job.ts': "export type { Id } from './ids.ts';\nexport const job = 1;" },
    ],
  },
  'default exports': {
    bad: [
      { 'src/http/app.ts': 'export default function app() {}' },
      { 'src/http/app.ts': 'export { app as default };' },
    ],
    good: [
      { 'edge/worker.ts': 'export default { fetch() {} };' },
      { 'src/config/other.d.ts': "declare module 'other' { export default lexer; }" },
      { 'src/http/app.ts': 'export const app = 1; // export default' },
    ],
  },
};

const readAll = (example: Example) => Object.entries(example).map(([path, text]) => scan(path, text));

test('every rule has examples, and every example a rule', () => {
  assert.deepEqual(Object.keys(examples).sort(), rules.map(({ name }) => name).sort());
});

for (const rule of rules) {
  test(`${rule.name}: tells its examples apart`, () => {
    const { bad, good } = examples[rule.name]!;
    for (const example of bad) {
      assert.ok(rule.find(readAll(example)).length > 0, `should be found: ${JSON.stringify(example)}`);
    }
    for (const example of good) {
      assert.deepEqual(rule.find(readAll(example)), [], `should be let through: ${JSON.stringify(example)}`);
    }
  });
}
