import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { decryptAge, makeIdentity } from '../../src/cli/secrets/age.ts';
import { startDeployHome, textOf } from '../support/deploy-home.ts';
import { filesIn } from '../support/files-in.ts';
import { formsOf, tapHttp } from '../support/http-tap.ts';

test('threat 20: a secret that goes from the desk to a guest is in clear nowhere on its way', async (t) => {
  const tap = tapHttp(t);
  const home = await startDeployHome(t);
  const { configDir, machine, repo, server } = home;
  const said: string[] = [];
  const must = async (words: readonly string[], input?: string): Promise<string> => {
    const ran = await home.writ(words, input === undefined ? {} : { input });
    assert.equal(ran.exit, 0, ran.err + ran.out);
    said.push(ran.out + ran.err);
    return ran.out;
  };
  const [guest, owner] = await Promise.all([makeIdentity('classic'), makeIdentity('classic')]);
  machine.recipient = guest.recipient;
  assert.equal((await home.deploy()).exit, 0);
  await must(['secrets', 'recipients', '--repo', repo, '--owner', owner.recipient]);
  await home.until(['secrets', 'recipients', '--repo', repo], new RegExp(`websvcs +${guest.recipient}`));

  const canary = `canary-${randomBytes(16).toString('hex')}`;
  await must(['secrets', 'set', 'blog_token', '--on', 'websvcs', '--repo', repo, '--from', '-'], canary);
  const app = textOf(home, 'apps/blog/app.yaml');
  home.edit('apps/blog/app.yaml', `${app}secrets: [blog_token]\n`);
  const unit = textOf(home, 'apps/blog/blog.container');
  home.edit('apps/blog/blog.container', unit.replace('[Container]\n', '[Container]\nSecret=blog_token\n'));
  const bundle = mkdtempSync(join(tmpdir(), 'writ-bundle-'));
  t.after(() => rmSync(bundle, { recursive: true, force: true }));
  await must(['plan', '--live', '--repo', repo]);
  const deployed = await home.deploy();
  assert.equal(deployed.exit, 0, deployed.err + deployed.out);
  // Rotated, and then taken away: what Writ itself puts there needs no grant of the owner's.
  const later = `later-${canary}`;
  await must(['secrets', 'set', 'blog_token', '--on', 'websvcs', '--repo', repo, '--from', '-'], later);
  const rotated = await home.deploy();
  assert.equal(rotated.exit, 0, rotated.err + rotated.out);
  await must(['history', 'websvcs', '--json']);
  await must(['audit', 'export', '--json']).catch(() => '');
  const metrics = await home.writ(['deployments', '--json']);

  // It did arrive: the guest has the very file, and its identity opens it.
  const sealed = [...filesIn(join(repo, 'secrets/websvcs'))].find((bytes) =>
    bytes.includes('age-encryption.org/v1'),
  );
  assert.ok(sealed !== undefined);
  const opened = await decryptAge(new Uint8Array(sealed), [{ identity: guest.identity }]);
  assert.equal(opened.ok && Buffer.from(opened.value).toString(), later);
  assert.ok(
    tap.bodies.some((bytes) => bytes.includes(sealed)),
    'it is in the traffic, encrypted',
  );

  const places: readonly (readonly [string, readonly Buffer[]])[] = [
    ['what writ prints', [...said, deployed.out, deployed.err, metrics.out].map((text) => Buffer.from(text))],
    ["the owner's folder", filesIn(configDir)],
    ['the repo', filesIn(repo)],
    ['the traffic', [Buffer.concat(tap.bodies), ...tap.bodies]],
    ["the control plane's files", filesIn(server.dataDir)],
    ["the control plane's log", [Buffer.from(JSON.stringify(server.logs))]],
    ["the relay's files", filesIn(home.relay().stateDir)],
    ["the relay's log", [Buffer.from(JSON.stringify(home.relay().seen))]],
    ['what is run on the guest', [Buffer.from(machine.ran.join('\n'))]],
  ];
  for (const [place, found] of places) {
    assert.ok(
      found.some(({ length }) => length > 100),
      place,
    );
    for (const bytes of found)
      for (const form of formsOf(canary)) assert.ok(!bytes.includes(form), `${place}: ${form}`);
  }
  home.edit('apps/blog/blog.container', unit);
  home.edit('apps/blog/app.yaml', app);
  rmSync(join(repo, 'secrets/websvcs'), { recursive: true });
  const without = await home.deploy();
  assert.equal(without.exit, 0, without.err + without.out);
  assert.ok(Object.keys(machine.files()).every((path) => !path.includes('writ')));

  // The same search finds what is there in clear.
  writeFileSync(join(bundle, 'x'), `a ${Buffer.from(`xy${canary}`).toString('base64')}`);
  assert.ok(filesIn(bundle).some((bytes) => formsOf(canary).some((form) => bytes.includes(form))));
  assert.ok(
    execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' }).includes(canary) === false,
    'process list',
  );
});
