import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import type { FileFacts, Patient, Ran } from '../../../relay/cli/doctor/check.ts';
import { checkClock } from '../../../relay/cli/doctor/clock.ts';
import { checkFiles } from '../../../relay/cli/doctor/files.ts';
import { checkFirewall, judgeRuleset } from '../../../relay/cli/doctor/firewall.ts';
import { checkGuestAgents } from '../../../relay/cli/doctor/guests.ts';
import { checkProxmox } from '../../../relay/cli/doctor/proxmox.ts';
import { checkService } from '../../../relay/cli/doctor/service.ts';
import { checkTailnet } from '../../../relay/cli/doctor/tailnet.ts';
import { checkVersions } from '../../../relay/cli/doctor/versions.ts';
import { roles } from '../../../relay/cli/proxmox-access.ts';
import { systemDriverClock } from '../../../relay/drivers/clock.ts';
import { createHttpsClient } from '../../../relay/drivers/https-client.ts';
import { createProxmox } from '../../../relay/drivers/proxmox.ts';
import { createProxmoxRights } from '../../../relay/drivers/proxmox-rights.ts';
import { startProxmoxSimulator } from '../../support/proxmox/simulator.ts';
import { fastTime, testToken, towerGuests } from '../../support/relay.ts';
import { makeTestHome } from '../../support/relay-home.ts';
import { gives, home, programs, statesOf } from './doctor-fixture.ts';

