import assert from 'node:assert/strict';
import { copyFileSync, createReadStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { TokenView } from '../../../schema/api/access.ts';
import { type Server, serve } from '../../../src/main.ts';
import { backupToFile } from '../../../src/node/backup.ts';
import { restoreBackup } from '../../../src/node/restore.ts';
import { type Ran, runWrit } from './terminal-fixture.ts';

const houseFile = join(import.meta.dirname, '../../../examples/house.yaml');

type Place = {
  readonly folder: string;
  readonly config: string;
  readonly backup: string;
  /** Starts a control plane over a data folder; the test's end closes it. */
  start(name: string): Promise<Server>;
  writ(...words: string[]): Promise<Ran>;
};

/** An owner with a claimed control plane over `old`, of which a backup was made; it is gone then. */
async function place(
  t: TestContext,
  acts: {
    beforeBackup?: (writ: Place['writ']) => Promise<void>;
    beforeEnd?: (writ: Place['writ']) => Promise<void>;
  } = {},
): Promise<Place> {
  const folder = mkdtempSync(join(tmpdir(), 'writ-move-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const servers: Server[] = [];
  t.after(() => Promise.all(servers.map((server) => server.close())));
  const config = join(folder, 'owner');
  const made: Place = {
    folder,
    config,
    backup: join(folder, 'writ.tar'),
    start: async (name) => {
      const options = { listen: [{ host: '127.0.0.1', port: 0 }], write: () => {} };
      const started = await serve({ dataDir: join(folder, name), ...options });
      assert.ok(started.ok, started.ok ? '' : started.detail);
      servers.push(started.value);
      return started.value;
    },
    writ: (...words) => runWrit([...words, '--config', config]),
  };
  const old = await made.start('old');
  await ran(made.writ('init', old.setupCode!, '--house', houseFile, '--trial'));
  await acts.beforeBackup?.(made.writ);
  const saved = await backupToFile(
    { dataDir: join(folder, 'old'), now: Date.now, version: 'test' },
    made.backup,
  );
  assert.ok(saved.ok);
  await acts.beforeEnd?.(made.writ);
  await old.close();
  return made;
}

async function ran(running: Promise<Ran>, exit = 0): Promise<Ran> {
  const done = await running;
  assert.equal(done.exit, exit, `exit ${done.exit}\n${done.out}\n${done.err}`);
  return done;
}

const restore = (made: Place, name: string) =>
  restoreBackup({ dataDir: join(made.folder, name), now: Date.now }, createReadStream(made.backup));

const json = (told: Ran) => JSON.parse(told.out) as Record<string, unknown>;

test('a home moves to a control plane that was made of its backup, by one version', async (t) => {
  const made = await place(t, {
    beforeEnd: async (writ) => {
      await ran(writ('tokens', 'create', 'later', '--scope', 'status'));
      await ran(writ('audit', 'verify'));
    },
  });
  assert.ok((await restore(made, 'new')).ok);
  const server = await made.start('new');
  assert.equal(server.restored, true);
  const moved = json(await ran(made.writ('move', server.setupCode!, '--yes', '--json')));
  assert.equal(moved.version, 2);
  assert.equal(moved.from_backup, true);
  assert.deepEqual(
    (JSON.parse(readFileSync(moved.trust_file as string, 'utf8')) as { versions: unknown[] }).versions.length,
    2,
  );
  assert.match((await ran(made.writ('status'))).out, /cloud/);
  assert.match((await ran(made.writ('audit', 'verify'))).out, /whole/);
  const log = (await ran(made.writ('audit', 'export'))).out;
  for (const event of ['home.claimed', 'home.restored', 'home.moved', 'trust.accepted'])
    assert.match(log, new RegExp(`"${event}"`));
  assert.match((await ran(made.writ('trust', 'show'))).out, new RegExp(server.origins[0]!));

  // Again, as when the answer was lost: nothing new is signed.
  assert.equal(json(await ran(made.writ('move', server.setupCode!, '--yes', '--json'))).version, 2);
  // From the next start on it is a control plane like any other.
  await server.close();
  const again = await made.start('new');
  assert.deepEqual([again.setupCode, again.restored], [null, false]);
});

test('a home moves to an empty control plane, with the house file', async (t) => {
  const made = await place(t, {
    beforeEnd: async (writ) => {
      await ran(writ('trust', 'rotate', 'operator', '--yes'));
    },
  });
  const server = await made.start('new');
  const told = await ran(made.writ('move', server.setupCode!, '--yes'), 2);
  assert.match(told.err, /--house/);
  assert.match((await ran(made.writ('trust', 'show', '--json'), 4)).out, /./);
  const moved = await ran(made.writ('move', server.setupCode!, '--house', houseFile, '--yes', '--json'));
  assert.deepEqual([json(moved).version, json(moved).from_backup], [3, false]);
  assert.match((await ran(made.writ('status'))).out, /cloud/);
  assert.equal((await ran(made.writ('relays', 'add', 'cloud'))).exit, 0);
});

test('a backup from before the last trust versions is brought up to them', async (t) => {
  const made = await place(t, {
    beforeEnd: async (writ) => {
      await ran(writ('trust', 'rotate', 'operator', '--yes'));
    },
  });
  assert.ok((await restore(made, 'new')).ok);
  const server = await made.start('new');
  const moved = json(await ran(made.writ('move', server.setupCode!, '--yes', '--json')));
  assert.equal(moved.version, 3);
  assert.match((await ran(made.writ('trust', 'publish'))).out, /version 3/);
});

test('tokens end with the control plane that signed them, and new ones work', async (t) => {
  const made = await place(t, {
    beforeBackup: async (writ) => void (await ran(writ('tokens', 'create', 'phone', '--scope', 'status'))),
  });
  assert.ok((await restore(made, 'new')).ok);
  const server = await made.start('new');
  await ran(made.writ('move', server.setupCode!, '--yes'));
  const list = json(await ran(made.writ('tokens', 'list', '--json'))) as { tokens: TokenView[] };
  assert.deepEqual(
    list.tokens.map(({ name, revoked_at }) => [name, revoked_at === null]),
    [['phone', false]],
  );
  await ran(made.writ('tokens', 'create', 'phone-2', '--scope', 'status'));
});

test('a code is refused before anything is signed where it cannot lead to a move', async (t) => {
  const made = await place(t);
  const other = await place(t);
  assert.ok((await restore(other, 'theirs')).ok);
  const theirs = await other.start('theirs');
  const taken = await ran(made.writ('move', theirs.setupCode!, '--yes'), 3);
  assert.match(taken.err, /another home.*\(trust_version\)/s);
  const gone = await made.start('gone');
  await gone.close();
  assert.match((await ran(made.writ('move', gone.setupCode!, '--yes'), 4)).err, /unreachable/);
  assert.match((await ran(made.writ('move', 'writ-setup.x', '--yes'), 2)).err, /code_malformed/);
  const { version } = json(await ran(made.writ('trust', 'sign', houseFile, '--offline', '--yes', '--json')));
  assert.equal(version, 1, 'no version was signed');
});

test('a data folder without its key gets no other unless it comes from a backup', async (t) => {
  const made = await place(t);
  rmSync(join(made.folder, 'old', 'controller.key'));
  const options = { listen: [{ host: '127.0.0.1', port: 0 }], write: () => {} };
  const started = await serve({ dataDir: join(made.folder, 'old'), ...options });
  assert.equal(started.ok ? '' : started.reason, 'controller_key_missing');
});

test('a backup goes back to where its keys still are, and nothing has to move', async (t) => {
  const made = await place(t, {
    beforeEnd: async (writ) => void (await ran(writ('trust', 'rotate', 'operator', '--yes'))),
  });
  assert.ok((await restore(made, 'again')).ok);
  for (const name of ['controller.key', 'tls.key', 'tls.crt'])
    copyFileSync(join(made.folder, 'old', name), join(made.folder, 'again', name));
  const server = await made.start('again');
  assert.deepEqual([server.setupCode, server.restored], [null, false]);
  const config = join(made.config, 'home.json');
  const home = JSON.parse(readFileSync(config, 'utf8')) as object;
  writeFileSync(config, JSON.stringify({ ...home, origin: server.origins[0] }), { mode: 0o600 });
  // It lacks the newest trust, whose operator key this computer has.
  const published = await ran(made.writ('trust', 'publish'));
  assert.match(published.out, /version 2/);
  assert.match((await ran(made.writ('status'))).out, /cloud/);
});
