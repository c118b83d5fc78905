import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { programVersion } from '../../schema/version.ts';
import { shellLines } from '../support/doc-lines.ts';
import type { Guest } from '../support/lab/guest.ts';
import { makeLabHome } from '../support/lab/home.ts';
import { whyNoLab } from '../support/lab/root.ts';
import { missing } from '../support/missing.ts';

const root = join(import.meta.dirname, '../..');
const page = (name: string): string[] => shellLines(readFileSync(join(root, 'docs', name), 'utf8'));
const passphrase = 'correct horse battery staple';

/** Types a line at a machine's shell, answers what it asks, and gives what was shown. */
async function type(
  machine: Guest,
  line: string,
  answers: readonly (readonly [asked: RegExp, answer: string])[] = [],
): Promise<string> {
  const talk = machine.converse(['bash', '-c', `cd /root && ${line}`]);
  for (const [asked, answer] of answers) {
    await talk.until(asked);
    talk.type(answer);
  }
  const code = await talk.ended();
  assert.equal(code, 0, `${line}\n${talk.text()}`);
  return talk.text().replaceAll('\r', '');
}

const codeIn = (text: string, command: string): string => {
  const found = new RegExp(`writ ${command} (writ-setup\\.[A-Za-z0-9_-]+)`).exec(text)?.[1];
  assert.ok(found !== undefined, text);
  return found;
};

test('the lines of docs/backup.md and docs/lost-vm.md, typed as they are on Debian with the packages', async (t) => {
  const lacks = whyNoLab();
  if (lacks !== null) return missing(lacks);
  execFileSync('npm', ['run', '-s', 'build:deb'], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
  const home = await makeLabHome((line) => t.diagnostic(line));
  t.after(() => home.close());
  const { cloud, desk } = home.guests;
  const deb = `writ_${programVersion}_amd64.deb`;
  for (const machine of [cloud, desk]) {
    await machine.boot();
    machine.put(`/root/${deb}`, readFileSync(join(root, 'dist', deb)));
    await type(machine, `apt-get install -y ./${deb}`);
  }
  desk.put('/root/house.yaml', readFileSync(join(root, 'examples/house.yaml')));
  const first = codeIn(await type(cloud, 'writ serve --install'), 'init');
  await type(desk, `writ init ${first} --house house.yaml`, [
    [/passphrase.*: /i, passphrase],
    [/once more: /i, passphrase],
  ]);
  await type(desk, 'writ tokens create iphone --scope status');

  const owner = async (path: string): Promise<string> =>
    (await cloud.must(['stat', '-c', '%U:%G %a', path])).trim();
  const isActive = async (): Promise<void> =>
    assert.match(await cloud.must(['systemctl', 'is-active', 'writ']), /^active/);
  /** The service counts as started before it listens. */
  const untilServing = async (): Promise<void> => {
    const until = Date.now() + 30_000;
    while ((await cloud.run(['bash', '-c', '</dev/tcp/127.0.0.1/8420'])).code !== 0) {
      if (Date.now() > until) throw new Error(await cloud.must(['journalctl', '-u', 'writ', '-n', '20']));
    }
    await isActive();
  };
  for (const line of page('backup.md')) {
    await type(line.startsWith('sudo') ? cloud : desk, line);
    if (line.includes('systemctl start')) await untilServing();
  }
  assert.equal(await owner('/var/backups/writ.tar'), 'root:root 600');
  assert.equal(await owner('/var/lib/writ'), 'writ:writ 700');
  assert.equal(await owner('/var/lib/writ/writ.db'), 'writ:writ 600');
  assert.match(await type(desk, 'writ tokens list'), /iphone/);

  // The machine is lost: of the next one there is the package, and a copy of the backup.
  await type(
    cloud,
    'systemctl stop writ && mv /var/backups/writ.tar . && rm -r /var/lib/writ /var/lib/writ.old',
  );
  const [restore, serve, move] = page('lost-vm.md');
  assert.deepEqual(
    [restore, serve, move],
    ['sudo writ restore writ.tar', 'sudo writ serve --install', 'writ move CODE'],
  );
  await type(cloud, restore!);
  const second = codeIn(await type(cloud, serve!), 'move');
  assert.equal(await owner('/var/lib/writ/writ.db'), 'writ:writ 600');
  const moved = await type(desk, move!.replace('CODE', second), [
    [/\[y\/N\] /, 'y'],
    [/passphrase.*: /i, passphrase],
  ]);
  assert.match(moved, /has moved: trust version 2 is in force/);
  assert.match(await type(desk, 'writ status'), /cloud/);
  await type(cloud, 'systemctl restart writ');
  await untilServing();
  assert.match(await type(cloud, 'writ serve --install'), /claimed already/);
});