describe('writ-relay doctor', () => {
  test('the clock', async () => {
    const { clock } = fastTime(1);
    assert.deepEqual(await statesOf(checkClock, { clock }), ['clock_synchronised ok']);
    const drifts = { ...clock, synchronised: async () => false };
    assert.deepEqual(await statesOf(checkClock, { clock: drifts }), ['clock_synchronised fault']);
  });

  test('file modes and owners', async () => {
    const files = (facts: Readonly<Record<string, FileFacts>>): Partial<Patient> => ({
      list: async (folder) => (folder.startsWith('/etc') ? ['proxmox-token'] : ['key.json']),
      stat: async (path) => facts[path] ?? { uid: 0, mode: 0o600, isFolder: false },
    });
    assert.deepEqual(await statesOf(checkFiles, files({})), ['files_state ok', 'files_credentials ok']);
    const open = files({ '/var/lib/writ-relay/key.json': { uid: 0, mode: 0o640, isFolder: false } });
    assert.deepEqual(await statesOf(checkFiles, open), ['files_state fault', 'files_credentials ok']);
    const foreign = files({
      '/etc/writ/credentials/proxmox-token': { uid: 7, mode: 0o600, isFolder: false },
    });
    assert.deepEqual(await statesOf(checkFiles, foreign), ['files_state ok', 'files_credentials fault']);
    assert.deepEqual(await statesOf(checkFiles, { ...files({}), isRoot: false }), [
      'files_state ok',
      'files_credentials not_checked',
    ]);
  });

  test('the service and its confinement', async () => {
    const shown = (changes: Readonly<Record<string, string>> = {}): Ran => {
      const values = {
        ...{ ActiveState: 'active', User: 'writ', NoNewPrivileges: 'yes', ProtectSystem: 'strict' },
        ...{ ProtectHome: 'yes', PrivateTmp: 'yes', PrivateDevices: 'yes', MemoryDenyWriteExecute: 'yes' },
        ...{ RestrictNamespaces: 'yes', CapabilityBoundingSet: '' },
        ...changes,
      };
      return gives(
        Object.entries(values)
          .map(([name, value]) => `${name}=${value}\n`)
          .join(''),
      );
    };
    const judged = (ran: Ran) => statesOf(checkService, { run: programs({ systemctl: ran }) });
    assert.deepEqual(await judged(shown()), ['service_active ok', 'service_user ok', 'service_confined ok']);
    assert.deepEqual(await judged(shown({ ActiveState: 'failed', User: '', ProtectHome: 'no' })), [
      'service_active fault',
      'service_user fault',
      'service_confined warning',
    ]);
    assert.deepEqual(await judged(null), ['service_active not_checked', 'service_confined not_checked']);
  });

  test('the tailnet’s settings', async () => {
    const judged = (prefs: object) =>
      statesOf(checkTailnet, { run: programs({ tailscale: gives(JSON.stringify(prefs)) }) });
    const good = { ShieldsUp: true, RunSSH: false, RouteAll: false, CorpDNS: false, WantRunning: true };
    const codes = ['tailnet_shields', 'tailnet_ssh', 'tailnet_routes', 'tailnet_dns'];
    assert.deepEqual(
      await judged(good),
      codes.map((code) => `${code} ok`),
    );
    assert.deepEqual(
      await judged({ ...good, ShieldsUp: false, RunSSH: true, RouteAll: true, CorpDNS: true }),
      ['tailnet_shields fault', 'tailnet_ssh fault', 'tailnet_routes warning', 'tailnet_dns warning'],
    );
    for (const run of [programs({}), programs({ tailscale: gives('no', 1) })]) {
      assert.deepEqual(
        await statesOf(checkTailnet, { run }),
        codes.map((code) => `${code} not_checked`),
      );
    }
  });

  test('the firewall', async () => {
    const link = { ip: gives('3: tailscale0: <POINTOPOINT,UP>') };
    const judged = (more: Readonly<Record<string, Ran>>, isRoot = true) =>
      statesOf(checkFirewall, { run: programs(more), isRoot });
    assert.deepEqual(await judged({}), ['firewall_tailnet not_checked']);
    assert.deepEqual(await judged(link, false), ['firewall_tailnet not_checked']);
    assert.deepEqual(await judged(link), ['firewall_tailnet fault']);
    assert.deepEqual(await judged({ ...link, nft: gives('{"nftables":[]}') }), ['firewall_tailnet fault']);

    const chain = (policy: string) => ({
      chain: { family: 'inet', table: 'filter', name: 'input', type: 'filter', hook: 'input', policy },
    });
    const rule = (...expr: object[]) => ({ rule: { family: 'inet', table: 'filter', chain: 'input', expr } });
    const from = (name: string | object) => ({
      match: { op: '==', left: { meta: { key: 'iifname' } }, right: name },
    });
    const state = (...names: string[]) => ({
      match: { op: 'in', left: { ct: { key: 'state' } }, right: { set: names } },
    });
    const port = { match: { op: '==', left: { payload: { protocol: 'tcp', field: 'dport' } }, right: 22 } };
    const [accept, drop] = [{ accept: null }, { drop: null }];
    const rulesets: readonly (readonly [string, string, ...object[]])[] = [
      ['ok', 'drop', rule(state('established', 'related'), accept), rule(from('lo'), accept)],
      ['ok', 'accept', rule(from('tailscale0'), drop)],
      ['ok', 'accept', rule(from('tailscale0'), state('new'), drop)],
      ['ok', 'accept', rule(from({ set: ['eth1', 'tailscale0'] }), drop)],
      ['fault', 'accept'],
      ['fault', 'accept', rule(from('eth0'), drop)],
      ['fault', 'drop', rule(port, accept)],
      ['fault', 'drop', rule(from('tailscale0'), accept)],
      ['fault', 'accept', rule(from('tailscale0'), port, drop)],
      ['fault', 'accept', rule(accept), rule(from('tailscale0'), drop)],
    ];
    for (const [wanted, policy, ...rules] of rulesets) {
      const text = JSON.stringify({ nftables: [{ metainfo: {} }, chain(policy), ...rules] });
      assert.equal(judgeRuleset(text).state, wanted, text);
    }
    assert.equal(judgeRuleset('nonsense').state, 'not_checked');
  });

  const narrow = {
    '/vms': [...roles.WritSee],
    '/nodes/pve2': [...roles.WritNode],
    ...Object.fromEntries([100, 102, 103, 110].map((vmid) => [`/vms/${vmid}`, [...roles.WritGuest]])),
  };

  async function tower(t: TestContext, privileges?: Readonly<Record<string, readonly string[]>>) {
    const simulator = await startProxmoxSimulator({
      node: 'pve2',
      guests: towerGuests({
        102: { running: true },
        103: { agent: { enabled: true, answersAfterMs: Infinity } },
      }),
      tokens: [{ token: testToken, ...(privileges && { privileges }) }],
      agentWaitMs: 20,
    });
    const client = createHttpsClient({ pin: simulator.pins.certificate, pinKind: 'certificate' });
    t.after(async () => {
      client.close();
      await simulator.close();
    });
    const server = { client, baseUrl: simulator.url, token: testToken, clock: systemDriverClock() };
    return {
      simulator,
      proxmox: { api: createProxmox({ ...server, node: 'pve2' }), rights: createProxmoxRights(server) },
    };
  }

  test('the token has the rights that it needs, and what must be refused is refused', async (t) => {
    const { proxmox } = await tower(t, narrow);
    assert.deepEqual(await statesOf(checkProxmox, { proxmox }), [
      'proxmox_token_rights ok',
      'proxmox_token_refused ok',
    ]);
  });

  test('a token that may more is a fault, by its own word and by trying', async (t) => {
    const wide = await tower(t);
    assert.deepEqual(await statesOf(checkProxmox, { proxmox: wide.proxmox }), [
      'proxmox_token_rights fault',
      'proxmox_token_refused fault',
    ]);
    const oneMore = await tower(t, {
      ...narrow,
      '/vms/102': [...roles.WritGuest, 'VM.GuestAgent.Unrestricted'],
    });
    assert.equal(
      (await statesOf(checkProxmox, { proxmox: oneMore.proxmox }))[0],
      'proxmox_token_rights fault',
    );
    const onAgent = Object.fromEntries(
      [100, 102, 103, 110].map((vmid) => [
        `/vms/${vmid}`,
        [...roles.WritGuest, 'VM.GuestAgent.Unrestricted'],
      ]),
    );
    const agents = await tower(t, { ...narrow, ...onAgent });
    assert.deepEqual(await statesOf(checkProxmox, { proxmox: agents.proxmox }), [
      'proxmox_token_rights fault',
      'proxmox_token_refused fault',
    ]);
    // Where trust lets somebody release to a guest, that is a right that the token needs.
    const releases = [{ action: 'release.apply', on: ['gaming'], paths: ['/etc/opt/**'] }];
    const releasing = await makeTestHome({ origins: [{ url: 'https://127.0.0.1:1' }], releases });
    const trust = releasing.trust();
    assert.deepEqual(await statesOf(checkProxmox, { proxmox: oneMore.proxmox, trust }), [
      'proxmox_token_rights ok',
      'proxmox_token_refused ok',
    ]);
    const narrower = await tower(t, narrow);
    assert.equal(
      (await statesOf(checkProxmox, { proxmox: narrower.proxmox, trust }))[0],
      'proxmox_token_rights warning',
    );
    const { '/nodes/pve2': _, ...less } = narrow;
    const lacking = await tower(t, less);
    assert.deepEqual(await statesOf(checkProxmox, { proxmox: lacking.proxmox }), [
      'proxmox_token_rights warning',
      'proxmox_token_refused ok',
    ]);
    assert.deepEqual(await statesOf(checkProxmox, { proxmox: 'proxmox_token_unreadable' }), [
      'proxmox_token_rights fault',
      'proxmox_token_refused fault',
    ]);
  });

  test('guest agents and versions', async (t) => {
    const { proxmox, simulator } = await tower(t);
    const read = async (): Promise<string> => 'ID=debian\nVERSION_ID="13"\n';
    assert.deepEqual(await statesOf(checkVersions, { proxmox, read }), [
      'version_node ok',
      'version_debian ok',
      'version_proxmox ok',
      'trust_expiry ok',
    ]);
    const late = { ...fastTime(1).clock, now: () => Date.parse(home.trust().document.expires) - 86_400_000 };
    assert.deepEqual(await statesOf(checkVersions, { nodeVersion: 'v20.11.0', clock: late }), [
      'version_node fault',
      'version_debian not_checked',
      'version_proxmox not_checked',
      'trust_expiry warning',
    ]);
    assert.deepEqual(await statesOf(checkGuestAgents, {}), ['guest_agents not_checked']);
    await proxmox.api.start({ kind: 'qemu', vmid: 100 });
    const until = Date.now() + 10_000;
    while (!(await proxmox.api.agentPing({ kind: 'qemu', vmid: 100 })).ok) assert.ok(Date.now() < until);
    assert.deepEqual(await statesOf(checkGuestAgents, { proxmox }), ['guest_agents ok']);
    await proxmox.api.stop({ kind: 'qemu', vmid: 102 });
    await proxmox.api.start({ kind: 'qemu', vmid: 103 });
    assert.deepEqual(await statesOf(checkGuestAgents, { proxmox }), ['guest_agents warning']);
    assert.deepEqual(simulator.violations, []);
  });
});
