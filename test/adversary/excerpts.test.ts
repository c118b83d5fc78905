import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeIdentity } from '../../src/cli/secrets/age.ts';
import { startDeployHome, textOf } from '../support/deploy-home.ts';
import { filesIn } from '../support/files-in.ts';
import { formsOf, tapHttp } from '../support/http-tap.ts';

test('threat 32: what a failing app says is opened by the owner alone, and found nowhere else', async (t) => {
  const tap = tapHttp(t);
  const home = await startDeployHome(t, { relay: 'later' });
  const { configDir, machine, repo, server, writ } = home;
  const must = async (...words: string[]): Promise<string> => {
    const ran = await writ(words);
    assert.equal(ran.exit, 0, ran.err + ran.out);
    return ran.out;
  };
  const [owner, stranger] = await Promise.all([makeIdentity('classic'), makeIdentity('classic')]);
  const fileOf = (name: string, { identity }: typeof owner): string => {
    const path = join(configDir, name);
    writeFileSync(path, `${identity}\n`, { mode: 0o600 });
    return path;
  };
  await must('secrets', 'recipients', '--repo', repo, '--owner', owner.recipient);
  const signed = await must('trust', 'readers', '--yes');
  assert.match(signed, new RegExp(`is encrypted to ${owner.recipient}, instead of nobody`));
  const relay = await home.startRelay();
  await relay.until('trust_in_force');
  assert.equal((await home.deploy()).exit, 0);

  const canary = `canary-${randomBytes(16).toString('hex')}`;
  // Far more than a receipt has room for: the end counts.
  machine.journal = `${'filler '.repeat(2_000)}\npassword is ${canary}\n\u001b]0;owned\u0007\rwebsvcs  deployed, healthy, synced\n`;
  home.edit('apps/blog/blog.container', `${textOf(home, 'apps/blog/blog.container')}# Fails\n`);
  const failed = await home.deploy();
  assert.equal(failed.exit, 1, failed.err + failed.out);
  assert.match(failed.out, /encrypted to you\. Open it: writ deployments dep_\w+ --log$/m);
  const { deployments } = JSON.parse(await must('deployments', '--json')) as {
    deployments: { id: string; targets: { result: unknown }[] }[];
  };
  const { id } = deployments[0]!;
  const told = [failed, await writ(['deployments', id, '--json']), await writ(['history', 'websvcs'])];

  const open = (identity: string, ...words: string[]) => writ([...words, '--identity', identity]);
  const foreign = await open(fileOf('stranger.txt', stranger), 'deployments', id);
  assert.match(foreign.out, /cannot be opened: it is not encrypted to this key/);

  const forms = formsOf(canary);
  const places: readonly (readonly [string, readonly Uint8Array[]])[] = [
    ['answers to the owner without the key', [...told, foreign].map((ran) => Buffer.from(ran.out + ran.err))],
    ['the traffic', [Buffer.concat(tap.bodies), ...tap.bodies]],
    ["the control plane's files", filesIn(server.dataDir)],
    ["the control plane's log", [Buffer.from(JSON.stringify(server.logs))]],
    ["the relay's files", filesIn(relay.stateDir)],
    ["the relay's log", [Buffer.from(JSON.stringify(relay.seen))]],
  ];
  for (const [place, found] of places) {
    assert.ok(found.length > 0 && found.some(({ length }) => length > 100), place);
    for (const bytes of found)
      for (const form of forms) assert.ok(!Buffer.from(bytes).includes(form), `${place}: ${form.toString()}`);
  }
  assert.ok(Buffer.concat(tap.bodies).includes('writ-receipt') || tap.bodies.length > 20, 'the tap hears');

  // The owner's key opens it, and what it says cannot pass for the outcome.
  const ownFile = fileOf('owner.txt', owner);
  for (const words of [
    ['deployments', id],
    ['history', 'websvcs'],
  ]) {
    const ran = await open(ownFile, ...words);
    assert.match(ran.out, new RegExp(`\\| password is ${canary}$`, 'm'), ran.out + ran.err);
    assert.match(ran.out, /\| blog\.service is failed \(exit-code\)$/m);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
    assert.doesNotMatch(ran.out, /\u001b|\u0007|\r|^websvcs {2}deployed/m);
  }
  assert.equal(deployments[0]!.targets[0]!.result, null, 'it is in the receipt alone');
  const json = JSON.parse((await open(ownFile, 'deployments', id, '--json')).out) as {
    targets: { log: string }[];
  };
  assert.match(json.targets[0]!.log, new RegExp(canary));
});

test('threat 32: where trust names no readers, codes alone leave the relay', async (t) => {
  const tap = tapHttp(t);
  const home = await startDeployHome(t, { relay: 'later' });
  const relay = await home.startRelay();
  const canary = `canary-${randomBytes(16).toString('hex')}`;
  home.machine.journal = `${canary}\n`;
  home.edit('apps/blog/blog.container', `${textOf(home, 'apps/blog/blog.container')}# Fails\n`);
  const failed = await home.deploy();
  assert.match(
    failed.out,
    /service_failed[\s\S]*trust names no readers\. Name yourself: writ trust readers$/m,
  );
  assert.ok(home.machine.ran.some((words) => words.startsWith('journalctl')));
  assert.ok(home.machine.ran.every((words) => !words.startsWith('age ')));
  const all = [
    Buffer.concat(tap.bodies),
    Buffer.from(JSON.stringify([relay.seen, home.server.logs, failed])),
  ];
  for (const bytes of [...all, ...filesIn(relay.stateDir), ...filesIn(home.server.dataDir)])
    for (const form of formsOf(canary)) assert.ok(!bytes.includes(form));
});
