import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { WakeOnLan } from '../../relay/drivers/wake-on-lan.ts';
import type { Machine } from '../../relay/machine/machine.ts';
import { generateKey } from '../../schema/jose/keys.ts';
import type { TrustDocument } from '../../schema/trust/document.ts';
import { readHome } from '../../src/cli/home.ts';
import { type Person, type Ran, runWrit } from '../src/cli/terminal-fixture.ts';
import { startTestServer, type TestServer } from './control.ts';
import { deployHome } from './deploy-repo.ts';
import { createMemoryMachine, type MemoryMachine } from './memory-machine.ts';

import type { GuestSpec } from './proxmox/options.ts';
import type { ProxmoxSimulator } from './proxmox/simulator.ts';
import { fastTime, makeRelayState, startTestRelay, startTower, type TestRelay } from './relay.ts';

import type { TestHome } from './relay-home.ts';
import { writeTree } from './repo-fixture.ts';

const house = [
  'v: 1',
  'hosts: { pve2: { title: the tower } }',
  'guests: { websvcs: { host: pve2, vmid: 100 } }',
  'runbooks: {}',
  'limits: { power: 6/1h, guests: 20/1h }',
  '',
].join('\n');

/** The same, where pve1 wakes the tower, which sleeps; somebody who is logged in uses gaming. */
const sleepingHouse = [
  'v: 1',
  'hosts:',
  '  pve1: { proxmox: false }',
  '  pve2: { title: the tower, mac: 02:00:00:00:00:02, wake_via: pve1, wake_address: 127.0.0.1, sleeps: true }',
  'guests:',
  '  websvcs: { host: pve2, vmid: 100 }',
  '  gaming: { host: pve2, vmid: 102, ad_hoc: true, in_use: sessions }',
  'runbooks: {}',
  'limits: { power: 6/1h, guests: 20/1h }',
  '',
].join('\n');

const homelab = [
  'v: 1',
  'site: { domain: example.net }',
  'networks: { lan: { subnet: 192.168.20.0/24 } }',
  'hosts: { pve2: { address: 192.168.20.2, network: lan } }',
  'guests: { websvcs: { host: pve2, vmid: 100, address: 192.168.20.12, network: lan } }',
  'access: { admins: { groups: admins } }',
  'generators: { haproxy: { on: false }, traefik: { on: false } }',
  '',
].join('\n');

/** The owner's computer, a real control plane and a real relay, whose guest websvcs is in memory. */
export type DeployHome = {
  readonly server: TestServer;
  readonly repo: string;
  readonly configDir: string;
  readonly machine: MemoryMachine;
  /** The Proxmox of pve2. */
  readonly tower: ProxmoxSimulator;
  /** Starts the relay of pve2, and waits until it is connected. */
  startRelay(): Promise<TestRelay>;
  /** The relay that was started last. */
  relay(): TestRelay;
  edit(path: string, text: string): void;
  writ(words: readonly string[], person?: Person): Promise<Ran>;
  /** `writ deploy --yes --wait` of the repo. */
  deploy(...words: string[]): Promise<Ran>;
  /** What a command says, once it says that. */
  until(words: readonly string[], says: RegExp): Promise<string>;
};

export type DeployHomeOptions = {
  readonly relay?: 'later';
  /** The tower sleeps until the relay of pve1 sends it a packet, and its relay then starts: booted then, or long ago. */
  readonly tower?: 'off' | 'silent';
  /** What websvcs is inside, in place of `machine`. */
  readonly inside?: Machine;
  /** websvcs and gaming share a device. */
  readonly sharing?: true;
  /** Guests of the tower by VMID, as they are other than usual: websvcs runs. */
  readonly guests?: Readonly<Record<number, Partial<GuestSpec>>>;
};

