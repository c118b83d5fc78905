import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, type TestContext, test } from 'node:test';
import Libsql from 'libsql';
import { schemaVersion } from '../../../schema/db/migrations.ts';
import { backupToFile, backupToStream } from '../../../src/node/backup.ts';
import { type BackupManifest, readBackup } from '../../../src/node/backup-format.ts';
import { type RestoreRefusal, restoreBackup, restoreSteps } from '../../../src/node/restore.ts';
import { copyDatabase, verifyCopy } from '../../../src/store/embedded-copy.ts';
import { openEmbedded } from '../../../src/store/embedded-node.ts';
import { makeControlHome } from '../../support/control-home.ts';

/** A backup of a claimed home with a sealed audit log, and its bytes. */
let bytes: Buffer;
let manifest: BackupManifest;

const childFile = join(import.meta.dirname, 'children/restore-until.ts');

async function temporary(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'writ-backup-test-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

const optionsOf = (dataDir: string) => ({ dataDir, now: () => 1_800_000_000_000, version: '0.1.0' });

async function* streamOf(...chunks: readonly Uint8Array[]): AsyncIterable<Uint8Array> {
  yield* chunks;
}

/** A folder with a database as `writ serve` leaves it, which is still open. */
async function makeData(t: TestContext): Promise<{ dataDir: string; home: string }> {
  const made = await makeControlHome(t);
  await made.control.tokens.create(made.operator('tokens'), { name: 'phone', scope: ['status'], days: 7 });
  // The end of an export is sealed.
  for await (const _ of made.control.audit.export());
  return { dataDir: join(made.path, '..'), home: made.home.id };
}

before(async () => {
  // The hooks of a file have no context of their own to end with.
  const ends: (() => unknown)[] = [];
  const context = { after: (end: () => unknown) => ends.push(end) } as unknown as TestContext;
  const folder = await mkdtemp(join(tmpdir(), 'writ-backup-test-'));
  const { dataDir } = await makeData(context);
  const file = join(folder, 'writ.tar');
  const made = await backupToFile(optionsOf(dataDir), file);
  assert.ok(made.ok, made.ok ? '' : made.detail);
  manifest = made.value;
  bytes = readFileSync(file);
  for (const end of ends.reverse()) await end();
  await rm(folder, { recursive: true });
});

test('a backup says what it is, is for its owner alone, and leaves nothing beside it', async (t) => {
  const folder = await temporary(t);
  const { dataDir, home } = await makeData(t);
  const file = join(folder, 'writ.tar');
  const made = await backupToFile(optionsOf(dataDir), file);
  assert.ok(made.ok);
  assert.equal(made.value.home, home);
  const { format, trust_version: version, schema_version: schema } = made.value;
  assert.deepEqual([format, version, schema], [1, 1, schemaVersion]);
  assert.ok(made.value.audit.seq >= 2);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.deepEqual(readdirSync(folder), ['writ.tar']);
  assert.doesNotMatch(readFileSync(file, 'latin1'), /"d":"/, 'no private key');
  // Again: the old one is replaced.
  assert.ok((await backupToFile(optionsOf(dataDir), file)).ok);
  const chunks: Uint8Array[] = [];
  const streamed = await backupToStream(optionsOf(dataDir), async (chunk) => void chunks.push(chunk));
  assert.ok(streamed.ok);
  assert.ok(Buffer.concat(chunks).length > 10_000);
});

test('tar and sha256sum read a backup without this program', async (t) => {
  const folder = await temporary(t);
  writeFileSync(join(folder, 'writ.tar'), bytes);
  const run = async (...argv: [string, ...string[]]): Promise<void> => {
    const [program, ...args] = argv;
    const [code] = await once(spawn(program, args, { cwd: folder, stdio: 'ignore' }), 'exit');
    assert.equal(code, 0, argv.join(' '));
  };
  await run('tar', 'xf', 'writ.tar');
  await run('sha256sum', '--check', 'SHA256SUMS');
  assert.deepEqual(JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')), manifest);
});

test('a backup is refused where there is nothing to back up, or something else to lose', async (t) => {
  const folder = await temporary(t);
  const none = await backupToFile(optionsOf(join(folder, 'none')), join(folder, 'writ.tar'));
  assert.equal(none.ok ? '' : none.reason, 'data_dir_missing');
  assert.ok(!existsSync(join(folder, 'none')), 'nothing was made');
  const { dataDir } = await makeData(t);
  const nowhere = await backupToFile(optionsOf(dataDir), join(folder, 'unmounted', 'writ.tar'));
  assert.equal(nowhere.ok ? '' : nowhere.reason, 'backup_folder_missing');
  const letter = join(folder, 'letter.txt');
  writeFileSync(letter, 'Dear Aunt,');
  const foreign = await backupToFile(optionsOf(dataDir), letter);
  assert.equal(foreign.ok ? '' : foreign.reason, 'backup_target_foreign');
  assert.equal(readFileSync(letter, 'utf8'), 'Dear Aunt,');
  writeFileSync(join(folder, 'writ.db'), 'not a database '.repeat(1000));
  const damaged = await backupToFile(optionsOf(folder), join(folder, 'writ.tar'));
  assert.equal(damaged.ok ? '' : damaged.reason, 'database_damaged');
  assert.deepEqual(readdirSync(folder).sort(), ['letter.txt', 'writ.db']);
});

test('a database that was changed by hand is not backed up as if it were whole', async (t) => {
  const folder = await temporary(t);
  const { dataDir } = await makeData(t);
  const forged = join(folder, 'writ.db');
  for (const [statement, says] of [
    ["UPDATE audit SET event = 'nothing.happened' WHERE seq = 1", /audit log/],
    ["UPDATE trust_version SET digest = replace(digest, 'a', 'b')", /trust document/],
    ["UPDATE schema_version SET name = 'another'", /version 1/],
    ['DROP TABLE schema_version', /no database of a control plane/],
  ] as const) {
    copyDatabase(join(dataDir, 'writ.db'), forged);
    const db = await openEmbedded({ path: forged });
    const triggers = await db.read({
      sql: "SELECT name, sql FROM sqlite_master WHERE name IN ('audit_is_fixed', 'audit_stays')",
      args: [],
    });
    for (const { name } of triggers) await db.write([{ sql: `DROP TRIGGER ${name}`, args: [] }]);
    await db.write([{ sql: statement, args: [] }]);
    for (const { sql } of triggers) await db.write([{ sql: String(sql), args: [] }]);
    await db.close();
    const made = await backupToFile(optionsOf(folder), join(folder, 'writ.tar'));
    assert.equal(made.ok ? '' : made.reason, 'database_damaged', statement);
    assert.match(made.ok ? '' : made.detail!, says);
    for (const name of readdirSync(folder)) await rm(join(folder, name));
  }
});

test('threat 1: nothing that acts by itself gets into a control plane by its backup', async (t) => {
  const folder = await temporary(t);
  const { dataDir } = await makeData(t);
  const changes = [
    'CREATE TRIGGER back AFTER INSERT ON audit BEGIN UPDATE token SET revoked_at = NULL; END',
    'DROP TRIGGER token_revoked_once',
    'DROP TRIGGER token_revoked_once; CREATE TRIGGER token_revoked_once BEFORE UPDATE ON token BEGIN SELECT 1; END',
    'CREATE VIEW more AS SELECT 1 AS one',
    'CREATE TABLE more (one)',
    'CREATE INDEX more ON token (name)',
    'ALTER TABLE token ADD COLUMN more',
    'ALTER TABLE token RENAME TO other; CREATE VIEW token AS SELECT * FROM other',
    'DROP TABLE house_file',
  ];
  for (const [at, change] of changes.entries()) {
    const copy = join(folder, `${at}.db`);
    copyDatabase(join(dataDir, 'writ.db'), copy);
    assert.equal((await verifyCopy(copy)).ok, true);
    const changed = new Libsql(copy);
    changed.exec(change);
    changed.close();
    const verified = await verifyCopy(copy);
    assert.equal(verified.ok ? '' : verified.reason, 'damaged', change);
    assert.match(verified.ok ? '' : verified.detail!, /not as the control plane makes it/, change);
  }
});

test('every byte of a backup counts: flipped, left out or added, it is refused', async () => {
  const judge = async (changed: Uint8Array): Promise<string> => {
    const read = await readBackup(streamOf(changed.subarray(0, 777), changed.subarray(777)), null);
    return read.ok ? 'ok' : read.reason;
  };
  assert.equal(await judge(bytes), 'ok');
  const tail = bytes.length - 3 * 1024;
  const inDatabase = Array.from({ length: 60 }, (_, index) =>
    Math.floor(2048 + ((tail - 2048) * index) / 60),
  );
  const places = [
    ...Array.from({ length: 2048 }, (_, index) => index),
    ...inDatabase,
    ...Array.from({ length: 3 * 1024 }, (_, index) => tail + index),
  ];
  for (const place of places) {
    const flipped = Buffer.from(bytes);
    flipped[place]! ^= 1 << (place % 8);
    const outcome = await judge(flipped);
    // One digit of the format makes it one that this program does not know.
    assert.ok(outcome === 'backup_damaged' || outcome === 'backup_newer', `byte ${place}: ${outcome}`);
  }
  for (const length of [0, 1, 511, 512, 1500, bytes.length >> 1, bytes.length - 512, bytes.length - 1]) {
    assert.equal(await judge(bytes.subarray(0, length)), 'backup_damaged', `${length} bytes`);
  }
  assert.equal(await judge(Buffer.concat([bytes, Buffer.alloc(1)])), 'backup_damaged');
  assert.equal(await judge(Buffer.concat([bytes, bytes])), 'backup_damaged');
});

test('what is restored is the database of the backup, and says that it was restored', async (t) => {
  const folder = await temporary(t);
  const target = join(folder, 'data');
  const restored = await restoreBackup({ dataDir: target, now: () => 5 }, streamOf(bytes));
  assert.deepEqual(restored, { ok: true, value: manifest });
  assert.deepEqual(readdirSync(target).sort(), ['restored.json', 'writ.db']);
  assert.deepEqual(readdirSync(folder), ['data']);
  assert.equal(statSync(target).mode & 0o777, 0o700);
  assert.equal(statSync(join(target, 'writ.db')).mode & 0o777, 0o600);
  const facts = await verifyCopy(join(target, 'writ.db'));
  assert.ok(facts.ok);
  assert.deepEqual(facts.value.audit, manifest.audit);
  const db = await openEmbedded({ path: join(target, 'writ.db') });
  t.after(() => db.close());
  const [last] = await db.read({ sql: 'SELECT * FROM audit ORDER BY seq DESC LIMIT 1', args: [] });
  assert.deepEqual([last?.event, last?.time], ['home.restored', 5]);
  assert.deepEqual(JSON.parse(String(last?.facts_json)), {
    taken_at: manifest.taken_at,
    audit_seq: manifest.audit.seq,
  });
});

test('a restore writes over nothing, and leaves nothing where it is refused', async (t) => {
  const folder = await temporary(t);
  const reasonOf = async (dataDir: string, content: Uint8Array): Promise<RestoreRefusal | 'ok'> => {
    const restored = await restoreBackup({ dataDir, now: Date.now }, streamOf(content));
    return restored.ok ? 'ok' : restored.reason;
  };
  const full = join(folder, 'full');
  await mkdir(full);
  writeFileSync(join(full, 'controller.key'), 'mine');
  assert.equal(await reasonOf(full, bytes), 'data_dir_not_empty');
  assert.equal(await reasonOf(join(full, 'controller.key'), bytes), 'data_dir_not_empty');
  assert.deepEqual(readdirSync(full), ['controller.key']);
  assert.equal(await reasonOf(join(folder, 'cut'), bytes.subarray(0, bytes.length / 2)), 'backup_damaged');
  // What a newer program made is told apart from what is damaged.
  const text = bytes.toString('latin1');
  const size = Number.parseInt(text.slice(124, 135), 8);
  const newer = JSON.stringify({ ...manifest, format: 2 }, null, 2);
  const changed = Buffer.from(bytes);
  changed.write(`${newer}\n`, 512, 'latin1');
  assert.equal(newer.length + 1, size);
  assert.equal(await reasonOf(join(folder, 'newer'), changed), 'backup_newer');
  assert.deepEqual(readdirSync(folder), ['full']);
  // An empty folder is taken, with what a crash left beside it.
  const empty = join(folder, 'empty');
  await mkdir(empty);
  await chmod(empty, 0o755);
  await mkdir(`${empty}.restoring`);
  writeFileSync(join(`${empty}.restoring`, 'writ.db'), 'half');
  assert.equal(await reasonOf(empty, bytes), 'ok');
  assert.deepEqual(readdirSync(folder).sort(), ['empty', 'full']);
});

test('a power cut at any step of a restore leaves no data folder, or the whole one', async (t) => {
  const folder = await temporary(t);
  const file = join(folder, 'writ.tar');
  writeFileSync(file, bytes);
  for (const step of restoreSteps) {
    const target = join(folder, step);
    const child = spawn(process.execPath, [childFile, file, target, step], { stdio: 'inherit' });
    const [, signal] = await once(child, 'exit');
    assert.equal(signal, 'SIGKILL', step);
    if (step === 'placed') {
      assert.ok((await verifyCopy(join(target, 'writ.db'))).ok);
      continue;
    }
    assert.ok(!existsSync(target), step);
    const again = await restoreBackup({ dataDir: target, now: Date.now }, createReadStream(file));
    assert.ok(again.ok, step);
    assert.ok((await verifyCopy(join(target, 'writ.db'))).ok, step);
  }
  assert.deepEqual(readdirSync(folder).sort(), [...restoreSteps, 'writ.tar'].sort());
});
