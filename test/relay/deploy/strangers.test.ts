import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { findStrangers } from '../../../relay/deploy/strangers.ts';
import { createHostMachine } from '../../../relay/machine/host-machine.ts';
import type { Machine } from '../../../relay/machine/machine.ts';
import { ok } from '../../../schema/result.ts';
import type { ReleaseApp } from '../../../schema/wire/release.ts';
import { certOf } from '../../support/leaf-scene.ts';
import { createMemoryMachine } from '../../support/memory-machine.ts';
import { makePart } from '../../support/test-part.ts';

const dir = (path: string): ReleaseApp['dirs'][number] => ({ path, mode: '0755', owner: 'root:root' });

async function strangers(
  machine: Machine,
  files: readonly string[],
  app: Partial<ReleaseApp>,
): Promise<string[] | string> {
  const { part } = await makePart({ files: Object.fromEntries(files.map((path) => [path, 'x'])), app });
  const found = await findStrangers(machine, part);
  return found.ok ? [...found.value].sort() : `${found.reason}: ${found.detail}`;
}

test('in real folders: what is no part of it, however deep, and nothing beyond a link', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'writ-strangers-'));
  t.after(() => rmSync(root, { recursive: true }));
  const at = (path: string): string => join(root, path);
  for (const path of ['a/kept/deep', 'a/stray/deep', 'a/own/data', 'a/tls', 'b', 'elsewhere']) {
    mkdirSync(at(path), { recursive: true });
  }
  for (const path of [
    ...['a/one', 'a/other', 'a/kept/deep/two', 'a/kept/three', 'a/stray/deep/four'],
    ...['a/own/data/five', 'a/tls/cert.pem', 'a/tls/old.pem', 'b/six', 'elsewhere/seven', 'a/$(x) -y'],
  ]) {
    writeFileSync(at(path), 'x');
  }
  symlinkSync(at('elsewhere'), at('a/link'));
  symlinkSync(at('elsewhere'), at('linked'));
  const machine = createHostMachine('here');
  const certs = [certOf({ cert: at('a/tls/cert.pem'), key: at('a/tls/key.pem') })];
  const files = [at('a/one'), at('a/kept/deep/two')];
  const prune = [at('a'), at('linked'), at('missing')];
  assert.deepEqual(
    await strangers(machine, files, { prune, certs, dirs: [dir(at('a/own'))] }),
    [
      ...['a/$(x) -y', 'a/kept/three', 'a/link', 'a/other', 'a/stray', 'a/stray/deep', 'a/stray/deep/four'],
      'a/tls/old.pem',
    ].map(at),
  );
  // The nearest folder decides: one that is kept free in an app's own, and one that is both.
  assert.deepEqual(
    await strangers(machine, [], { prune: [at('a/own/data')], dirs: [dir(at('a/own')), dir(at('a'))] }),
    [at('a/own/data/five')],
  );
  assert.deepEqual(await strangers(machine, [], { prune: [at('b')], dirs: [dir(at('b'))] }), [at('b/six')]);
});

test('a part without such folders asks nothing', async () => {
  const machine = createMemoryMachine();
  machine.fault = () => 'machine_error';
  assert.deepEqual(await strangers(machine, ['/etc/opt/web/x'], {}), []);
});

type Answer = { readonly stdout?: string | Buffer; readonly stderr?: string; readonly code?: number };

/** A machine whose find(1) says what it is given, each time the next; nothing is mounted there. */
function saying(...answers: readonly Answer[]): { machine: Machine; asked: string[][] } {
  const asked: string[][] = [];
  const memory = createMemoryMachine();
  memory.put('/etc/opt/x', 'x');
  const bytes = (text: string | Buffer): Uint8Array<ArrayBuffer> => new Uint8Array(Buffer.from(text));
  const machine: Machine = {
    ...memory,
    async run(argv, options) {
      if (argv[0] !== 'find') return memory.run(argv, options);
      const { stdout = '', stderr = '', code = 0 } = answers[asked.length] ?? {};
      asked.push([...argv]);
      return ok({ code, stdout: bytes(stdout), stderr: bytes(stderr) });
    },
  };
  return { machine, asked };
}
const inOpt = (answer: Answer) => strangers(saying(answer).machine, [], { prune: ['/etc/opt'] });