/** Claims a control plane by the command line, admits a relay by a signed version of trust, and starts it, or later. */
export async function startDeployHome(t: TestContext, options: DeployHomeOptions = {}): Promise<DeployHome> {
  const folder = mkdtempSync(join(tmpdir(), 'writ-deploy-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const configDir = join(folder, 'owner');
  const writ = (words: readonly string[], person: Person = {}): Promise<Ran> =>
    runWrit([...words, '--config', configDir], person);
  const must = async (...words: string[]): Promise<Ran> => {
    const ran = await writ(words);
    assert.equal(ran.exit, 0, `writ ${words.join(' ')}: ${ran.err}`);
    return ran;
  };
  const server = await startTestServer(t);
  const houseFile = join(folder, 'house.yaml');
  writeFileSync(houseFile, options.tower === undefined ? house : sleepingHouse);
  await must('init', server.setupCode!, '--house', houseFile, '--trial');

  const keys = { pve1: await generateKey(), pve2: await generateKey() };
  const trustFile = join(folder, 'trust.json');
  const shown = await must('trust', 'show', '--json');
  const { document } = JSON.parse(shown.out) as { document: TrustDocument };
  for (const name of Object.keys(document.house.hosts) as (keyof typeof keys)[])
    document.identities[name] = { kind: 'relay', jwk: keys[name].signing.jwk };
  const uuids: Readonly<Record<string, string>> = { websvcs: '1', gaming: '2' };
  for (const [name, guest] of Object.entries(document.house.guests)) {
    if (options.sharing) guest.exclusive = ['gpu0'];
    guest.identity = 'nnnnnnnn-nnnn-4nnn-8nnn-nnnnnnnnnnnn'.replaceAll('n', uuids[name]!);
  }
  writeFileSync(trustFile, JSON.stringify(document));
  await must('trust', 'sign', '--document', trustFile, '--yes');

  const opened = await readHome(configDir);
  assert.ok(opened.ok);
  const { trust } = opened.value;
  const home = { id: trust.document.home, relays: keys, trust: () => trust } as unknown as TestHome;
  // Where guests start and end, more happens at once: a busy machine must not take an app's time to come up.
  const time = fastTime(options.guests === undefined && options.tower === undefined ? 25 : 4);
  const tower = await startTower(time, { 100: { running: true }, ...options.guests });
  t.after(() => tower.close());
  const machine = createMemoryMachine();
  const other = createMemoryMachine();
  // Enrolled at once: what was signed before, a relay leaves alone.
  const stateDir = await makeRelayState(home, 'pve2', { clock: time.clock });
  let started: TestRelay | null = null;
  const startRelay = async (): Promise<TestRelay> => {
    const bootedAt = time.clock.uptimeMs();
    const clock =
      options.tower === 'off'
        ? { ...time.clock, uptimeMs: () => time.clock.uptimeMs() - bootedAt }
        : time.clock;
    const overrides = {
      proxmox: tower.proxmox,
      machineOf: (name: string) => (name === 'websvcs' ? (options.inside ?? machine) : other),
      targetIntervalMs: 5_000,
      clock,
    };
    const relay = await startTestRelay({ home, relay: 'pve2', time, stateDir, overrides });
    t.after(() => relay.discard());
    await relay.until('connected');
    started = relay;
    return relay;
  };
  if (options.tower !== undefined) {
    let waking: Promise<TestRelay> | undefined;
    const wake: WakeOnLan = {
      async send() {
        waking ??= startRelay();
        await waking;
        return { ok: true, value: null };
      },
    };
    const pve1 = await startTestRelay({ home, relay: 'pve1', time, overrides: { wake } });
    t.after(() => pve1.discard());
    await pve1.until('connected');
  } else if (options.relay !== 'later') await startRelay();

  const { 'apps/auth/app.yaml': _, 'apps/lan/app.yaml': __, ...tree } = deployHome;
  const others = ['apps/auth/auth.container', 'apps/lan/ports.txt'];
  const kept = Object.entries(tree).filter(([path]) => !others.includes(path));
  const repo = writeTree(t, { ...Object.fromEntries(kept), 'homelab.yaml': homelab });
  return {
    server,
    repo,
    configDir,
    machine,
    tower: tower.simulator,
    startRelay,
    relay: () => started!,
    edit: (path, text) => writeFileSync(join(repo, path), text),
    writ,
    deploy: (...words) => writ(['deploy', '--repo', repo, '--yes', '--wait', ...words]),
    async until(words, says) {
      for (;;) {
        const ran = await writ(words);
        if (says.test(ran.out)) return ran.out;
      }
    },
  };
}

/** A file of the repo as it is. */
export const textOf = ({ repo }: Pick<DeployHome, 'repo'>, path: string): string =>
  readFileSync(join(repo, path), 'utf8');
