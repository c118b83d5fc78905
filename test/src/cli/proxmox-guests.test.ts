import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { listGuests, readFingerprint } from '../../../src/cli/proxmox-guests.ts';
import { startCheckedSimulator } from '../../support/proxmox/checked.ts';
import type { GuestSpec, TokenSpec } from '../../support/proxmox/options.ts';

const token = 'writ@pve!adopt=11111111-2222-3333-4444-555555555555';
const guests: readonly GuestSpec[] = [
  { vmid: 102, kind: 'lxc', name: 'dns', address: '192.168.20.5' },
  { vmid: 101, kind: 'qemu', name: 'secsvcs', address: '192.168.20.12' },
  { vmid: 900, kind: 'qemu', name: 'debian-13', template: true },
  { vmid: 103, kind: 'qemu', name: 'gaming' },
];

async function setUp(t: TestContext, tokens: readonly TokenSpec[] = [{ token }]) {
  const simulator = await startCheckedSimulator(t, { node: 'pve1', guests, tokens });
  const folder = mkdtempSync(join(tmpdir(), 'writ-token-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const tokenFile = join(folder, 'token');
  writeFileSync(tokenFile, `${token}\n`, { mode: 0o600 });
  const ask = (more: Partial<Parameters<typeof listGuests>[0]> = {}) =>
    listGuests({
      url: simulator.url,
      tokenFile,
      fingerprint: simulator.pins.certificate,
      signal: new AbortController().signal,
      ...more,
    });
  return { simulator, tokenFile, ask };
}

test('guests are listed with where they are and the address that they are given', async (t) => {
  const { simulator, ask } = await setUp(t);
  const listed = await ask();
  assert.deepEqual(listed, {
    ok: true,
    value: [
      { name: 'secsvcs', node: 'pve1', vmid: 101, kind: 'qemu', address: '192.168.20.12' },
      { name: 'dns', node: 'pve1', vmid: 102, kind: 'lxc', address: '192.168.20.5' },
      { name: 'gaming', node: 'pve1', vmid: 103, kind: 'qemu' },
    ],
  });
  assert.ok(simulator.requests.every(({ method }) => method === 'GET'));
});

test('a server with another certificate is not sent the token', async (t) => {
  const { simulator, tokenFile, ask } = await setUp(t);
  const wrong = await ask({ fingerprint: `sha256:${'0'.repeat(64)}` });
  assert.ok(!wrong.ok);
  assert.deepEqual([wrong.reason, wrong.exit], ['pin_mismatch', 4]);
  // Nobody vouches for a certificate that Proxmox VE made itself.
  const unpinned = await listGuests({ url: simulator.url, tokenFile, signal: new AbortController().signal });
  assert.equal(unpinned.ok ? '' : unpinned.reason, 'proxmox_unreachable');
  assert.deepEqual(simulator.requests, []);
});

test('a token that others can read, that is none or that nobody knows is refused, and never told', async (t) => {
  const { simulator, tokenFile, ask } = await setUp(t, [{ token: 'other@pve!x=1' }]);
  const reasonOf = async (): Promise<string> => {
    const answer = await ask();
    assert.ok(!answer.ok);
    assert.doesNotMatch(answer.detail, /11111111/);
    return answer.reason;
  };
  assert.equal(await reasonOf(), 'token_unknown');
  const asked = simulator.requests.length;
  chmodSync(tokenFile, 0o640);
  assert.equal(await reasonOf(), 'token_readable');
  writeFileSync(tokenFile, 'root@pam:11111111\n');
  chmodSync(tokenFile, 0o600);
  assert.equal(await reasonOf(), 'token_malformed');
  rmSync(tokenFile);
  assert.equal(await reasonOf(), 'token_unreadable');
  assert.equal(simulator.requests.length, asked, 'nothing more was sent');
});

test('a guest that the token may not look into is named without an address; other answers are told', async (t) => {
  const { simulator, ask } = await setUp(t);
  const no = { kind: 'answer', status: 403, reason: 'Permission check failed' } as const;
  simulator.faults.add({ fault: no, path: /101\/config/ });
  const listed = await ask();
  assert.ok(listed.ok);
  assert.deepEqual(
    listed.value.map(({ address }) => address),
    [undefined, '192.168.20.5', undefined],
  );
  for (const [fault, reason] of [
    [{ kind: 'garbage' }, 'proxmox_answer'],
    [{ kind: 'answer', status: 500, reason: 'no' }, 'proxmox_refused'],
    [{ kind: 'huge', bytes: 5 * 1024 * 1024 }, 'proxmox_unreachable'],
    [{ kind: 'cut' }, 'proxmox_unreachable'],
  ] as const) {
    simulator.faults.add({ fault, path: /resources/ });
    const answer = await ask();
    assert.equal(answer.ok ? '' : answer.reason, reason, fault.kind);
  }
});

test('other addresses, and servers that are not there, are told', async (t) => {
  const { simulator, ask } = await setUp(t);
  for (const url of ['http://127.0.0.1:8006', 'pve1', ''])
    assert.deepEqual(((await ask({ url })) as { reason: string }).reason, 'usage', url);
  assert.equal(((await ask({ fingerprint: 'AB:CD' })) as { reason: string }).reason, 'usage');
  await simulator.powerOff();
  const off = await ask();
  assert.deepEqual([off.ok, !off.ok && off.reason, !off.ok && off.exit], [false, 'proxmox_unreachable', 4]);
});

test('fingerprints are read as programs print them', () => {
  const hex = 'ab'.repeat(32);
  const colons = hex.toUpperCase().match(/../g)!.join(':');
  for (const text of [hex, `sha256:${hex}`, colons, `sha256 Fingerprint=${colons}`, ` ${colons}\n`])
    assert.equal(readFingerprint(text), `sha256:${hex}`, text);
  assert.equal(readFingerprint('sha1:abcd'), null);
});
