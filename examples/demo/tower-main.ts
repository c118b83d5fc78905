import { randomUUID } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { join } from 'node:path';
import { type Part, startPart } from './part.ts';

/*
 * A machine that really sleeps: `tower-main.ts SETUP`, a JSON text. While it is off nothing of it runs but the
 * network card, which waits for a magic packet with its MAC. Then it takes its time to boot, and starts Proxmox and
 * the relay. When Proxmox powers the node off, both are killed.
 */

export type TowerSetup = {
  readonly mac: string;
  readonly port: number;
  readonly bootMs: number;
  /** Of its Proxmox. */
  readonly directory: string;
  readonly logDirectory: string;
  /** The relay's program and arguments. */
  readonly relay: { readonly file: string; readonly args: readonly string[] };
};

/** What the tower takes. `power_on`: at once, without its boot time. `relay_from_now`: the relay is enrolled, and starts with the machine. */
export type TowerOrder =
  | { readonly order: 'power_on' }
  | { readonly order: 'relay_from_now' }
  | { readonly order: 'kill' | 'start'; readonly what: 'proxmox' | 'relay' };

/** What it tells. */
export type TowerNews =
  | { readonly news: 'listening'; readonly port: number }
  | { readonly news: 'packet' }
  | { readonly news: 'booting'; readonly boot: string }
  | { readonly news: 'proxmox'; readonly port: number; readonly pin: string }
  | { readonly news: 'up'; readonly boot: string }
  | { readonly news: 'off' }
  | { readonly news: 'child'; readonly what: 'proxmox' | 'relay'; readonly pid: number | null };

const setup = JSON.parse(process.argv[2] ?? '') as TowerSetup;
const tell = (news: TowerNews): void => void process.send?.(news);

let power: 'off' | 'booting' | 'on' = 'off';
let boot = '';
let relayEnrolled = false;
let proxmox: Part | null = null;
let relay: Part | null = null;

async function startProxmox(): Promise<void> {
  const part = startPart({
    name: 'proxmox of the tower',
    file: join(import.meta.dirname, 'proxmox-main.ts'),
    args: [setup.directory, boot],
    logFile: join(setup.logDirectory, 'tower-proxmox.log'),
    ipc: true,
  });
  proxmox = part;
  tell({ news: 'child', what: 'proxmox', pid: part.pid });
  part.onMessage((message) => {
    const powered = (message as { powered?: 'off' | 'reboot' }).powered;
    if (powered !== undefined && proxmox === part) void powerOff(powered === 'reboot');
  });
  const ready = await part.message(
    (message) => (message as { ready?: { port: number; pin: string } }).ready,
    20_000,
  );
  tell({ news: 'proxmox', ...ready });
}

function startRelay(): void {
  relay = startPart({
    name: 'relay of the tower',
    ...setup.relay,
    logFile: join(setup.logDirectory, 'relay-pve2.log'),
    // The kernel's own id is the demo machine's; a relay believes this one in a trial alone.
    env: { WRIT_BOOT_ID: boot },
  });
  tell({ news: 'child', what: 'relay', pid: relay.pid });
}

async function powerOn(bootMs: number): Promise<void> {
  if (power !== 'off') return;
  power = 'booting';
  boot = randomUUID();
  tell({ news: 'booting', boot });
  await new Promise((resolve) => setTimeout(resolve, bootMs));
  // A Proxmox that fails to come up is a machine that is on all the same.
  await startProxmox().catch(() => {});
  power = 'on';
  if (relayEnrolled) startRelay();
  tell({ news: 'up', boot });
}

async function powerOff(again: boolean): Promise<void> {
  power = 'off';
  await Promise.all([proxmox?.kill('SIGKILL'), relay?.kill('SIGKILL')]);
  proxmox = null;
  relay = null;
  tell({ news: 'off' });
  if (again) await powerOn(setup.bootMs);
}

const mac = Buffer.from(setup.mac.replaceAll(':', ''), 'hex');
const magic = Buffer.concat([Buffer.alloc(6, 0xff), ...Array<Buffer>(16).fill(mac)]);
const card = createSocket('udp4');
card.on('message', (packet) => {
  if (!packet.includes(magic)) return;
  tell({ news: 'packet' });
  if (power === 'off') void powerOn(setup.bootMs);
});
card.bind(setup.port, '127.0.0.1', () => tell({ news: 'listening', port: card.address().port }));

process.on('message', (message) => {
  const order = message as TowerOrder;
  if (order.order === 'power_on') void powerOn(0);
  else if (order.order === 'relay_from_now') {
    relayEnrolled = true;
    if (power === 'on') startRelay();
  } else if (order.order === 'kill') {
    const part = order.what === 'relay' ? relay : proxmox;
    void part?.kill('SIGKILL').then(() => tell({ news: 'child', what: order.what, pid: null }));
  } else if (power === 'on') {
    if (order.what === 'relay' && relay?.alive !== true) startRelay();
    if (order.what === 'proxmox' && proxmox?.alive !== true) startProxmox().catch(() => {});
  }
});
/** Pulls the plug. */
function end(): void {
  void Promise.all([proxmox?.kill('SIGKILL'), relay?.kill('SIGKILL')]).then(() => process.exit(0));
}
process.on('disconnect', end);
process.on('SIGTERM', end);
