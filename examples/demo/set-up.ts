import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseSetupCode } from '../../schema/api/access.ts';
import type { Home } from './home.ts';
import { houseText } from './house.ts';
import type { Ran } from './run-cli.ts';

export type Owned = {
  readonly spki: string;
  /** Of the phone, and the curl line that `writ tokens create` printed. */
  readonly token: string;
  readonly curl: string;
};

/** What the demo's phone may do. */
export const phoneScopes = [
  'status',
  'run@start-gaming',
  'run@machine-learning',
  'host.wake@pve2',
  'host.shutdown@pve2',
  'guest.start@gaming',
  'guest.shutdown@gaming',
];

const relayNames = ['cloud', 'pve1', 'pve2'] as const;

/** Takes the home from nothing to ready, through the same programs that an owner uses. `say` hears each step. */
export async function setUp(
  home: Home,
  say: (text: string) => void,
  options: {
    /** How often the control plane may order one thing; the example's own limits when absent. */
    readonly limit?: string;
    /** In place of the example's house, with the tower's network card at this address. */
    house?(wakeAddress: string): string;
  } = {},
): Promise<Owned> {
  say('Starting the control plane, two Proxmox servers and the tower');
  await Promise.all([home.start('proxmox-pve1'), home.start('tower'), home.start('api')]);
  home.pressPower();
  const codeLine = await home.line('api', (line) => line.includes('writ-setup.'), 10_000);
  const code = /writ-setup\.\S+/.exec(codeLine)![0];
  const setup = parseSetupCode(code);
  if (!setup.ok) throw new Error(`writ serve printed no setup code: ${setup.detail}`);

  say('Making keys and the first trust document: writ init --trial');
  const houseFile = join(home.directory, 'house.yaml');
  writeFileSync(houseFile, options.house?.(home.wakeAddress) ?? houseText(home.wakeAddress, options.limit));
  await writ(home, ['init', '-', '--trial', '--house', houseFile], { input: code });

  say('Enrolling three relays: writ relays add, writ-relay enroll, writ relays approve');
  const added = await writ(home, ['relays', 'add', ...relayNames]);
  const { codes } = added as { codes: { relay: string; code: string }[] };
  await home.towerIs('on', 30_000);
  await Promise.all(codes.map(({ relay, code }) => enrol(home, relay, code)));
  await Promise.all([home.start('relay-cloud'), home.start('relay-pve1')]);
  home.enrolTower();
  await writ(home, ['relays', 'approve', '--yes']);

  say('Making a token for the phone: writ tokens create');
  const scopes = phoneScopes.flatMap((scope) => ['--scope', scope]);
  const created = await writ(home, ['tokens', 'create', 'phone', ...scopes]);
  const { token, curl } = created as { token: string; curl: string };
  if (setup.value.spki === null) throw new Error('the control plane has no key to pin');
  return { spki: setup.value.spki, token, curl };
}

/** Runs `writ … --json` and gives what it printed; throws unless it exits with one of `exits`. */
export async function writ(
  home: Home,
  args: readonly string[],
  { exits = [0], input = '' }: { exits?: readonly number[]; input?: string } = {},
): Promise<unknown> {
  const ran = await home.writ([...args, '--json'], input);
  if (!exits.includes(ran.exit)) throw new Error(`writ ${args.slice(0, 2).join(' ')}: ${told(ran)}`);
  return JSON.parse(ran.out) as unknown;
}

const told = ({ exit, out, err }: Ran): string => `exit ${exit}: ${err}${out}`.trim();

async function enrol(home: Home, relay: string, code: string): Promise<void> {
  const args = ['enroll', '-', '--state', home.relayDirectory(relay), '--trial'];
  if (relay === 'pve1' || relay === 'pve2') {
    const proxmox = home.proxmox(relay);
    if (proxmox === null) throw new Error(`the Proxmox of ${relay} does not run`);
    args.push('--proxmox', `https://127.0.0.1:${proxmox.port}`, '--proxmox-node', relay);
    args.push('--proxmox-token-file', home.proxmoxTokenFile, '--proxmox-fingerprint', proxmox.pin);
  }
  const ran = await home.writRelay(args, code);
  if (ran.exit !== 0) throw new Error(`writ-relay enroll of ${relay}: ${told(ran)}`);
}
