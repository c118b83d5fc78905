import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setUpProxmox } from '../../../relay/cli/setup-proxmox.ts';
import { systemDriverClock } from '../../../relay/drivers/clock.ts';
import { createHttpsClient } from '../../../relay/drivers/https-client.ts';
import { createProxmox } from '../../../relay/drivers/proxmox.ts';
import { readProxmoxFiles } from '../../../relay/drivers/proxmox-files.ts';
import type { Pveum } from '../../../relay/drivers/pveum.ts';
import { refuse } from '../../../schema/result.ts';
import type { House } from '../../../schema/trust/document.ts';
import { makeServerCertificate } from '../../support/proxmox/certificate.ts';
import { emptyPveum, type PveumState, runPveum, tokensOf } from '../../support/proxmox/pveum.ts';
import { startProxmoxSimulator } from '../../support/proxmox/simulator.ts';
import { towerGuests } from '../../support/relay.ts';
import { testHouse } from '../../support/relay-home.ts';

const setup = (t: TestContext) => {
  const folder = mkdtempSync(join(tmpdir(), 'writ-setup-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const state = emptyPveum();
  const ran: string[] = [];
  const out: string[] = [];
  const pveum: Pveum = async (argv) => {
    ran.push(argv.join(' '));
    const { code, out: said, err } = runPveum(state, argv);
    return code === 0 ? { ok: true, value: said } : refuse('pveum_failed', err);
  };
  const file = join(folder, 'credentials', 'proxmox-token');
  const run = (house: House = testHouse, dryRun = false, released: readonly string[] = []) => {
    const may = [{ action: 'release.apply', on: ['pve2', ...released] }];
    const document = { house, identities: { operator: { kind: 'key', jwk: {} as never, may } } } as const;
    ran.length = 0;
    out.length = 0;
    const terminal = { out: (line: string) => void out.push(line), err: () => {}, readInput: async () => '' };
    return setUpProxmox({ document, relay: 'pve2', node: 'pve2' }, { json: false, dryRun }, terminal, {
      pveum,
      tokenFile: file,
    });
  };
  const changes = (): string[] => ran.filter((line) => !line.includes(' list'));
  return { state, run, changes, out, file };
};

test('user, roles, token and rights are made, shown first, and made once', async (t) => {
  const { state, run, changes, out, file } = setup(t);
  assert.equal((await run(testHouse, true)).ok, true);
  assert.deepEqual(changes(), []);
  assert.match(out.join('\n'), /would be done:[\s\S]*start and stop gaming \(102\)/);
  assert.deepEqual(state, emptyPveum());

  assert.equal((await run()).ok, true);
  assert.ok(changes().length >= 5);
  const token = readFileSync(file, 'utf8').trim();
  assert.match(token, /^writ@pve!relay-pve2=[0-9a-f-]{36}$/);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  const secret = token.split('=')[1]!;
  assert.ok(!changes().join('\n').includes(secret) && !out.join('\n').includes(secret));
  assert.deepEqual(
    state.tokens.map(({ privsep }) => privsep),
    [true],
  );

  assert.equal((await run()).ok, true);
  assert.deepEqual(changes(), []);
  assert.match(out.join('\n'), /all is set up already/);
});

test('the token may do what a relay does, and what it need not is 403', async (t) => {
  const { state, run, file } = setup(t);
  assert.equal((await run()).ok, true);
  const strange = {
    vmid: 150,
    kind: 'qemu',
    name: 'stranger',
    uuid: '44444444-4444-4444-8444-444444444444',
  } as const;
  const simulator = await startProxmoxSimulator({
    node: 'pve2',
    guests: [...towerGuests({ 102: { running: true } }), { ...strange, running: true }],
    tokens: tokensOf(state),
    powerOffDelayMs: 10,
  });
  t.after(() => simulator.close());
  const client = createHttpsClient({ pin: simulator.pins.certificate, pinKind: 'certificate' });
  t.after(() => client.close());
  const token = readFileSync(file, 'utf8').trim();
  const proxmox = createProxmox({
    client,
    baseUrl: simulator.url,
    node: 'pve2',
    token,
    clock: systemDriverClock(),
    pollMs: 10,
  });
  const gaming = { kind: 'qemu', vmid: 102 } as const;
  const listed = await proxmox.listGuests();
  assert.ok(listed.ok && listed.value.some(({ vmid }) => vmid === strange.vmid), 'strangers are seen');
  assert.equal((await proxmox.guestIdentity(gaming)).ok, true);
  assert.equal((await proxmox.stop(gaming)).ok, true);
  assert.equal((await proxmox.start(gaming)).ok, true);
  assert.equal((await proxmox.nodeStatus()).ok, true);
  const forbidden = await proxmox.stop({ kind: 'qemu', vmid: strange.vmid });
  assert.equal(forbidden.ok ? 'done' : forbidden.reason, 'forbidden');
  assert.equal((await proxmox.nodeShutdown()).ok, true);
});

test('a guest that left the house loses its grant, and a new one gets it', async (t) => {
  const { state, run, changes } = setup(t);
  assert.equal((await run()).ok, true);
  const { gaming, ...guests } = testHouse.guests;
  const newer: House = { ...testHouse, guests: { ...guests, studio: { ...gaming!, vmid: 120 } } };
  assert.equal((await run(newer)).ok, true);
  assert.deepEqual(changes(), [
    'acl modify /vms/120 --users writ@pve --roles WritGuest --propagate 0',
    'acl modify /vms/120 --tokens writ@pve!relay-pve2 --roles WritGuest --propagate 0',
    'acl delete /vms/102 --tokens writ@pve!relay-pve2 --roles WritGuest',
  ]);
  const held = state.acl.filter(({ type }) => type === 'token').map(({ path }) => path);
  assert.ok(held.includes('/vms/120') && !held.includes('/vms/102'));
});

test('programs may be run in the guests alone that trust lets somebody release to', async (t) => {
  const { state, run, changes, out } = setup(t);
  assert.equal((await run()).ok, true);
  assert.equal(state.roles.WritRelease, undefined);
  // A container has no agent: what is done there is done by the host itself.
  assert.equal((await run(testHouse, false, ['websvcs', 'files'])).ok, true);
  assert.deepEqual(changes(), [
    'role add WritRelease --privs VM.GuestAgent.Unrestricted',
    'acl modify /vms/100 --users writ@pve --roles WritRelease --propagate 0',
    'acl modify /vms/100 --tokens writ@pve!relay-pve2 --roles WritRelease --propagate 0',
  ]);
  assert.match(out.join('\n'), /bring releases to websvcs \(100\), as root there/);
  assert.equal((await run(testHouse, false, ['websvcs'])).ok, true);
  assert.deepEqual(changes(), []);
  assert.equal((await run()).ok, true);
  assert.deepEqual(changes(), ['acl delete /vms/100 --tokens writ@pve!relay-pve2 --roles WritRelease']);
});

test('a lost secret, a token with all rights and a widened role are mended', async (t) => {
  const { state, run, changes, file } = setup(t);
  assert.equal((await run()).ok, true);
  const before = readFileSync(file, 'utf8');
  rmSync(file);
  assert.equal((await run()).ok, true);
  assert.deepEqual(
    changes()
      .slice(0, 3)
      .map((line) => line.split(' ').slice(0, 3).join(' ')),
    ['user token remove', 'user token add', 'acl modify /vms'],
  );
  const held = state.acl.filter(({ type }) => type === 'token').map(({ path }) => path);
  assert.deepEqual(held.sort(), ['/nodes/pve2', '/vms', '/vms/100', '/vms/102', '/vms/103', '/vms/110']);
  assert.notEqual(readFileSync(file, 'utf8'), before);

  state.tokens[0]!.privsep = false;
  state.roles.WritGuest!.push('VM.Allocate');
  assert.equal((await run()).ok, true);
  assert.equal(state.tokens[0]!.privsep, true);
  assert.deepEqual([...state.roles.WritGuest!].sort(), ['VM.Audit', 'VM.GuestAgent.Audit', 'VM.PowerMgmt']);
});

test('a refusal of pveum is told, and the next run goes on from there', async (t) => {
  const { state, run, file } = setup(t);
  const made: PveumState['roles'] = state.roles;
  Object.defineProperty(made, 'WritNode', {
    configurable: true,
    enumerable: false,
    get: () => [],
    set: () => {},
  });
  const refused = await run();
  assert.equal(refused.ok ? 'done' : refused.reason, 'pveum_failed');
  delete made.WritNode;
  assert.equal((await run()).ok, true);
  assert.match(readFileSync(file, 'utf8'), /^writ@pve!relay-pve2=/);
});

test('a host’s files tell its node, its key and its guests with what pins them', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'writ-pve-'));
  t.after(() => rmSync(root, { recursive: true }));
  assert.equal(await readProxmoxFiles(root, 'pve2'), null);
  const node = join(root, 'nodes', 'pve2');
  for (const name of ['qemu-server', 'lxc']) mkdirSync(join(node, name), { recursive: true });
  const certificate = await makeServerCertificate('pve2');
  writeFileSync(join(node, 'pve-ssl.pem'), certificate.certPem);
  const conf = 'agent: 1\nname: gaming\nsmbios1: base64=1,uuid=2222AAAA-2222-4222-8222-222222222222\n';
  writeFileSync(join(node, 'qemu-server', '102.conf'), `${conf}[before]\nname: old\n`);
  writeFileSync(join(node, 'qemu-server', '900.conf'), `template: 1\n${conf}`);
  writeFileSync(join(node, 'qemu-server', '103.conf'), 'name: without\n');
  writeFileSync(join(node, 'lxc', '110.conf'), 'hostname: files\nrootfs: local-lvm:vm-110-disk-0,size=8G\n');
  assert.deepEqual(await readProxmoxFiles(root, 'pve2'), {
    node: 'pve2',
    spki: certificate.pins.spki,
    guests: [
      { kind: 'qemu', vmid: 102, uuid: '2222aaaa-2222-4222-8222-222222222222', name: 'gaming' },
      { kind: 'lxc', vmid: 110, rootfs: 'local-lvm:vm-110-disk-0', name: 'files' },
    ],
  });
});
