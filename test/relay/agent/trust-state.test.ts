import assert from 'node:assert/strict';
import { chmod, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { nodeDisk } from '../../../relay/agent/node-disk.ts';
import { openState } from '../../../relay/agent/state-files.ts';
import { acceptToldTrust } from '../../../relay/agent/trust-store.ts';
import { generateKey } from '../../../schema/jose/keys.ts';
import { signTrust } from '../../../schema/trust/read.ts';
import type { TestHome } from '../../support/relay-home.ts';
import { createMemoryDisk, createTestClock, defaultHome, quietLog, startRig } from './fixture.ts';

const makeFolder = async (t: TestContext): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'writ-relay-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
};

const open = (folder: string) =>
  openState({ disk: nodeDisk(folder), clock: createTestClock(), log: quietLog() });

const readJson = async (path: string) => JSON.parse(await readFile(path, 'utf8'));

/** Breaks one part of a state that was whole. */
type Break = (folder: string, home: TestHome) => Promise<void>;

const rewriteTrust =
  (change: (chain: { versions: { payload: string; signatures: unknown[] }[] }) => unknown): Break =>
  async (folder) => {
    const path = join(folder, 'trust.json');
    await writeFile(path, JSON.stringify(change(await readJson(path))));
  };

const breaks: readonly (readonly [string, string, Break])[] = [
  ['trust missing', 'trust_missing', (folder) => rm(join(folder, 'trust.json'))],
  ['trust empty', 'trust_malformed', (folder) => writeFile(join(folder, 'trust.json'), '')],
  ['trust without versions', 'trust_digest', rewriteTrust(() => ({ versions: [] }))],
  ['trust malformed', 'trust_malformed', (folder) => writeFile(join(folder, 'trust.json'), '{"versions":[')],
  ['trust of another shape', 'trust_malformed', rewriteTrust((chain) => chain.versions[0])],
  [
    'trust with a duplicate key',
    'trust_malformed',
    async (folder) => {
      const path = join(folder, 'trust.json');
      await writeFile(path, (await readFile(path, 'utf8')).replace('{', '{"versions":[],'));
    },
  ],
  [
    'trust unreadable',
    'trust_unreadable',
    async (folder) => {
      // A folder in its place cannot be read by anybody, root included.
      await rm(join(folder, 'trust.json'));
      await symlink(folder, join(folder, 'trust.json'));
    },
  ],
  [
    'trust unsigned',
    'trust_malformed',
    rewriteTrust(({ versions: [first] }) => ({ versions: [{ ...first, signatures: [] }] })),
  ],
  [
    'trust with a broken signature',
    'trust_signature',
    rewriteTrust(({ versions: [first] }) => {
      const [signature] = first!.signatures as { protected: string; signature: string }[];
      const text = signature!.signature;
      const flipped = (text.startsWith('A') ? 'B' : 'A') + text.slice(1);
      return { versions: [{ ...first, signatures: [{ ...signature, signature: flipped }] }] };
    }),
  ],
  [
    'trust signed by no root',
    'trust_threshold',
    async (folder, home) => {
      const stranger = (await generateKey()).signing;
      const jws = await signTrust(home.trust().document, [stranger]);
      await writeFile(join(folder, 'trust.json'), JSON.stringify({ versions: [jws] }));
    },
  ],
  [
    'trust of another digest, well signed',
    'trust_digest',
    async (folder, home) => {
      const document = { ...home.trust().document, expires: '2098-01-01T00:00:00Z' };
      const jws = await signTrust(document, [home.root]);
      await writeFile(join(folder, 'trust.json'), JSON.stringify({ versions: [jws] }));
    },
  ],
  ['key without its journal', 'journal_missing', (folder) => rm(join(folder, 'journal'))],
  ['journal empty', 'journal_malformed', (folder) => writeFile(join(folder, 'journal'), '')],
  ['journal malformed', 'journal_malformed', (folder) => writeFile(join(folder, 'journal'), 'x\n')],
  [
    'journal unreadable',
    'journal_unreadable',
    async (folder) => {
      await rm(join(folder, 'journal'));
      await symlink(folder, join(folder, 'journal'));
    },
  ],
  ['journal without its key', 'key_missing', (folder) => rm(join(folder, 'key.json'))],
  ['key empty', 'key_malformed', (folder) => writeFile(join(folder, 'key.json'), '')],
  ['key readable by others', 'key_exposed', (folder) => chmod(join(folder, 'key.json'), 0o644)],
  [
    'another key',
    'key_foreign',
    async (folder) => writeFile(join(folder, 'key.json'), JSON.stringify((await generateKey()).secret)),
  ],
  [
    'nothing at all',
    'not_enrolled',
    async (folder) => {
      for (const name of await readdir(folder)) await rm(join(folder, name));
    },
  ],
];

