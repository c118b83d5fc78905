import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startPart } from '../../examples/demo/part.ts';
import { runProgram } from '../../examples/demo/run-cli.ts';

const demo = join(import.meta.dirname, '../../examples/demo/main.ts');

type Told = {
  ok: boolean;
  boot_ms: number;
  hops: { hop: string; ms: number }[];
  checks: { what: string; ok: boolean; saw?: string }[];
};

test('the demo plays its story: the tower is woken, makes room, sleeps, and every receipt holds', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'writ-test-'));
  const ran = await runProgram(demo, ['--once', '--json', '--boot-ms', '200'], {
    withinMs: 180_000,
    env: { TMPDIR: folder },
  });
  const told = JSON.parse(ran.out) as Told;
  const failed = told.checks.filter(({ ok }) => !ok);
  assert.deepEqual(failed, [], ran.err);
  assert.equal(ran.exit, 0, ran.err);
  assert.equal(told.ok, true);
  assert.equal(told.boot_ms, 200);
  assert.ok(told.checks.length > 20);
  const hops = Object.fromEntries(told.hops.map(({ hop, ms }) => [hop, ms]));
  const order = [
    'magic_packet',
    'tower_booting',
    'tower_up',
    'tower_awake',
    'devtop_off',
    'gaming_runs',
    'answered',
  ];
  for (const [index, hop] of order.entries()) {
    const ms = hops[hop];
    assert.ok(ms !== undefined && ms >= 0, hop);
    if (index > 0) assert.ok(hops[order[index - 1]!]! <= ms, `${order[index - 1]} comes before ${hop}`);
  }
  assert.ok(hops.tower_up! - hops.tower_booting! >= 200);
  assert.deepEqual(readdirSync(folder), [], 'nothing is left behind');
  rmSync(folder, { recursive: true });
});

test('the demo says how it is used, and refuses what it does not know', async () => {
  const help = await runProgram(demo, ['--help']);
  assert.equal(help.exit, 0);
  assert.match(help.out, /--once/);
  const wrong = await runProgram(demo, ['--boot-ms', 'soon']);
  assert.equal(wrong.exit, 2);
  assert.match(wrong.err, /--boot-ms/);
});

for (const signal of ['SIGINT', 'SIGTERM', 'SIGKILL'] as const) {
  test(`the demo leaves neither processes nor files behind after ${signal}`, {
    timeout: 90_000,
  }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'writ-test-'));
    const part = startPart({
      name: 'demo',
      file: demo,
      args: ['--boot-ms', '50'],
      logFile: join(folder, 'demo.log'),
      env: { TMPDIR: folder },
    });
    const held = (): string[] => readdirSync(folder).filter((name) => name.startsWith('writ-demo-'));
    const processes = (): string[] => commandLines().filter((line) => line.includes(folder));
    // Somewhere in the middle of its start: the control plane runs, and the tower.
    await waitFor('its processes', () => processes().length >= 4);
    assert.equal(held().length, 1);
    await part.kill(signal);
    await waitFor('the end of its processes', () => processes().length === 0);
    await waitFor('the end of its folder', () => held().length === 0);
    rmSync(folder, { recursive: true });
  });
}

/** The command lines of this machine's processes. */
const commandLines = (): string[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        return [readFileSync(`/proc/${pid}/cmdline`, 'utf8')];
      } catch {
        return [];
      }
    });

async function waitFor(what: string, holds: () => boolean): Promise<void> {
  const end = Date.now() + 30_000;
  while (!holds()) {
    assert.ok(Date.now() < end, `${what} did not come`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
