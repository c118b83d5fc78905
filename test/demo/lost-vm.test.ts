import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createHome, type Home } from '../../examples/demo/home.ts';
import { type Part, startPart } from '../../examples/demo/part.ts';
import { createPhone } from '../../examples/demo/phone.ts';
import { runProgram } from '../../examples/demo/run-cli.ts';
import { type Owned, setUp, writ } from '../../examples/demo/set-up.ts';
import { type Reader, reader, until, untilAwake } from '../../examples/demo/story.ts';
import { parseSetupCode } from '../../schema/api/access.ts';
import { shellLines } from '../support/doc-lines.ts';

const root = join(import.meta.dirname, '../..');
const writFile = join(root, 'src/cli/main.ts');
const page = readFileSync(join(root, 'docs/lost-vm.md'), 'utf8');
const hosts = ['cloud', 'pve1', 'pve2'];
const [devtop, gaming] = [202, 201];

let home: Home;
let owned: Owned;
/** The control plane that is lost in the course of this file. */
let api: Reader;
/** What the mirror serves; empty until the owner puts something there. */
let mirrored = '';
const mirror = createServer((_, response) => {
  response.statusCode = mirrored === '' ? 404 : 200;
  response.end(mirrored);
});
const parts: Part[] = [];

before(
  async () => {
    home = await createHome({ bootMs: 200 });
    owned = await setUp(home, () => {}, { limit: '10000/1h' });
    api = reader(createPhone({ ...owned, origin: home.origin }));
    await untilAwake(api, hosts);
    await new Promise<void>((resolve) => mirror.listen(0, '127.0.0.1', resolve));
    const house = join(home.directory, 'house.yaml');
    const url = `http://127.0.0.1:${(mirror.address() as AddressInfo).port}/trust.jws`;
    writeFileSync(house, `${readFileSync(house, 'utf8')}\nmirror: ${url}\n`);
    await writ(home, ['house', 'set', house, '--yes']);
    await untilTrust(3);
  },
  { timeout: 180_000 },
);
after(async () => {
  await Promise.all(parts.map((part) => part.kill('SIGKILL')));
  await home?.close();
  mirror.closeAllConnections();
  mirror.close();
});

type Relays = {
  readonly relays: readonly { readonly relay: string; readonly trust_version: number | null }[];
};

/** Waits until every relay told the control plane that it has a version of trust. */
const untilTrust = (version: number): Promise<unknown> =>
  until(
    async () => {
      const told = await home.writ(['relays', '--json']);
      if (told.exit !== 0) return undefined;
      const { relays } = JSON.parse(told.out) as Relays;
      return relays.filter((relay) => relay.trust_version === version).length === hosts.length || undefined;
    },
    `trust version ${version} on every relay`,
    120_000,
  );

/** A control plane in a process of its own, as on another machine. */
async function serve(name: string, data: string, listen: string): Promise<{ part: Part; origin: string }> {
  const args = ['serve', '--data', data, '--listen', listen, '--trial'];
  const part = startPart({ name, file: writFile, args, logFile: join(home.directory, 'log', `${name}.log`) });
  parts.push(part);
  const line = await part.line((text) => text.startsWith('Listening on'), 30_000);
  return { part, origin: line.slice('Listening on '.length) };
}

const play = async (runbook: string, with_: Reader) => {
  const answer = await with_.phone.ask('POST', `/v1/runbooks/${runbook}/run?wait=50`);
  assert.equal(answer.status, 200, answer.text);
};

/** How often a guest of the tower was started or ended so far. */
const changesOfTower = (): number =>
  home.requests('pve2').filter(({ method, path }) => method === 'POST' && path.includes('/status/')).length;

