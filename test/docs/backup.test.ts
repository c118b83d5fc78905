import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { type Part, startPart } from '../../examples/demo/part.ts';
import { runProgram } from '../../examples/demo/run-cli.ts';
import { tokenCreatedSchema, tokenListSchema } from '../../schema/api/access.ts';
import { type Api, createApi } from '../../src/cli/api.ts';
import { readHome } from '../../src/cli/home.ts';
import { openEmbedded } from '../../src/store/embedded-node.ts';
import { shellLines } from '../support/doc-lines.ts';

const root = join(import.meta.dirname, '../..');
const writFile = join(root, 'src/cli/main.ts');
const lines = shellLines(readFileSync(join(root, 'docs/backup.md'), 'utf8'));
const folder = mkdtempSync(join(tmpdir(), 'writ-docs-'));
const at = (name: string): string => join(folder, name);

/** The paths of the page, below the test's folder. */
const places: readonly (readonly [string, string])[] = [
  ['/var/lib/writ', at('lib')],
  ['/var/backups', at('backups')],
  ['~/.config/writ', at('owner')],
];
const here = (word: string): string =>
  places.reduce((path, [from, to]) => (path.startsWith(from) ? to + path.slice(from.length) : path), word);

let part: Part;
let listen = '127.0.0.1:0';

/** The control plane, in a process of its own; on the same port each time. */
async function start(): Promise<void> {
  const args = ['serve', '--data', at('lib'), '--listen', listen, '--trial'];
  part = startPart({ name: 'api', file: writFile, args, logFile: at('api.log'), env });
  const line = await part.line((text) => text.startsWith('Listening on'), 30_000);
  listen = new URL(line.slice('Listening on '.length)).host;
}

/** Each program is compiled once. */
const env = { NODE_COMPILE_CACHE: at('cache') };

const writ = async (...args: string[]): Promise<string> => {
  const config = args[0] === 'backup' || args[0] === 'restore' ? [] : ['--config', at('owner')];
  const ran = await runProgram(writFile, [...args, ...config], { env });
  assert.equal(ran.exit, 0, `writ ${args.join(' ')}\n${ran.err}${ran.out}`);
  return ran.out;
};

before(async () => {
  mkdirSync(at('backups'));
  await start();
  const code = await part.line((line) => line.includes('writ init writ-setup.'), 10_000);
  await writ(
    'init',
    /writ-setup\.\S+/.exec(code)![0],
    '--house',
    join(root, 'examples/house.yaml'),
    '--trial',
  );
});
after(async () => {
  await part?.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});

async function ownersApi(): Promise<Api> {
  const home = await readHome(at('owner'));
  assert.ok(home.ok);
  const { file, operator } = home.value;
  const random = (count: number) => new Uint8Array(randomBytes(count));
  return createApi({ ...file, operator, now: Date.now, random });
}

/** Tokens by their names in a restored data folder, in the order in which they were made. */
async function tokensIn(data: string): Promise<string[]> {
  const db = await openEmbedded({ path: join(data, 'writ.db') });
  const rows = await db.read({
    sql: "SELECT name FROM token WHERE name LIKE 'load-%' ORDER BY rowid",
    args: [],
  });
  const audit = await db.read({ sql: 'SELECT count(*) AS count, max(seq) AS last FROM audit', args: [] });
  assert.equal(audit[0]?.count, audit[0]?.last, 'no entry of the audit log is missing');
  await db.close();
  return rows.map(({ name }) => String(name));
}

