import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TokenView } from '../../../schema/api/access.ts';
import type { RelayView, StatusView } from '../../../schema/api/house.ts';
import type { Finding } from '../../../schema/doctor.ts';
import { checkClocks, checkRelays, checkTokens, checkTrustExpiry } from '../../../src/cli/doctor.ts';
import { serve } from '../../../src/main.ts';
import { makeFixture, now } from './home-fixture.ts';
import { runWrit } from './terminal-fixture.ts';

const root = join(import.meta.dirname, '../../..');
const dayMs = 86_400_000;
const states = (findings: readonly Finding[]): string[] =>
  findings.map(({ code, state }) => `${code} ${state}`);

test('clocks, expiry, relays and tokens are judged', async () => {
  const status = { time: now } as StatusView;
  assert.equal(checkClocks(status, now - 1_000, now + 1_000).state, 'ok');
  assert.equal(checkClocks(status, now + 40_000, now + 40_200).state, 'fault');

  const { trust } = await makeFixture();
  const ends = Date.parse(trust.document.expires);
  assert.deepEqual(
    [90, 59, -1].map((days) => checkTrustExpiry(trust.document, ends - days * dayMs).state),
    ['ok', 'warning', 'fault'],
  );

  const relay = (name: string, change: Partial<RelayView> = {}): RelayView =>
    ({ name, state: 'admitted', version: '1.0.0', trust_version: 4, last_seen: now, ...change }) as RelayView;
  assert.deepEqual(states(checkRelays([relay('pve1'), relay('pve2')], '1.0.0', 4)), [
    'relays_heard ok',
    'relays_version ok',
    'relays_trust ok',
    'relays_pending ok',
  ]);
  const odd = [
    relay('a', { last_seen: null }),
    relay('b', { version: '0.9.0' }),
    relay('c', { trust_version: 3 }),
    relay('d', { state: 'pending' }),
  ];
  assert.deepEqual(
    checkRelays(odd, '1.0.0', 4).map(({ says }) => says),
    [
      'Never heard of: a.',
      'Of another version than 1.0.0: b.',
      'Not at trust version 4 yet: c.',
      'Waiting for admission: d.',
    ],
  );

  const token = (name: string, change: Partial<TokenView>): TokenView =>
    ({
      name,
      revoked_at: null,
      created_at: now,
      expires_at: now + 300 * dayMs,
      last_used_at: now,
      ...change,
    }) as TokenView;
  assert.deepEqual(states(checkTokens([token('phone', {})], now)), ['tokens_ending ok', 'tokens_unused ok']);
  const tokens = [
    token('soon', { expires_at: now + 5 * dayMs }),
    token('idle', { created_at: now - 200 * dayMs, last_used_at: null }),
    token('gone', { expires_at: now + dayMs, revoked_at: now }),
  ];
  assert.deepEqual(
    checkTokens(tokens, now).map(({ says }) => says),
    ['Ending within 14 days: soon.', 'Not used for 90 days: idle.'],
  );
});

test('writ doctor looks at a real home, and says what is wrong with it', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'writ-doctor-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const started = await serve({
    dataDir: join(folder, 'data'),
    listen: [{ host: '127.0.0.1', port: 0 }],
    write: () => {},
  });
  assert.ok(started.ok);
  t.after(() => started.value.close());
  const config = join(folder, 'owner');
  const words = ['init', started.value.setupCode!, '--house', join(root, 'examples/house.yaml'), '--trial'];
  assert.equal((await runWrit([...words, '--config', config])).exit, 0);

  const json = async (clockAheadMs = 0) => {
    const ran = await runWrit(['doctor', '--json', '--config', config], {
      now: () => Date.now() + clockAheadMs,
    });
    return { exit: ran.exit, findings: (JSON.parse(ran.out) as { findings: Finding[] }).findings };
  };
  const well = await json();
  assert.equal(well.exit, 0);
  assert.ok(states(well.findings).includes('api_reached ok'));

  chmodSync(join(config, 'operator.json'), 0o644);
  const open = await runWrit(['doctor', '--config', config]);
  assert.equal(open.exit, 1);
  assert.match(open.out, /FAULT .*operator\.json.*\(files_keys\)\n {2}to mend it: chmod/);
  chmodSync(join(config, 'operator.json'), 0o600);

  const early = await json(600_000);
  assert.equal(early.exit, 1);
  assert.ok(states(early.findings).includes('api_reached ok'));
  const clock = early.findings.find(({ code }) => code === 'clock_difference');
  assert.equal(clock?.state, 'fault');
  assert.match(clock.says, /600 s ahead of the control plane's/);

  await started.value.close();
  const alone = await json();
  assert.equal(alone.exit, 1);
  assert.ok(states(alone.findings).includes('api_reached fault'));
  assert.deepEqual(
    codesOf(alone.findings),
    codesOf(well.findings),
    'the same is looked at, or said not to be',
  );
});

const codesOf = (findings: readonly Finding[]): string[] =>
  [...new Set(findings.map(({ code }) => code))].sort();

test('docs/doctor.md names every code of both programs, and no other', () => {
  const page = readFileSync(join(root, 'docs/doctor.md'), 'utf8');
  const rows = page.split('\n').filter((line) => line.startsWith('| `'));
  const named = rows.flatMap((row) =>
    [...row.split('|')[1]!.matchAll(/`([a-z_]+)`/g)].map(([, code]) => code!),
  );
  const folder = 'relay/cli/doctor';
  const checks = readdirSync(join(root, folder)).map((name) => join(folder, name));
  const sources = [...checks, 'src/cli/doctor.ts', 'src/cli/commands/doctor.ts'].map((file) =>
    readFileSync(join(root, file), 'utf8'),
  );
  const family =
    /'((?:clock|files|helper|service|proxmox_token|tailnet|firewall|guest|version|trust|api|relays|tokens|home)_[a-z]+)'/g;
  const used = sources.flatMap((text) => [...text.matchAll(family)].map(([, code]) => code!));
  const isCode = (code: string): boolean => code !== 'proxmox_token_unreadable';
  assert.deepEqual([...new Set(named)].sort(), [...new Set(used.filter(isCode))].sort());
});
