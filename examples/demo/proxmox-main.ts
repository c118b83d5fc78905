import { appendFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer, request as httpsRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type GuestCall, runInside } from '../../test/support/memory-guest.ts';
import { createMemoryMachine } from '../../test/support/memory-machine.ts';
import { makeServerCertificate, type ServerCertificate } from '../../test/support/proxmox/certificate.ts';
import type { GuestSpec } from '../../test/support/proxmox/options.ts';
import { startProxmoxSimulator } from '../../test/support/proxmox/simulator.ts';

/*
 * One simulated Proxmox VE server as a process of its own: `proxmox-main.ts DIR BOOT`. As on a real host, the
 * HTTPS front (pveproxy) has a certificate that survives restarts, and killing it kills no guest: which guests run
 * is kept in a file, for as long as BOOT, the id of the machine's boot, is the same.
 */

/** What DIR/proxmox.json says. */
export type ProxmoxSetup = {
  readonly node: string;
  readonly token: string;
  readonly guests: readonly GuestSpec[];
  /** VMIDs of guests in which agents run programs; what they are told is a JSON line each in DIR/inside.jsonl. */
  readonly inside: readonly number[];
};

/** One request, as it came in and as it was answered, a JSON line each in DIR/requests.jsonl. */
export type LoggedRequest = {
  readonly at: number;
  readonly method: string;
  readonly path: string;
  /** Null when it came in. */
  readonly status: number | null;
  /** How the body began, of what changes something, once it was answered. */
  readonly body?: string;
};

/** What a program in a guest was told to do. */
export type LoggedCall = { readonly at: number; readonly vmid: number } & GuestCall;

type State = {
  readonly boot: string;
  readonly running: readonly number[];
  readonly port: number;
  /** The node was told to go down: it does, even if this process is killed in the meantime. */
  readonly goingDown: 'off' | 'reboot' | null;
};

const [directory, boot] = process.argv.slice(2) as [string, string];
const at = (name: string): string => join(directory, name);
const readJson = <T>(name: string): T | null => {
  try {
    return JSON.parse(readFileSync(at(name), 'utf8')) as T;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
};
const writeJson = (name: string, value: unknown): void => {
  writeFileSync(at(`${name}.new`), JSON.stringify(value), { mode: 0o600 });
  renameSync(at(`${name}.new`), at(name));
};

const appendLine = (name: string, line: LoggedRequest | LoggedCall): void =>
  appendFileSync(at(name), `${JSON.stringify(line)}\n`);

const setup = readJson<ProxmoxSetup>('proxmox.json')!;
const certificate =
  readJson<ServerCertificate>('certificate.json') ?? (await makeServerCertificate(setup.node));
writeJson('certificate.json', certificate);
const before = readJson<State>('state.json');
const sameBoot = before?.boot === boot;

/** Lasts as long as this process: a guest in memory forgets its files with its host. */
function withInside(guest: GuestSpec): GuestSpec {
  const { vmid, agent } = guest;
  if (agent === undefined || !setup.inside.includes(vmid)) return guest;
  const machine = createMemoryMachine(guest.name);
  const tell = (call: GuestCall): void => appendLine('inside.jsonl', { at: Date.now(), vmid, ...call });
  return { ...guest, agent: { ...agent, exec: runInside(machine, tell) } };
}

const simulator = await startProxmoxSimulator({
  node: setup.node,
  tokens: [{ token: setup.token }],
  guests: setup.guests.map(withInside).map((guest) => {
    if (!sameBoot) return guest;
    const { onboot: _, ...spec } = guest;
    return { ...spec, running: before.running.includes(guest.vmid) };
  }),
  powerOffDelayMs: 50,
  onPowerOff: () => leave('off'),
  onReboot: () => leave('reboot'),
});

let goingDown: State['goingDown'] = null;

const front = createServer({ cert: certificate.certPem, key: certificate.keyPem }, (incoming, outgoing) => {
  const path = (incoming.url ?? '/').split('?')[0]!.replace(/^\/api2\/json/, '');
  const method = incoming.method ?? 'GET';
  const log = (status: number | null): void => {
    const isAnswered = status !== null && method !== 'GET';
    const line = { at: Date.now(), method, path, status, ...(isAnswered && { body }) };
    appendLine('requests.jsonl', line);
  };
  let body = '';
  log(null);
  const inner = httpsRequest(
    {
      host: '127.0.0.1',
      port: simulator.port,
      method,
      path: incoming.url,
      headers: incoming.headers,
      ca: simulator.certPem,
      // Its certificate is for addresses; the name that was asked for is the front's.
      checkServerIdentity: () => undefined,
    },
    (answer) => {
      log(answer.statusCode ?? 0);
      if (method === 'POST' && path === `/nodes/${setup.node}/status` && answer.statusCode === 200) {
        goingDown = body.includes('command=reboot') ? 'reboot' : 'off';
        keep();
      }
      outgoing.writeHead(answer.statusCode ?? 502, answer.statusMessage, answer.headers);
      answer.pipe(outgoing);
      answer.on('error', () => outgoing.destroy());
    },
  );
  inner.on('error', () => outgoing.destroy());
  incoming.on('data', (chunk: Buffer) => {
    if (body.length < 1_000) body += chunk.toString('latin1');
  });
  incoming.pipe(inner);
});
front.on('tlsClientError', () => {});
// Longer than its clients keep a connection, so that none is closed under a request.
front.keepAliveTimeout = 60_000;
await new Promise<void>((resolve, reject) => {
  front.once('error', reject);
  front.listen(before?.port ?? 0, '127.0.0.1', resolve);
});
const { port } = front.address() as AddressInfo;

const keep = (): void =>
  writeJson('state.json', {
    boot,
    port,
    goingDown,
    running: simulator.guests.filter(({ running }) => running).map(({ spec }) => spec.vmid),
  } satisfies State);
keep();
/** Writes down which guests run, each time that changes. */
async function watch(kind: 'guest_started' | 'guest_stopped' | 'guest_cut'): Promise<never> {
  for (;;) {
    await simulator.nextEvent(kind);
    keep();
  }
}
void watch('guest_started');
void watch('guest_stopped');
void watch('guest_cut');

if (sameBoot && before.goingDown !== null) leave(before.goingDown);
process.send?.({ ready: { port, pin: certificate.pins.certificate } });
// Whoever started it is gone: so is the machine.
process.on('disconnect', () => process.exit(0));

function leave(how: 'off' | 'reboot'): void {
  process.send?.({ powered: how }, () => process.exit(0));
}
