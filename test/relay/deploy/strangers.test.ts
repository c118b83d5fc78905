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

test('the wrong folder is told, and so are names that nobody could tell', async () => {
  const machine = createMemoryMachine();
  machine.put('/etc/opt/x', 'x');
  const saying = (stdout: string, code = 0): Machine => ({
    ...machine,
    run: async () => ok({ code, stdout: new TextEncoder().encode(stdout), stderr: new Uint8Array() }),
  });
  const many = Array.from({ length: 5_001 }, (_, index) => `/etc/opt/f${index}\0`).join('');
  assert.match(
    String(await strangers(saying(many), [], { prune: ['/etc/opt'] })),
    /^prune_too_much: over 5000/,
  );
  assert.match(
    String(await strangers(saying('/etc/opt/a\nb\0'), [], { prune: ['/etc/opt'] })),
    /^not_a_file: .* \/etc\/opt$/,
  );
  assert.match(String(await strangers(saying('', 1), [], { prune: ['/etc/opt'] })), /^machine_error: find/);
});
