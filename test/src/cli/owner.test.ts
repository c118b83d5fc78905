import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { formatSetupCode, parseSetupCode } from '../../../schema/api/access.ts';
import { type Server, serve } from '../../../src/main.ts';
import { runWrit } from './terminal-fixture.ts';

/** Everything that an owner does with a real control plane and no relay. */
const folder = mkdtempSync(join(tmpdir(), 'writ-owner-'));
const house = join(import.meta.dirname, '../../../examples/house.yaml');
const config = join(folder, 'owner');
let server: Server;

const start = async (name: string): Promise<Server> => {
  const started = await serve({
    dataDir: join(folder, name),
    listen: [{ host: '127.0.0.1', port: 0 }],
    write: () => {},
  });
  assert.ok(started.ok, started.ok ? '' : started.detail);
  return started.value;
};
const writ = (...words: string[]) => runWrit([...words, '--config', config]);

before(async () => {
  server = await start('data');
});
after(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

test('init refuses where the control plane runs, unless it is a trial', async () => {
  const ran = await writ('init', server.setupCode!, '--house', house);
  assert.equal(ran.exit, 3);
  assert.match(ran.err, /this very machine/);
  assert.equal(existsSync(config), false);
});

test('init leaves nothing behind when the house file is wrong, or the code is', async () => {
  const wrong = join(folder, 'wrong.yaml');
  writeFileSync(wrong, readFileSync(house, 'utf8').replace('wake_via: pve1', 'wake_via: pve9'));
  const ran = await writ('init', server.setupCode!, '--house', wrong, '--trial');
  assert.equal(ran.exit, 2);
  assert.match(ran.err, /wrong\.yaml:\d+:\d+: there is no host pve9/);

  const parsed = parseSetupCode(server.setupCode!);
  assert.ok(parsed.ok);
  const guessed = formatSetupCode({ ...parsed.value, secret: `${'A'.repeat(42)}A` });
  const refused = await writ('init', guessed, '--house', house, '--trial');
  assert.equal(refused.exit, 3, refused.err);
  assert.match(refused.err, /was not claimed, and no key was kept/);

  const stranger = formatSetupCode({ ...parsed.value, spki: `sha256:${'0'.repeat(64)}` });
  const pinned = await writ('init', stranger, '--house', house, '--trial');
  assert.equal(pinned.exit, 4);
  assert.match(pinned.err, /not the control plane that was pinned[\s\S]*no key was kept/);
  assert.deepEqual(readdirSync(folder).sort(), ['data', 'wrong.yaml']);
});

test('init keeps nothing, and claims nothing, where its keys cannot all be written', async () => {
  // The disk takes no file above 1 KiB.
  const line = 'ulimit -f 1; exec "$@"';
  const program = join(import.meta.dirname, '../../../src/cli/main.ts');
  const words = ['init', server.setupCode!, '--house', house, '--trial', '--config', config];
  const child = spawn('bash', ['-c', line, 'bash', process.execPath, program, ...words], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const [code] = await once(child, 'close');
  assert.equal(code, 1);
  assert.match(said, /EFBIG.*trust\.json/);
  assert.deepEqual(readdirSync(folder).sort(), ['data', 'wrong.yaml']);
});

test('init claims the control plane and writes keys that nobody else may read', async () => {
  const ran = await runWrit(['init', '-', '--house', house, '--trial', '--config', config], {
    input: `${server.setupCode}\n`,
  });
  assert.equal(ran.exit, 0, ran.err);
  assert.match(ran.out, /is yours/);
  assert.match(ran.out, /([0-9A-HJKMNP-TV-Z]{4} {2}){6}[0-9A-HJKMNP-TV-Z]{4}\n/);
  assert.equal(statSync(config).mode & 0o777, 0o700);
  for (const name of readdirSync(config)) {
    const path = join(config, name);
    assert.equal(statSync(path).mode & 0o777, 0o600, name);
    const paper = /^ {4}[0-9A-Z ]+$/gm.exec(ran.out)![0].trim();
    assert.ok(!readFileSync(path, 'utf8').includes(paper.split('  ')[0]!), 'the paper root is not stored');
  }
  assert.ok(readdirSync(config).every((name) => !name.endsWith('.tmp')));
});

test('a claimed control plane is not claimed again, and a home is not written over', async () => {
  const again = await writ('init', server.setupCode!, '--house', house, '--trial');
  assert.equal(again.exit, 3);
  assert.match(again.err, /holds the keys of a home already/);
  const other = join(folder, 'other');
  const thief = await runWrit(['init', server.setupCode!, '--trial', '--config', other]);
  assert.equal(thief.exit, 3);
  assert.match(thief.err, /already_set_up/);
  assert.equal(existsSync(other) || existsSync(`${other}.pending`), false);
});

test('keys that others may read are not used', async () => {
  const path = join(config, 'operator.json');
  const text = readFileSync(path, 'utf8');
  rmSync(path);
  writeFileSync(path, text, { mode: 0o644 });
  const ran = await writ('status');
  assert.equal(ran.exit, 2);
  assert.match(ran.err, /chmod 600/);
  rmSync(path);
  writeFileSync(path, text, { mode: 0o600 });
});

test('status, trust, relays and commands of a home without relays', async () => {
  const status = await writ('status');
  assert.equal(status.exit, 0, status.err);
  assert.match(status.out, /gaming/);
  const trust = await writ('trust', 'show');
  assert.match(trust.out, /controller[\s\S]*wake pve2, at most 6 times in an hour/);
  assert.match(trust.out, /no relay admitted yet/);
  assert.match((await writ('relays')).out, /no relay yet/i);
  assert.match((await writ('command')).out, /no command yet/i);
  assert.match((await writ('command', '--state', 'failed', '--limit', '3')).out, /no such command/i);
  for (const words of [
    ['--state', 'broken'],
    ['--limit', '0'],
    ['--limit', '201'],
    ['--before', 'x'],
    ['cmd_01ARZ3NDEKTSV4RRFFQ69G5FAV', '--limit', '3'],
  ]) {
    assert.equal((await writ('command', ...words)).exit, 2, words.join(' '));
  }
  assert.match((await writ('tokens', 'list')).out, /no token/i);
  assert.match((await writ('relays', 'approve')).out, /No relay waits/);
});

test('relays add gives one code a host, and keeps what approves it', async () => {
  const unknown = await writ('relays', 'add', 'pve3');
  assert.equal(unknown.exit, 2);
  assert.match(unknown.err, /Did you mean pve/);
  const ran = await writ('relays', 'add', 'pve1', 'pve2', '--json');
  assert.equal(ran.exit, 0, ran.err);
  const { codes } = JSON.parse(ran.out) as { codes: { relay: string; code: string }[] };
  assert.deepEqual(
    codes.map(({ relay }) => relay),
    ['pve1', 'pve2'],
  );
  assert.ok(codes.every(({ code }) => code.startsWith('writ-enrol.')));
  const kept = JSON.parse(readFileSync(join(config, 'codes.json'), 'utf8')) as { codes: unknown[] };
  assert.equal(kept.codes.length, 2);
});

test('a token is made, listed and revoked', async () => {
  const bad = await writ('tokens', 'create', 'phone', '--scope', 'everything');
  assert.notEqual(bad.exit, 0);
  const made = await writ('tokens', 'create', 'phone', '--scope', 'status', '--days', '7', '--json');
  assert.equal(made.exit, 0, made.err);
  const { id, token, curl } = JSON.parse(made.out) as { id: string; token: string; curl: string };
  assert.match(curl, /^curl -k --pinnedpubkey "sha256\/\/[A-Za-z0-9+/]{43}="/);
  assert.ok(curl.includes(token));
  const file = join(config, 'android.json');
  const shown = await writ('tokens', 'create', 'tablet', '--scope', 'host.wake@pve2', '--android', file);
  assert.match(shown.out, /To wake pve2[\s\S]*URL {5}https:[\s\S]*Body {4}\{\}[\s\S]*5\. /);
  const imported = readFileSync(file, 'utf8');
  assert.match(imported, /"authToken": "ey/);
  const { fingerprint256 } = new X509Certificate(readFileSync(join(folder, 'data', 'tls.crt')));
  const hex = fingerprint256.replaceAll(':', '').toLowerCase();
  assert.ok(imported.includes(`"certificateFingerprint": "${hex}"`), 'the app takes this certificate alone');
  const unwritten = await writ('tokens', 'create', 'watch', '--scope', 'status', '--android', config);
  assert.equal(unwritten.exit, 0);
  assert.match(unwritten.out, /Bearer ey[\s\S]*could not be written/);
  const list = await writ('tokens', 'list');
  assert.ok(list.out.includes(id) && !list.out.includes(token));
  assert.equal((await writ('tokens', 'revoke', id)).exit, 0);
  assert.match((await writ('tokens', 'list')).out, /revoked/);
});

test('a phone that asks under a name is given it, and nothing is pinned there', async () => {
  const url = 'https://writ.example.org:8420';
  const words = ['tokens', 'create', 'phone', '--scope', 'host.wake@pve2', '--url'] as const;
  const made = JSON.parse((await writ(...words, `${url}/`, '--json')).out) as Record<string, unknown>;
  assert.equal(made.url, `${url}/v1/hosts/pve2/wake?wait=50`);
  assert.doesNotMatch(String(made.curl), / -k |pinned/);
  assert.doesNotMatch(JSON.stringify(made.android), /certificateFingerprint/);
  assert.doesNotMatch((await writ(...words, url)).out, /docs\/phone\.md/);
  const bad = await writ(...words, 'writ.example.org');
  assert.deepEqual([bad.exit, /origin_invalid/.test(bad.err)], [2, true]);
});

test('a token is not made of scopes that name nothing, and says what trust does not allow', async () => {
  for (const [scope, near] of [
    ['host.wake@pve3', /Did you mean host\.wake@pve2\?/],
    ['host.wake@pve1', /names nothing/],
    ['guest.start@pve2', /names nothing/],
    ['run@start-gamin', /Did you mean run@start-gaming\?/],
  ] as const) {
    const ran = await writ('tokens', 'create', 'phone', '--scope', scope);
    assert.equal(ran.exit, 2, scope);
    assert.match(ran.err, near);
    assert.match(ran.err, /No token was made[\s\S]*\(scope_unknown\)/);
  }
  assert.equal((await writ('tokens', 'create', 'phone', '--scope', 'run@start-gaming')).exit, 0);
  const beyond = await writ('tokens', 'create', 'phone', '--scope', 'guest.stop@gaming');
  assert.equal(beyond.exit, 0);
  assert.match(beyond.out, /does not let the control plane order guest\.stop@gaming: [^\n]* writ approve/);
});

test('an order without a relay to do it is refused in words', async () => {
  const start = await writ('start', 'gaming', '--yes');
  assert.equal(start.exit, 3, start.err);
  assert.match(start.err, /\([a-z_]+\)/);
  const near = await writ('start', 'gamng');
  assert.equal(near.exit, 2);
  assert.match(near.err, /Did you mean gaming\?/);
  assert.match((await writ('sleep', 'pve1')).err, /does not sleep/);
  assert.match((await writ('wake', 'gaming')).err, /a guest has no wake/);
  assert.match((await writ('stop', 'pve2')).err, /a host has no stop/);
});

test('a changed house becomes the next trust version', async () => {
  const changed = join(folder, 'changed.yaml');
  writeFileSync(changed, readFileSync(house, 'utf8').replace('vmid: 203, ad_hoc: true', 'vmid: 203'));
  const unasked = await writ('house', 'set', changed);
  assert.equal(unasked.exit, 2);
  assert.match(unasked.err, /--yes/);
  const ran = await writ('house', 'set', changed, '--yes');
  assert.equal(ran.exit, 0, ran.err);
  assert.match((await writ('trust', 'show')).out, /version 2\.[\s\S]*start gaming and devtop,/);
});

test('the audit log is exported and verified, on line and off', async () => {
  const online = await writ('audit', 'verify');
  assert.equal(online.exit, 0, online.err);
  const exported = await writ('audit', 'export');
  assert.equal(exported.exit, 0, exported.err);
  const path = join(folder, 'audit.jsonl');
  writeFileSync(path, exported.out);
  const offline = await runWrit(['audit', 'verify', path, '--config', '/nonexistent']);
  assert.equal(offline.exit, 0, offline.err);
  const hash = /sha256:[0-9a-f]{64}/.exec(offline.out)![0];
  assert.ok(online.out.includes(hash) || offline.out.length > 0);
});

test('threat 13: an export that was changed, cut in the middle or put in another order is found out', async () => {
  const exported = (await writ('audit', 'export')).out.trimEnd().split('\n');
  assert.ok(exported.length > 5);
  const path = join(folder, 'tampered.jsonl');
  const cases: Record<string, string[]> = {
    changed: exported.map((line, index) => (index === 2 ? line.replace('operator', 'stranger') : line)),
    cut: exported.filter((_, index) => index !== 2),
    swapped: [exported[1]!, exported[0]!, ...exported.slice(2)],
    'without its beginning': exported.slice(1),
    doubled: [exported[0]!, ...exported],
  };
  for (const [name, lines] of Object.entries(cases)) {
    if (name === 'changed' && lines.join() === exported.join()) {
      lines[2] = lines[2]!.replace(/"time":\d/, '"time":9');
    }
    writeFileSync(path, lines.join('\n'));
    const ran = await runWrit(['audit', 'verify', path]);
    assert.equal(ran.exit, 3, name);
    assert.match(ran.err, /is not whole/);
  }
});

test('threat 13: a log that is shorter than, or other than, the one verified here before is found out', async () => {
  assert.equal((await writ('audit', 'verify')).exit, 0);
  const path = join(config, 'audit.json');
  const head = JSON.parse(readFileSync(path, 'utf8')) as { seq: number; hash: string };
  writeFileSync(path, JSON.stringify({ ...head, hash: `sha256:${'0'.repeat(64)}` }));
  assert.match((await writ('audit', 'verify')).err, /audit_forked/);
  writeFileSync(path, JSON.stringify({ ...head, seq: head.seq + 1000 }));
  assert.match((await writ('audit', 'verify')).err, /audit_shortened/);
});

test('a control plane that is away is told as such, with exit 4', async () => {
  const gone = await start('gone');
  const away = join(folder, 'away');
  const ran = await runWrit(['init', gone.setupCode!, '--trial', '--config', away]);
  assert.equal(ran.exit, 0, ran.err);
  await gone.close();
  const status = await runWrit(['status', '--config', away, '--json']);
  assert.equal(status.exit, 4);
  assert.match(status.out, /cannot be reached/);
});