test('a backup under load is a prefix of what was acknowledged', async () => {
  const api = await ownersApi();
  const lanes = 6;
  const acknowledged = Array.from({ length: lanes }, () => 0);
  let isOver = false;
  const work = async (lane: number): Promise<void> => {
    while (!isOver) {
      const name = `load-${lane}-${acknowledged[lane]! + 1}`;
      const made = await api.call({
        method: 'POST',
        url: '/v1/tokens',
        body: { name, scope: ['status'] },
        answer: tokenCreatedSchema,
      });
      assert.ok(made.ok, made.ok ? '' : made.detail);
      acknowledged[lane]! += 1;
    }
  };
  const working = Promise.all(Array.from({ length: lanes }, (_, lane) => work(lane)));
  const taken: { file: string; before: number[]; after: number[] }[] = [];
  for (const name of ['one', 'two', 'three']) {
    const file = at(`backups/${name}.tar`);
    const known = [...acknowledged];
    await writ('backup', file, '--data', at('lib'));
    taken.push({ file, before: known, after: acknowledged.map((count) => count + 1) });
  }
  isOver = true;
  await working;
  const total = acknowledged.reduce((sum, count) => sum + count, 0);
  assert.ok(total > 3 * lanes, `${total} were made meanwhile`);
  // Another reader of the file cost the control plane nothing that it had acknowledged.
  const list = await api.call({ method: 'GET', url: '/v1/tokens', answer: tokenListSchema });
  assert.ok(list.ok);
  assert.equal(list.value.tokens.filter(({ name }) => name.startsWith('load-')).length, total);
  for (const { file, before: least, after: most } of taken) {
    const data = at('restored');
    await writ('restore', file, '--data', data);
    const names = await tokensIn(data);
    rmSync(data, { recursive: true });
    for (let lane = 0; lane < lanes; lane += 1) {
      const mine = names.filter((name) => name.startsWith(`load-${lane}-`));
      const prefix = Array.from({ length: mine.length }, (_, index) => `load-${lane}-${index + 1}`);
      assert.deepEqual(mine, prefix);
      // All that was answered before it began, and nothing that was asked after it ended.
      assert.ok(mine.length >= least[lane]!, `lane ${lane}: ${mine.length} of ${least[lane]}`);
      assert.ok(mine.length <= most[lane]!, `lane ${lane}: ${mine.length} of ${most[lane]}`);
    }
  }
});

test('the lines of docs/backup.md back up a control plane that runs, try the backup, and bring it back', async () => {
  await writ('tokens', 'create', 'before', '--scope', 'status');
  const played: string[] = [];
  for (const line of lines) {
    const words = line.split(' ').filter((word) => word !== 'sudo');
    const [program, ...args] = words.map(here);
    if (program === 'systemctl') {
      const [act, unit] = args;
      assert.equal(unit, 'writ');
      if (act === 'start') await start();
      else {
        await writ('tokens', 'create', 'after', '--scope', 'status');
        await writ('audit', 'verify');
        await part.kill('SIGTERM');
      }
    } else if (program === 'writ') {
      // The page leaves out the folder: it is the default.
      const own = (args[0] === 'backup' || args[0] === 'restore') && !args.includes('--data');
      const out = await writ(...args, ...(own ? ['--data', at('lib')] : []));
      if (args[0] === 'tokens') {
        assert.match(out, /before/);
        assert.doesNotMatch(out, /after/, 'what came after the backup is not in it');
      }
    } else {
      assert.ok(['mv', 'cp', 'rm'].includes(program!), line);
      if (line.includes('audit.json')) {
        const told = await runProgram(writFile, ['audit', 'verify', '--config', at('owner')], { env });
        assert.equal(told.exit, 3, told.out);
        assert.match(told.err, /audit_shortened|audit_forked/);
      }
      await promisify(execFile)(program!, args);
    }
    played.push(line);
  }
  assert.deepEqual(played, lines);
  assert.ok(played.length >= 10);
  assert.match(await writ('status'), /cloud/);
  assert.ok(!readdirSync(at('lib')).includes('restored.json'), 'it has its key: nothing has to move');
  const log = await writ('audit', 'export');
  assert.match(log, /"event":"home.restored"/);
});

test('a backup goes through a pipe, and not to a terminal', async () => {
  const piped = await promisify(execFile)(process.execPath, [writFile, 'backup', '-', '--data', at('lib')], {
    encoding: 'buffer',
    maxBuffer: 64 * 1024 * 1024,
  });
  const input = piped.stdout;
  assert.ok(input.length > 10_000);
  const child = execFile(process.execPath, [writFile, 'restore', '-', '--data', at('piped')]);
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  child.stdin!.end(input);
  assert.equal(await ended, 0);
  assert.deepEqual(readdirSync(at('piped')).sort(), ['restored.json', 'writ.db']);
});

test('whoever reads only the beginning of a backup is told that it is not whole', async () => {
  mkdirSync(at('temporary'));
  const both = await runProgram(writFile, ['backup', '-', '--json', '--data', at('lib')], { env });
  assert.equal(both.exit, 2);
  const child = spawn(process.execPath, [writFile, 'backup', '-', '--data', at('lib')], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env, TMPDIR: at('temporary') },
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  child.stdout.once('data', () => child.stdout.destroy());
  const [code] = await once(child, 'close');
  assert.equal(code, 1);
  assert.match(said, /The backup is not whole/);
  assert.deepEqual(readdirSync(at('temporary')), [], 'and its copy of the database is gone');
});
