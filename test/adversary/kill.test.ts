import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../relay/agent/clock.ts';
import { nodeDisk } from '../../relay/agent/node-disk.ts';
import { createState } from '../../relay/agent/state-files.ts';
import { encodeBase64url } from '../../schema/jose/base64url.ts';
import { signJws } from '../../schema/jose/jws.ts';
import type { Step } from '../../schema/wire/intent.ts';
import type { Receipt } from '../../schema/wire/receipt.ts';
import { defaultHome, quietLog } from '../relay/agent/fixture.ts';
import { type TestHome, type TestIntent, testNonce } from '../support/relay-home.ts';

const child = fileURLToPath(new URL('./killed-child.ts', import.meta.url));

type Scene = { readonly around: string; readonly home: TestHome; readonly intent: TestIntent };

async function setScene(t: TestContext, home: TestHome, step: Partial<Step>): Promise<Scene> {
  const around = await mkdtemp(join(tmpdir(), 'writ-kill-'));
  t.after(() => rm(around, { recursive: true, force: true }));
  await writeFile(join(around, 'boot'), 'boot-1');
  const clock = systemClock({ bootIdFile: join(around, 'boot') });
  const made = await createState(
    { disk: nodeDisk(join(around, 'state')), clock, log: quietLog() },
    { relay: 'pve2', secret: home.relays.pve2!.secret, trust: home.trust() },
  );
  assert.ok(made.ok);
  await made.value.journal.close();
  return { around, home, intent: await home.intent([step], { issuedAt: clock.now() + 1 }) };
}

type Run = { readonly killed: boolean; readonly outcome: string; readonly receipts: readonly Receipt[] };

/** Runs the relay once, in a process of its own, with a fresh job for the same step. */
async function runChild({ around, home, intent }: Scene, killAt: number | string): Promise<Run> {
  const session = testNonce();
  const job = {
    home: home.id,
    relay: 'pve2',
    session,
    seq: 1,
    exp: Date.now() + 60_000,
    intent: encodeBase64url(intent.bytes),
    authorisation: intent.authorisation,
    step: 0,
    receipts: [],
  };
  await writeFile(join(around, 'job'), await signJws('job', job, home.controller));
  const run = spawn(process.execPath, [child, join(around, 'state'), session, String(killAt)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let errors = '';
  run.stdout.on('data', (chunk) => {
    out += chunk;
  });
  run.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve) => {
    run.once('close', (...end) => resolve(end));
  });
  if (signal === 'SIGKILL') return { killed: true, outcome: 'killed', receipts: [] };
  assert.equal(code, 0, errors);
  return { killed: false, ...(JSON.parse(out) as { outcome: string; receipts: Receipt[] }) };
}

const linesOf = (path: string): string[] =>
  existsSync(path) ? readFileSync(path, 'utf8').split('\n').filter(Boolean) : [];

/** The chain is whole, and the step has at most one start and exactly one end. */
function assertChain(receipts: readonly Receipt[], name: string): Receipt {
  for (const [index, receipt] of receipts.entries()) assert.equal(receipt.seq, index + 1, name);
  assert.deepEqual(receipts.map(({ state }) => state).slice(0, -1), ['started'], name);
  return receipts.at(-1)!;
}

test('threat 10: kill -9 at every step of a job never runs it twice, and its receipt is true', async (t) => {
  const home = await defaultHome();
  const points = new Set<string>();
  for (let killAt = 1; ; killAt += 1) {
    const scene = await setScene(t, home, { target: 'gaming' });
    const first = await runChild(scene, killAt);
    if (!first.killed) {
      assert.equal(assertChain(first.receipts, 'whole').state, 'succeeded');
      break;
    }
    const [name] = linesOf(join(scene.around, 'killed-at')) as [string];
    points.add(name);
    const second = await runChild(scene, 0);
    const deeds = linesOf(join(scene.around, 'effects')).length;
    const last = assertChain(second.receipts, name);
    assert.equal(last.state, deeds === 1 ? 'succeeded' : 'failed', `${name}: ${deeds} times`);
    assert.ok(deeds <= 1, name);
  }
  t.diagnostic(`killed: ${[...points].join(', ')}`);
  for (const name of ['in the precheck', 'in the middle of an append', 'before it acts', 'after it acted']) {
    assert.ok(points.has(name), name);
  }
});

test('threat 10: kill -9 at every step of the recovery from a kill changes nothing about that', async (t) => {
  const home = await defaultHome();
  for (let killAt = 1; ; killAt += 1) {
    const scene = await setScene(t, home, { target: 'gaming' });
    assert.ok((await runChild(scene, 'after it acted')).killed);
    const second = await runChild(scene, killAt);
    const name = linesOf(join(scene.around, 'killed-at')).join(', then ');
    const last = second.killed ? await runChild(scene, 0) : second;
    assert.equal(last.outcome, 'consumed', name);
    assert.equal(assertChain(last.receipts, name).state, 'succeeded', name);
    assert.deepEqual(linesOf(join(scene.around, 'effects')), ['gaming'], name);
    if (!second.killed) break;
  }
});

test("threat 10: kill -9 at every step of a host's shutdown, with and without a boot after it", async (t) => {
  const home = await defaultHome();
  for (let killAt = 1; ; killAt += 1) {
    const scene = await setScene(t, home, { action: 'host.shutdown', target: 'pve2' });
    const first = await runChild(scene, killAt);
    const [name = 'not at all'] = linesOf(join(scene.around, 'killed-at'));
    const before = linesOf(join(scene.around, 'effects')).length;
    const boots = killAt % 2 === 0;
    if (boots) await writeFile(join(scene.around, 'boot'), 'boot-2');
    const second = await runChild(scene, 0);
    if (second.receipts.length === 1) {
      // It had not begun, and so it began now; its end is told at the boot after that.
      assert.equal(before, 0, name);
      assert.equal(second.outcome, 'started', name);
    } else {
      const last = assertChain(second.receipts, name);
      assert.equal(second.outcome, 'consumed', name);
      if (before === 1) assert.equal(last.state, boots ? 'succeeded' : 'unknown', name);
      assert.ok(boots || last.state === 'unknown', name);
    }
    assert.ok(linesOf(join(scene.around, 'effects')).length <= 1, name);
    if (!first.killed) break;
  }
});
