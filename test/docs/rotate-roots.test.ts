import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { importSigningKey, type SigningKey } from '../../schema/jose/keys.ts';
import { followTrustChain, signTrust, type Trust } from '../../schema/trust/read.ts';
import type { TrustChain } from '../../schema/wire/relay-api.ts';
import type { Context } from '../../src/cli/command.ts';
import { readHome, readRootFile } from '../../src/cli/home.ts';
import { nextVersion } from '../../src/cli/make-trust.ts';
import { askPaperKey } from '../../src/cli/root-key.ts';
import { openRoot } from '../../src/cli/seal.ts';
import { type Desk, type Life, linesOf, paperIn, passphrases, startLife } from './life.ts';

const page = 'rotate-roots.md';

/** What somebody signs who holds a key and wants the house. */
async function forge(trust: Trust, root: SigningKey): Promise<TrustChain> {
  const { controller } = trust.document.identities;
  assert.ok(controller?.kind === 'key');
  const may = [{ action: 'host.shutdown', on: ['pve1', 'pve2'], limit: '1000/1m' }];
  const identities = { ...trust.document.identities, controller: { ...controller, may } };
  const next = nextVersion({ ...trust.document, identities }, trust.digest, Date.now());
  return { versions: [await signTrust(next, [root])] };
}

const deskRoot = async (desk: Desk, passphrase: string): Promise<SigningKey> => {
  const file = readRootFile(desk.config);
  assert.ok(file.ok);
  const secret = await openRoot(file.value, passphrase);
  assert.ok(secret.ok);
  const key = await importSigningKey(secret.value);
  assert.ok(key.ok);
  return key.value;
};

const paperRoot = async (words: string): Promise<SigningKey> => {
  const terminal = { asks: true, ask: async () => words };
  const key = await askPaperKey({ terminal, progress: { end() {} } } as unknown as Context, '');
  assert.ok(key.ok);
  return key.value;
};

/** Brings a version to a stopped relay, and says why it is refused. */
async function installAt(life: Life, host: string, chain: TrustChain): Promise<string> {
  writeFileSync(join(life.folder, 'forged.jws'), JSON.stringify(chain));
  const ran = await life.console(host, 'sudo writ-relay trust install forged.jws --json');
  return ran.exit === 0 ? 'taken' : (JSON.parse(ran.out) as { code: string }).code;
}

test('threat 11: roots and the operator key are replaced by the lines of docs/rotate-roots.md, and the old ones open nothing', async (t) => {
  const life = await startLife(t);
  const { desk } = life;
  const relays = [await life.start('pve1'), await life.start('pve2')];
  const all = async (version: number): Promise<void> => {
    for (const relay of relays) await relay.follows(version);
  };
  await all(2);
  const [rotateDesk, withPaper] = linesOf(page, 'The root on this computer') as [string, string];
  const [rotatePaper] = linesOf(page, 'The root on paper') as [string];
  const [rotateOperator] = linesOf(page, 'The operator key') as [string];
  const [relaysLine, publish] = linesOf(page, 'See that relays followed') as [string, string];
  assert.equal(linesOf(page).length, 6, 'every line of the page is played');

  // The root on this computer.
  const stolen = desk.copy('stolen');
  const oldDesk = await deskRoot(desk, passphrases.first);
  const rotated = await desk.does(rotateDesk, [
    [/^New|^Once/, passphrases.second],
    [/^Passphrase/, passphrases.first],
  ]);
  assert.match(rotated.err, /root-desk is replaced by .+: what the old one .+ signs counts for nothing/);
  assert.match(rotated.err, /Sign trust version 3\?/);
  await all(3);
  assert.equal(await openWith(desk, passphrases.first), 'passphrase_wrong');
  assert.equal(await openWith(desk, passphrases.second), 'ok');
  const thief = await stolen.writ('writ trust sign', [[/^Passphrase/, passphrases.first]]);
  assert.equal(thief.exit, 3);
  assert.match(thief.err, /is no root of trust version 3[\s\S]*root_unknown/);

  // Its passphrase is forgotten: the paper signs.
  await desk.does(withPaper, [
    [/^New|^Once/, passphrases.first],
    [/paper/, life.paper],
  ]);
  await all(4);

  // The root on paper: what was typed back wrongly replaces nothing.
  const typed = await desk.writ(rotatePaper, [[/Type it back/, life.paper]]);
  assert.match(typed.err, /another key than the one that was shown[\s\S]*paper_differs/);
  assert.equal((await desk.trust()).document.version, 4);
  const paper = await desk.does(rotatePaper, [
    [/^Type it back/, paperIn],
    [/^Passphrase/, passphrases.first],
  ]);
  assert.match(paper.out, /root-paper is replaced by trust version 5/);
  await all(5);
  const another = await desk.writ('writ trust sign --paper', [[/paper/, life.paper]]);
  assert.match(another.err, /is no root of trust version 5/);

  // The operator key: a copy of the old one is nobody now.
  const former = desk.copy('former');
  await desk.does(rotateOperator, [[/^Passphrase/, passphrases.first]]);
  await all(6);
  const refused = await former.writ('writ status');
  assert.match(refused.err, /credentials_invalid/);
  await desk.shows(relaysLine, /pve1 +admitted .* trust 6[\s\S]*pve2 +admitted .* trust 6/);

  // The file for the mirror holds every version, and leads a relay from the first to the last.
  await desk.does(publish);
  const chain = JSON.parse(readFileSync(join(life.folder, 'trust.jws'), 'utf8')) as TrustChain;
  assert.equal(chain.versions.length, 6);
  for (const relay of relays) await relay.stop();
  assert.equal(await installAt(life, 'pve2', chain), 'taken');

  // Whoever kept an old root signs what he likes: relays and the control plane refuse it.
  const trust = await desk.trust();
  const operators = await Promise.all([former, desk].map(({ config }) => readHome(config)));
  for (const root of [oldDesk, await paperRoot(life.paper)]) {
    const forged = await forge(trust, root);
    assert.equal(await installAt(life, 'pve2', forged), 'trust_threshold');
    assert.equal((await followTrustChain(trust, forged.versions)).accepted.length, 0);
  }
  assert.equal(
    await installAt(life, 'pve1', await forge(trust, await deskRoot(desk, passphrases.first))),
    'taken',
  );
  const [old, now] = operators.map((home) => {
    assert.ok(home.ok);
    return home.value.operator;
  }) as [SigningKey, SigningKey];
  assert.equal(await life.judge('pve1', {}, old), 'dropped: authorisation_invalid');
  assert.equal(await life.judge('pve1', {}, now), 'allowed');
});

const openWith = async (desk: Desk, passphrase: string): Promise<string> => {
  const file = readRootFile(desk.config);
  assert.ok(file.ok);
  const opened = await openRoot(file.value, passphrase);
  return opened.ok ? 'ok' : opened.reason;
};
