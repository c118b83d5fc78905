import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { noteCodes } from '../../src/config/adopt/notes.ts';
import { sectionOf, shellLines } from '../support/doc-lines.ts';

const root = join(import.meta.dirname, '../..');
const path = join(root, 'docs/adopt.md');
const page = readFileSync(path, 'utf8');
const run = promisify(execFile);

const image = 'Image=docker.io/grafana/grafana:12';
const machine: Readonly<Record<string, string>> = {
  'etc/containers/systemd/grafana.container': [
    '[Container]',
    image,
    'Volume=grafanadata.volume:/var/lib/grafana',
    'Volume=/etc/opt/grafana:/etc/grafana:ro',
    'Secret=grafana_admin,type=env,target=GF_ADMIN',
    '',
  ].join('\n'),
  'etc/containers/systemd/grafanadata.volume': '[Volume]\n',
  'etc/opt/grafana/grafana.ini': '[server]\n',
  'etc/opt/grafana/ldap.toml': '[[servers]]\n',
  'etc/systemd/system/haproxy.service.d/limits.conf': '[Service]\nLimitNOFILE=9000\n',
};

test('a reader who types the page gets what it says', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'writ-docs-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const write = (to: string, text: string, mode = 0o644): void => {
    mkdirSync(dirname(join(folder, to)), { recursive: true });
    writeFileSync(join(folder, to), text);
    chmodSync(join(folder, to), mode);
  };
  for (const [to, text] of Object.entries(machine))
    write(`machine/${to}`, text, /opt/.test(to) ? 0o640 : 0o644);
  write('quadlets/web.container', `[Container]\n${image}\n`);
  write('quadlets/configs/web/x.ini', 'x\n');
  write('bin/writ', `#!/bin/sh\nexec "${process.execPath}" "${join(root, 'src/cli/main.ts')}" "$@"\n`, 0o755);
  // The machine: its root is a folder here, and its configs belong to 472.
  const tar = 'exec tar --owner=:0 --group=:0 -C "$MACHINE" -c etc/containers etc/systemd';
  const own =
    'tar --owner=:472 --group=:472 -C "$MACHINE" -rf "$MACHINE.tar" etc/opt && exec cat "$MACHINE.tar"';
  write('bin/ssh', `#!/bin/sh\n${tar.replace('exec ', '')} -f "$MACHINE.tar" && ${own}\n`, 0o755);
  const env = {
    PATH: `${join(folder, 'bin')}:${process.env.PATH}`,
    MACHINE: join(folder, 'machine'),
    NODE_COMPILE_CACHE: join(folder, 'cache'),
  };
  const type = async (line: string): Promise<string> =>
    (await run('sh', ['-c', line], { cwd: folder, env, encoding: 'utf8' })).stdout;

  const [copy, dry, adopt, check, copySecond, second, ...none] = shellLines(page, 'From a machine');
  assert.deepEqual(none, []);
  await type(copy!);
  assert.match(await type(dry!), /Nothing was written: \d+ files would be/);
  assert.ok(!existsSync(join(folder, 'homelab')));
  assert.match(await type(adopt!), /byte for byte: sha256:/);
  const [, shown] = /^```yaml\n# apps\/grafana\/app\.yaml\n([\s\S]*?)^```/m.exec(page)!;
  assert.equal(readFileSync(join(folder, 'homelab/apps/grafana/app.yaml'), 'utf8'), shown);
  assert.match(await type(check!), /^No errors: 2 apps on 1 machines/m);
  assert.match(await type(adopt!), /There is nothing new/);
  await type(copySecond!);
  assert.match(await type(second!), /homelab\.yaml gets pve2 and websvcs/);
  assert.match(
    readFileSync(join(folder, 'homelab/homelab.yaml'), 'utf8'),
    /websvcs: \{ host: pve2, vmid: 201 \}/,
  );

  const [flat, ...rest] = shellLines(page, 'From a folder');
  assert.deepEqual(rest, []);
  await type(flat!);
  assert.match(readFileSync(join(folder, 'home/apps/web/app.yaml'), 'utf8'), /to: \/etc\/opt\/web\/x\.ini/);
});

test('the page lists every code', () => {
  const codes = [
    '| code | meaning |',
    '| --- | --- |',
    ...Object.entries(noteCodes).map(([code, meaning]) => `| \`${code}\` | ${meaning} |`),
    '',
  ].join('\n');
  const at = page.includes('| code |') ? page.indexOf('| code |') : page.length;
  if (process.env.WRIT_WRITE_DOCS === '1') {
    writeFileSync(path, page.slice(0, at) + codes);
    return;
  }
  assert.equal(page.slice(at), codes, 'WRIT_WRITE_DOCS=1 node --test test/docs/adopt.test.ts writes it');
  assert.ok(sectionOf(page, 'What is told').includes(codes));
});

test('every code is given by a source, and options of the page are the command’s', async () => {
  const sources = ['src/config/adopt/*.ts', 'src/cli/adopt-source.ts']
    .flatMap((pattern) => globSync(pattern, { cwd: root }))
    .filter((one) => !one.endsWith('notes.ts'))
    .map((one) => readFileSync(join(root, one), 'utf8'))
    .join('\n');
  for (const code of Object.keys(noteCodes)) assert.ok(sources.includes(`'${code}'`), code);
  const { adopt } = await import('../../src/cli/commands/adopt.ts');
  const options = new Set([...page.matchAll(/--([a-z][a-z-]+)/g)].map(([, name]) => name!));
  options.delete('repo');
  for (const name of options) assert.ok(Object.hasOwn(adopt.options, name), name);
});
