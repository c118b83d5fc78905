import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { generateKey } from '../../schema/jose/keys.ts';
import type { TrustDocument } from '../../schema/trust/document.ts';
import { readHome } from '../../src/cli/home.ts';
import { type Person, type Ran, runWrit } from '../src/cli/terminal-fixture.ts';
import { startTestServer, type TestServer } from './control.ts';
import { deployHome } from './deploy-repo.ts';
import { createMemoryMachine, type MemoryMachine } from './memory-machine.ts';
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

/** Claims a control plane by the command line, admits a relay by a signed version of trust, and starts it, or later. */
export async function startDeployHome(
  t: TestContext,
  options: { readonly relay?: 'later' } = {},
): Promise<DeployHome> {
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
  writeFileSync(houseFile, house);
  await must('init', server.setupCode!, '--house', houseFile, '--trial');

  const key = await generateKey();
  const trustFile = join(folder, 'trust.json');
  const shown = await must('trust', 'show', '--json');
  const { document } = JSON.parse(shown.out) as { document: TrustDocument };
  document.identities.pve2 = { kind: 'relay', jwk: key.signing.jwk };
  document.house.guests.websvcs!.identity = '11111111-1111-4111-8111-111111111111';
  writeFileSync(trustFile, JSON.stringify(document));
  await must('trust', 'sign', '--document', trustFile, '--yes');

  const opened = await readHome(configDir);
  assert.ok(opened.ok);
  const { trust } = opened.value;
  const home = { id: trust.document.home, relays: { pve2: key }, trust: () => trust } as unknown as TestHome;
  const time = fastTime(25);
  const tower = await startTower(time, { 100: { running: true } });
  t.after(() => tower.close());
  const machine = createMemoryMachine();
  // Enrolled at once: what was signed before, a relay leaves alone.
  const stateDir = await makeRelayState(home, 'pve2', { clock: time.clock });
  let started: TestRelay | null = null;
  const startRelay = async (): Promise<TestRelay> => {
    const overrides = { proxmox: tower.proxmox, machineOf: () => machine, targetIntervalMs: 5_000 };
    const relay = await startTestRelay({ home, relay: 'pve2', time, stateDir, overrides });
    t.after(() => relay.discard());
    await relay.until('connected');
    started = relay;
    return relay;
  };
  if (options.relay !== 'later') await startRelay();

  const { 'apps/auth/app.yaml': _, 'apps/lan/app.yaml': __, ...tree } = deployHome;
  const others = ['apps/auth/auth.container', 'apps/lan/ports.txt'];
  const kept = Object.entries(tree).filter(([path]) => !others.includes(path));
  const repo = writeTree(t, { ...Object.fromEntries(kept), 'homelab.yaml': homelab });
  return {
    server,
    repo,
    configDir,
    machine,
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
