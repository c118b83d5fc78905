import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { StatusView } from '../../../schema/api/house.ts';
import type { CommandView } from '../../../schema/api/orders.ts';
import { changesBetween, viewOf, type Watched } from '../../../src/cli/watch-view.ts';
import { serve } from '../../../src/main.ts';
import { missing } from '../../support/missing.ts';
import { runWrit } from './terminal-fixture.ts';

const root = join(import.meta.dirname, '../../..');

const watched = (
  tower: 'awake' | 'off',
  gaming: 'running' | 'stopped',
  command: 'running' | 'succeeded',
): Watched => ({
  status: {
    home: 'h_00000000000000000000000000',
    time: 1_000_000,
    sentence: 'All is well.',
    warnings: tower === 'off' ? [] : ['The clock of pve2 is not synchronised.'],
    hosts: [
      {
        ...{ name: 'pve2', title: 'the tower', state: tower, sleeps: true, proxmox: '9.0', since: 940_000 },
        ...{ last_seen: null, held_by: null, sentence: `The tower is ${tower}.` },
      },
    ],
    guests: [
      {
        ...{ name: 'gaming', title: 'gaming', host: 'pve2', state: gaming, agent: 'answers', in_use: true },
        ...{ exclusive: ['gpu0'], reported_at: null, held_by: null, sentence: `Gaming is ${gaming}.` },
      },
    ],
  } as unknown as StatusView,
  commands: [
    {
      ...{ id: 'cmd_1', order: { action: 'guest.start', target: 'gaming', params: {} }, state: command },
      ...{ created_at: 990_000, sentence: `It ${command}.` },
    } as unknown as CommandView,
  ],
});

test('what is different is told, once, a sentence each', () => {
  const before = watched('off', 'stopped', 'running');
  assert.deepEqual(changesBetween(null, before), [
    'The tower is off.',
    'Gaming is stopped.',
    'start gaming: running. It running.',
  ]);
  assert.deepEqual(changesBetween(before, before), []);
  const after = watched('awake', 'running', 'succeeded');
  assert.deepEqual(changesBetween(before, after), [
    'The tower is awake.',
    'Gaming is running.',
    'Warning: The clock of pve2 is not synchronised.',
    'start gaming: succeeded. It succeeded.',
  ]);
  assert.ok(
    !changesBetween(null, after).some((line) => line.startsWith('start gaming')),
    'history is no news',
  );
});

test('the view says what runs where, what was ordered, and why it is not the latest', () => {
  const lines = viewOf(watched('awake', 'running', 'succeeded'), 1_000_000, 'Not the latest: gone');
  const text = lines.map((pieces) => pieces.map(([piece]) => piece).join('')).join('\n');
  assert.match(text, /^All is well\.\nNot the latest: gone\nWarning: The clock/);
  assert.match(text, /pve2 +awake +since 60 s/);
  assert.match(text, / {2}gaming +running +agent answers, in use/);
  assert.match(text, /10 s ago +start gaming +succeeded +It succeeded\./);
});

/** A claimed control plane, and where its owner's keys are. */
async function claimedHome(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'writ-watch-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const start = (port: number) =>
    serve({ dataDir: join(folder, 'data'), listen: [{ host: '127.0.0.1', port }], write: () => {} });
  const first = await start(0);
  assert.ok(first.ok);
  let running = first.value;
  t.after(() => running.close());
  const config = join(folder, 'owner');
  const words = ['init', running.setupCode!, '--house', join(root, 'examples/house.yaml'), '--trial'];
  const claimed = await runWrit([...words, '--config', config]);
  assert.equal(claimed.exit, 0, claimed.err);
  const port = Number(new URL(running.origins[0]!).port);
  return {
    config,
    stop: () => running.close(),
    async again() {
      const started = await start(port);
      assert.ok(started.ok);
      running = started.value;
    },
  };
}

/** All that a program prints, and a wait for something in it. */
function listen(t: TestContext, child: ChildProcess) {
  let text = '';
  let heard = (): void => {};
  for (const stream of [child.stdout!, child.stderr!]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      heard();
    });
  }
  const ended = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)));
  t.after(() => void child.kill('SIGKILL'));
  return {
    ended,
    text: () => text,
    async until(pattern: RegExp) {
      const late = setTimeout(() => child.kill('SIGKILL'), 30_000);
      while (!pattern.test(text)) {
        const done = await Promise.race([
          new Promise<false>((resolve) => {
            heard = () => resolve(false);
          }),
          ended.then(() => true),
        ]);
        if (done) assert.match(text, pattern);
      }
      clearTimeout(late);
    },
  };
}

const program = [join(root, 'src/cli/main.ts'), 'watch'];

test('into a pipe, watch writes lines, goes on after an outage, and ends well at a signal', async (t) => {
  const home = await claimedHome(t);
  const child = spawn(process.execPath, [...program, '--config', home.config], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = listen(t, child);
  await said.until(/gaming/i);
  await home.stop();
  await said.until(/cannot be reached.*Asking again\./s);
  await home.again();
  await said.until(/It answers again\./);
  child.kill('SIGINT');
  assert.equal(await said.ended, 0);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it must not be there
  assert.doesNotMatch(said.text(), /\u001b/);
});

test('watch --json writes one object a line', async (t) => {
  const home = await claimedHome(t);
  const child = spawn(process.execPath, [...program, '--json', '--config', home.config], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = listen(t, child);
  await said.until(/\n/);
  child.kill('SIGTERM');
  assert.equal(await said.ended, 0);
  const lines = said.text().trim().split('\n');
  assert.equal(lines.length, 2);
  for (const line of lines) {
    const { status, commands, changes } = JSON.parse(line) as Watched & { changes: string[] };
    assert.ok(status.hosts.length > 0 && commands.length === 0 && Array.isArray(changes));
  }
});

test('on a terminal, watch fills the screen until q, and leaves it as it was', async (t) => {
  if (spawnSync('script', ['--version']).error !== undefined)
    return missing('script, for a terminal to watch on');
  const home = await claimedHome(t);
  const line = [process.execPath, ...program, '--config', home.config].map((word) => `'${word}'`).join(' ');
  const child = spawn('script', ['-qefc', line, '/dev/null'], { stdio: ['pipe', 'pipe', 'pipe'] });
  const said = listen(t, child);
  await said.until(/q quits/);
  child.stdin.write('q');
  assert.equal(await said.ended, 0, said.text());
  const text = said.text();
  assert.ok(text.includes('\u001b[?1049h') && text.includes('gaming'));
  assert.ok(text.trimEnd().endsWith('\u001b[?25h\u001b[?1049l'), JSON.stringify(text.slice(-80)));
});