test('threat 2: no relay starts on a state of which a part is missing, empty, malformed or foreign', async (t) => {
  const home = await defaultHome();
  for (const [name, reason, breakIt] of breaks) {
    const folder = await makeFolder(t);
    const rig = await startRig({ home, disk: nodeDisk(folder) });
    await rig.executor.close();
    assert.equal((await open(folder)).ok, true, `${name}: whole before`);
    await breakIt(folder, home);
    const opened = await open(folder);
    assert.deepEqual(opened.ok ? 'opened' : opened.reason, reason, name);
  }
});

test('threat 2: trust that expires in the middle of a run stops jobs, and neither trust nor recovery', async () => {
  const gate: { open?: () => void } = {};
  const rig = await startRig({
    behaviour: {
      act: () =>
        new Promise((resolve) => {
          gate.open = () => resolve(undefined);
        }),
    },
  });
  const { home, clock } = rig;
  const soon = await home.amend((document) => ({ ...document, expires: '2026-11-22T00:05:00Z' }));
  await rig.state.trust.install(home.versions);
  assert.equal((await rig.order(await home.intent([{}], { issuedAt: clock.now() }))).kind, 'started');
  clock.advance(Date.parse(soon.document.expires) - clock.now());
  assert.deepEqual(await rig.order(await home.intent([{ target: 'files' }], { issuedAt: clock.now() })), {
    kind: 'dropped',
    code: 'trust_expired',
  });
  // What runs goes on to its end.
  gate.open!();
  await rig.executor.idle();
  assert.equal(rig.receipts().at(-1)?.state, 'succeeded');

  const next = await rig.restart({ behaviour: {} });
  assert.deepEqual(await next.order(await home.intent([{}], { issuedAt: clock.now() })), {
    kind: 'dropped',
    code: 'trust_expired',
  });
  await home.amend((document) => ({ ...document, expires: '2027-11-22T00:00:00Z' }));
  assert.equal((await next.state.trust.install(home.versions)).changed, true);
  assert.equal((await next.order(await home.intent([{}], { issuedAt: clock.now() }))).kind, 'started');
  await next.executor.idle();
  await next.executor.close();
});

test('threat 3: older trust is not taken, at enrolment or later', async () => {
  const home = await defaultHome();
  const first = home.trust();
  const second = await home.amend((document) => ({ ...document, expires: '2098-01-01T00:00:00Z' }));
  const third = await home.amend((document) => ({ ...document, expires: '2097-01-01T00:00:00Z' }));

  const told = await acceptToldTrust(home.versions, second.digest);
  assert.equal(told.ok && told.value.digest, third.digest, 'older ones are passed over, newer ones followed');
  const withheld = await acceptToldTrust([first.jws], second.digest);
  assert.equal(withheld.ok ? 'ok' : withheld.reason, 'trust_digest');
  const skipped = await acceptToldTrust([first.jws, third.jws], first.digest);
  assert.equal(skipped.ok && skipped.value.document.version, 1, 'a gap is not jumped over');

  const rig = await startRig({ home });
  assert.equal(rig.state.trust.current().document.version, 3);
  assert.deepEqual(await rig.state.trust.install([first.jws, second.jws]), { changed: false, refusal: null });
  const fork = await signTrust({ ...third.document, expires: '2096-01-01T00:00:00Z' }, [home.root]);
  assert.equal((await rig.state.trust.install([fork])).changed, false);
  const next = await rig.restart();
  assert.equal(next.state.trust.current().digest, third.digest);
  await next.executor.close();
});

test('threat 3: an older trust file put back refuses to start', async (t) => {
  const folder = await makeFolder(t);
  const rig = await startRig({ disk: nodeDisk(folder) });
  const older = await readFile(join(folder, 'trust.json'));
  await rig.home.amend((document) => ({ ...document, expires: '2098-01-01T00:00:00Z' }));
  await rig.state.trust.install(rig.home.versions);
  await rig.executor.close();
  assert.equal((await open(folder)).ok, true);
  await writeFile(join(folder, 'trust.json'), older);
  const opened = await open(folder);
  assert.equal(opened.ok ? 'opened' : opened.reason, 'trust_digest');
});

