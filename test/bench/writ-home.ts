import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../../relay/agent/clock.ts';
import { createHttpsClient, type HttpsClient } from '../../relay/drivers/https-client.ts';
import type { HouseFile } from '../../schema/manifest/house.ts';
import type { House } from '../../schema/trust/document.ts';
import { type Callers, callersOf } from '../support/claimed-server.ts';
import { makeRelayState } from '../support/relay.ts';
import { testHouse } from '../support/relay-home.ts';
import { uuidOf } from './instant-proxmox.ts';
import { type Part, startPart } from './part.ts';

/** Guests of the bench's tower, so that many commands can be under way at once. */
export const guestCount = 48;

const guests: House['guests'] = Object.fromEntries(
  Array.from({ length: guestCount }, (_, index) => [
    `guest${index}`,
    {
      host: 'pve2',
      kind: 'qemu' as const,
      vmid: 100 + index,
      identity: uuidOf(100 + index),
      exclusive: [],
      order: 50,
      in_use: 'never' as const,
      agent: false,
    },
  ]),
);
/** The tower never sleeps here: a wake would be part of a command's plan. */
const hosts = { ...testHouse.hosts, pve2: { title: 'the tower', proxmox: true, sleeps: false } };
const idleHost = { proxmox: false, sleeps: false };
const houseFile: HouseFile = {
  v: 1,
  hosts,
  guests: Object.fromEntries(
    Object.entries(guests).map(([name, guest]) => [name, { ...guest, ad_hoc: true }]),
  ),
  runbooks: {},
  limits: { power: '6/1h', guests: '99999/1m' },
};

/** How a command's document says that it did. */
export const succeeded = '"state":"succeeded"';

/** A phone on one kept connection. */
export type Phone = {
  /** Starts a guest and resolves once the relay's receipt says that it runs. */
  start(guest: string): Promise<void>;
  /** Orders it once, whatever the answer; in words why there is none. */
  order(guest: string, key: string): Promise<{ readonly status: number; readonly text: string } | string>;
  close(): void;
};

export type WritHome = {
  readonly callers: Callers;
  /** The control plane's process; another one after a restart. */
  server: Part;
  readonly relay: Part;
  readonly folder: string;
  phone(): Phone;
  /** Ends the control plane, by asking it or by a power cut, and starts it again over its data. */
  restart(how: 'asked' | 'cut'): Promise<void>;
  stop(): Promise<void>;
};

export type WritHomeOptions = {
  readonly folder: string;
  /** Words before the relay's and the server's command line. */
  readonly underServer?: readonly string[];
  readonly underRelay?: readonly string[];
  /** Further relays that trust names. */
  readonly parked?: readonly string[];
};

const file = (name: string): string => join(import.meta.dirname, name);

/** A control plane and a relay, each a process of its own, and callers of them. */
export async function startWritHome(options: WritHomeOptions): Promise<WritHome> {
  const folder = await mkdtemp(join(options.folder, 'writ-'));
  const server = await startPart(file('serve-main.ts'), [join(folder, 'api')], {
    ...(options.underServer && { under: options.underServer }),
  });
  const idle = Object.fromEntries((options.parked ?? []).map((name) => [name, idleHost]));
  const { origin, setupCode } = JSON.parse(server.ready) as { origin: string; setupCode: string };
  const callers = await callersOf(() => origin, setupCode, {
    house: { hosts: { ...hosts, ...idle }, guests },
    houseFile: { ...houseFile, hosts: { ...hosts, ...idle } },
    ...(options.parked && { relays: ['pve1', 'pve2', ...options.parked] }),
    controllerMay: [{ action: 'guest.start', on: Object.keys(guests), limit: '99999/1m' }],
  });
  const claimed = await callers.claim();
  if (claimed.status !== 200) throw new Error(`not claimed: ${claimed.text}`);
  const stateDir = await makeRelayState(callers.home, 'pve2', {
    dir: join(folder, 'relay'),
    clock: systemClock(),
  });
  const relay = await startPart(file('relay-main.ts'), [stateDir], {
    ...(options.underRelay && { under: options.underRelay }),
  });
  const { token } = await callers.makeToken(Object.keys(guests).map((guest) => `guest.start@${guest}`));
  const { port } = new URL(origin);
  const running: WritHome = {
    callers,
    server,
    relay,
    folder,
    phone: () =>
      phoneOf(
        createHttpsClient({ ...(callers.setup.spki !== null && { pin: callers.setup.spki }) }),
        origin,
        token,
      ),
    async restart(how) {
      if (how === 'cut') process.kill(running.server.pid, 'SIGKILL');
      await running.server.stop();
      running.server = await startPart(file('serve-main.ts'), [join(folder, 'api'), port]);
    },
    async stop() {
      await relay.stop();
      await running.server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
  return running;
}

function phoneOf(client: HttpsClient, origin: string, token: string): Phone {
  const order: Phone['order'] = async (guest, key) => {
    const answer = await client.request({
      method: 'POST',
      url: `${origin}/v1/guests/${guest}/start?wait=30`,
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        'idempotency-key': key,
      },
      body: '{}',
      timeoutMs: 40_000,
      maxBytes: 1024 * 1024,
    });
    return answer.ok ? { status: answer.status, text: Buffer.from(answer.body).toString() } : answer.reason;
  };
  return {
    order,
    async start(guest) {
      const answer = await order(guest, randomUUID());
      if (typeof answer === 'string' || answer.status !== 200 || !answer.text.includes(succeeded)) {
        throw new Error(`${guest} was not started: ${JSON.stringify(answer)}`);
      }
    },
    close: () => client.close(),
  };
}