test('the wrong folder is told, and so are names that nobody could tell', async () => {
  const many = Array.from({ length: 5_001 }, (_, index) => `/etc/opt/f${index}\0`).join('');
  assert.match(String(await inOpt({ stdout: many })), /^prune_too_much: over 5000/);
  assert.match(String(await inOpt({ stdout: '/etc/opt/a\nb\0' })), /^not_a_file: .* \/etc\/opt$/);
  const latin1 = Buffer.from('/etc/opt/caf\xe9\0', 'latin1');
  assert.match(String(await inOpt({ stdout: latin1 })), /^not_a_file: /);
  const long = `/etc/opt/${'a/'.repeat(252)}b\0`;
  assert.match(String(await inOpt({ stdout: long })), /^not_a_file: /, 'longer than a way back can name');
  assert.match(String(await inOpt({ code: 1, stderr: 'find: it says why' })), /^machine_error: find/);
  const gone = 'find: ‘/etc/opt/a’: No such file or directory\n';
  assert.deepEqual(await inOpt({ code: 1, stdout: '/etc/opt/b\0', stderr: gone }), ['/etc/opt/b']);
  assert.match(String(await inOpt({ code: 1, stderr: `${gone}find: ‘b’: Bad message\n` })), /^machine_error/);
});

test('what a hostile target says of other folders is nothing', async () => {
  const stdout = '/etc/passwd\0/etc/optional/x\0/x\0/etc/opt\0/etc/opt/y\0';
  assert.deepEqual(await inOpt({ stdout }), ['/etc/opt/y']);
});

test('what is in a folder of an app stays, also where find is not told to leave it out', async () => {
  const { machine, asked } = saying({ stdout: '/etc/opt/0/x\0/etc/opt/599/x\0/etc/opt/600/x\0' });
  const dirs = Array.from({ length: 600 }, (_, index) => dir(`/etc/opt/${index}`));
  assert.deepEqual(await strangers(machine, [], { prune: ['/etc/opt'], dirs }), ['/etc/opt/600/x']);
  assert.ok(!asked[0]!.includes('/etc/opt/599'), 'too many for one call');
});

test('many folders are asked for by several calls, of which none is too long', async () => {
  const memory = createMemoryMachine();
  const folders = Array.from({ length: 300 }, (_, index) => `/etc/opt/${'d'.repeat(200)}${index}`);
  for (const folder of folders) await memory.makeFolder(folder, { mode: '0755', owner: 'root:root' });
  for (const folder of folders) memory.put(`${folder}/x`, 'x');
  const lengths: number[] = [];
  const machine: Machine = {
    ...memory,
    run(argv, options) {
      lengths.push(argv.join(' ').length);
      return memory.run(argv, options);
    },
  };
  const dirs = folders.map((folder) => dir(`${folder}/own`));
  assert.equal((await strangers(machine, [], { prune: folders, dirs })).length, 300);
  assert.ok(lengths.length > 5 && Math.max(...lengths) < 20_000, `${lengths}`);
});

test('what an app keeps, and what something is mounted on, is not gone through, and stays', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'writ-strangers-'));
  t.after(() => rmSync(root, { recursive: true }));
  const at = (path: string): string => join(root, path);
  for (const path of ['a/own [*]', 'a/m n t', 'a/b/mnt', 'a/stray']) mkdirSync(at(path), { recursive: true });
  for (let index = 0; index < 50; index += 1) writeFileSync(at(`a/own [*]/${'n'.repeat(100)}${index}`), '');
  writeFileSync(at('a/m n t/x'), 'x');
  const here = createHostMachine('here');
  const mounted = ['/', at('a/m\\040n\\040t'), at('a/b/mnt')].map(
    (path) => `36 35 98:0 /mnt ${path} rw - ext4 - rw\n`,
  );
  const machine: Machine = {
    ...here,
    run: async (argv, options) =>
      argv[0] === 'cat'
        ? ok({ code: 0, stdout: new TextEncoder().encode(mounted.join('')), stderr: new Uint8Array() })
        : here.run(argv, { ...options, maxBytes: 2_000 }),
  };
  const dirs = [dir(at('a/own [*]'))];
  assert.deepEqual(await strangers(machine, [], { prune: [at('a')], dirs }), [at('a/stray')]);
  assert.deepEqual(
    await strangers(here, [at('a/x')], { prune: [at('a'), at('a/b/mnt')], dirs }),
    ['a/m n t', 'a/m n t/x', 'a/stray'].map(at),
    'nor do the folders above one that is kept free itself go',
  );
});