test('new trust survives a crash between its file and its journal entry', async () => {
  const rig = await startRig();
  const next = await rig.home.amend((document) => ({ ...document, expires: '2098-01-01T00:00:00Z' }));
  const disk = rig.disk;
  const append = disk.append;
  disk.append = async () => {
    throw Object.assign(new Error('cut'), { code: 'EIO' });
  };
  assert.equal((await rig.state.trust.install(rig.home.versions)).changed, true);
  disk.append = append;
  const restarted = await rig.restart({ cut: true });
  assert.equal(restarted.state.trust.current().digest, next.digest);
  await restarted.executor.close();
});

test('threat 14: a revocation that a full disk did not take is kept as soon as it can be', async () => {
  const disk = createMemoryDisk();
  const rig = await startRig({ disk });
  const amend = () => rig.home.amend((document) => ({ ...document, mirror: null }));
  const second = await amend();
  disk.fault = 'ENOSPC';
  assert.equal((await rig.state.trust.install(rig.home.versions)).changed, true);
  disk.fault = null;
  assert.equal((await rig.state.trust.install(rig.home.versions)).changed, false);
  const next = await rig.restart();
  assert.equal(next.state.trust.current().digest, second.digest);
  await next.executor.close();
});

test('several versions of which the journal knows none yet leave a readable pair', async () => {
  const disk = createMemoryDisk();
  const rig = await startRig({ disk });
  const append = disk.append;
  let running = rig;
  for (let version = 2; version <= 4; version += 1) {
    await rig.home.amend((document) => ({ ...document, mirror: null }));
    disk.append = async () => {
      throw Object.assign(new Error('cut'), { code: 'EIO' });
    };
    assert.equal((await running.state.trust.install(rig.home.versions)).changed, true);
    disk.append = append;
    running = await running.restart({ cut: true });
    assert.equal(running.state.trust.current().document.version, version);
  }
  await running.executor.close();
});

test('threat 3: a state directory restored from an old copy never executes again', async (t) => {
  const folder = await makeFolder(t);
  const copy = await makeFolder(t);
  const rig = await startRig({ disk: nodeDisk(folder) });
  const { home, clock } = rig;
  for (const name of await readdir(folder)) {
    await writeFile(join(copy, name), await readFile(join(folder, name)), { mode: 0o600 });
  }
  const intent = await home.intent([{}], { issuedAt: clock.now() });
  await rig.order(intent);
  await rig.executor.idle();
  const lastReceipt = rig.receiptTexts().at(-1)!;
  await rig.executor.close();

  // The copy knows nothing of the step, but the API holds its receipts.
  const old = await rig.restart({ cut: true, disk: nodeDisk(copy) });
  assert.equal(old.executor.head().seq, 0);
  const forged = lastReceipt.replace(/\.[^.]*$/, `.${'A'.repeat(86)}`);
  assert.equal(await old.executor.noteLastReceipt(forged), 'ok', 'only its own word counts');
  assert.equal(await old.executor.noteLastReceipt(lastReceipt), 'state_restored');
  assert.deepEqual(await old.order(intent), { kind: 'dropped', code: 'state_restored' });
  const again = await old.restart();
  assert.deepEqual(await again.order(intent), { kind: 'dropped', code: 'state_restored' });
  assert.equal(again.deeds.length, 1);
  await again.executor.close();
});

test('threat 3: a restored copy that went on by itself is found out by the fork of its receipts', async () => {
  const rig = await startRig();
  const { home, clock } = rig;
  await rig.order(await home.intent([{}], { issuedAt: clock.now() }));
  await rig.executor.idle();
  const other = await startRig({ home, clock });
  await other.order(await home.intent([{}], { issuedAt: clock.now() }));
  await other.executor.idle();
  assert.equal(await rig.executor.noteLastReceipt(rig.receiptTexts().at(-1)!), 'ok');
  assert.equal(await rig.executor.noteLastReceipt(other.receiptTexts().at(-1)!), 'state_restored');
  await rig.executor.close();
  await other.executor.close();
});

test('intents from before the enrolment are refused: an earlier journal may have run them', async () => {
  const rig = await startRig();
  const intent = await rig.home.intent([{}], { issuedAt: rig.clock.now() });
  await rig.order(intent);
  await rig.executor.idle();
  await rig.executor.close();
  rig.clock.advance(5_000);
  const again = await startRig({ home: rig.home, clock: rig.clock });
  assert.deepEqual(await again.order(intent), { kind: 'dropped', code: 'intent_before_enrolment' });
  await again.executor.close();
});