test('threat 1: a lost VM is replaced by the lines of docs/lost-vm.md; relays follow, and obey the old one no more', async () => {
  const lines = shellLines(page);
  const played: string[] = [];
  const next = (line: string): void => {
    assert.equal(lines[played.length], line);
    played.push(line);
  };
  await play('start-gaming', api);
  const backup = join(home.directory, 'writ.tar');
  const at = (name: string): string => join(home.directory, name);
  const saved = await runProgram(writFile, ['backup', backup, '--data', at('data')]);
  assert.equal(saved.exit, 0, saved.err);
  // The relay does more than the backup knows.
  await play('machine-learning', api);
  await play('start-gaming', api);
  await home.kill('api');

  next('sudo writ restore writ.tar');
  const restored = await runProgram(writFile, ['restore', backup, '--data', at('new')]);
  assert.equal(restored.exit, 0, restored.err);
  next('sudo writ serve --install');
  const fresh = await serve('new-api', at('new'), '127.0.0.1:0');
  const code = /writ-setup\.\S+/.exec(
    await fresh.part.line((line) => line.includes('writ move writ-setup.'), 10_000),
  )![0];

  next('writ move CODE');
  const moved = (await writ(home, ['move', '-', '--yes'], { input: code })) as {
    version: number;
    trust_file: string;
  };
  assert.equal(moved.version, 4);
  const file = moved.trust_file;

  // One relay learns of it by hand, as the page says; the others from the mirror when they start.
  next('sudo systemctl stop writ-relay');
  await home.kill('relay-pve1');
  next('sudo writ-relay trust install trust.jws');
  const installed = await home.writRelay(['trust', 'install', file, '--state', home.relayDirectory('pve1')]);
  assert.equal(installed.exit, 0, installed.err);
  next('sudo systemctl start writ-relay');
  await home.start('relay-pve1');
  mirrored = readFileSync(file, 'utf8');
  for (const relay of ['relay-cloud', 'relay-pve2'] as const) {
    await home.kill(relay);
    await home.start(relay);
  }
  next('writ relays');
  await untilTrust(4);

  next('writ tokens create iphone --scope status --scope host.wake@pve2');
  const scopes = ['status', 'run@start-gaming', 'run@machine-learning'].flatMap((scope) => [
    '--scope',
    scope,
  ]);
  const { token } = (await writ(home, ['tokens', 'create', 'iphone', ...scopes])) as { token: string };
  assert.deepEqual(played, lines, 'every line of the page was played');

  const setup = parseSetupCode(code);
  assert.ok(setup.ok);
  const spki = setup.value.spki!;
  const now = reader(createPhone({ origin: fresh.origin, spki, token }));
  await untilAwake(now, hosts);
  await play('machine-learning', now);
  const [command] = await now.commands();
  assert.equal(command?.state, 'succeeded', command?.sentence);
  assert.ok(home.running('pve2').includes(devtop) && !home.running('pve2').includes(gaming));
  const old = createPhone({ origin: fresh.origin, spki, token: owned.token });
  assert.equal((await old.ask('GET', '/v1/status')).status, 401);
  const log = await home.writ(['audit', 'export']);
  assert.match(log.out, /"event":"home.restored"/);
  assert.match(log.out, /"event":"home.moved"/);
  for (const relay of ['cloud', 'pve1', 'pve2']) {
    assert.doesNotMatch(readFileSync(at(`log/relay-${relay}.log`), 'utf8'), /audit_forked|state_restored/);
  }

  // Whoever has the old machine even answers in the place of the new one, and orders what the old phone may.
  await fresh.part.kill('SIGTERM');
  for (const name of ['tls.key', 'tls.crt']) copyFileSync(join(at('new'), name), join(at('data'), name));
  const thief = await serve('thief', at('data'), new URL(fresh.origin).host);
  const theirs = reader(createPhone({ origin: thief.origin, spki, token: owned.token }));
  const before = changesOfTower();
  const ordered = await theirs.phone.ask('POST', '/v1/runbooks/start-gaming/run');
  assert.equal(ordered.status, 202, ordered.text);
  const [stolen] = await theirs.commands();
  assert.ok(stolen !== undefined);
  // The tower's relay heard of it, …
  await until(
    async () => /heartbeat_refused/.test(readFileSync(at('log/relay-pve2.log'), 'utf8')) || undefined,
    'a refusal of the old control plane',
    60_000,
  );
  await thief.part.kill('SIGKILL');
  const back = await serve('new-api', at('new'), new URL(fresh.origin).host);
  assert.equal(back.origin, fresh.origin);
  // … which obeys the new one alone: this comes after, and nothing came of that.
  await play('machine-learning', now);
  assert.equal(changesOfTower(), before);
  assert.ok(home.running('pve2').includes(devtop) && !home.running('pve2').includes(gaming));
});

test('without a backup the relays follow as well, and bring what they did', async () => {
  await parts.at(-1)!.kill('SIGKILL');
  const fresh = await serve('newest-api', join(home.directory, 'newest'), '127.0.0.1:0');
  const line = await fresh.part.line((text) => text.includes('writ move writ-setup.'), 10_000);
  const code = /writ-setup\.\S+/.exec(line)![0];
  const refused = await home.writ(['move', '-', '--yes'], code);
  assert.match(refused.err, /house_missing/);
  const house = join(home.directory, 'house.yaml');
  const moved = await writ(home, ['move', '-', '--house', house, '--yes'], { input: code });
  const { version, trust_file: file } = moved as { version: number; trust_file: string };
  mirrored = readFileSync(file, 'utf8');
  for (const relay of ['relay-cloud', 'relay-pve1', 'relay-pve2'] as const) {
    await home.kill(relay);
    await home.start(relay);
  }
  await untilTrust(version);
  await writ(home, ['run', 'start-gaming', '--yes']);
  assert.ok(home.running('pve2').includes(gaming));
  await until(
    async () => (await home.writ(['audit', 'export'])).out.includes('"event":"receipt.unknown"') || undefined,
    'receipts of what the new control plane never ordered',
    30_000,
  );
});
