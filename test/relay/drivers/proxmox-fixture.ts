import type { TestContext } from 'node:test';
import { type DriverClock, systemDriverClock } from '../../../relay/drivers/clock.ts';
import { createHttpsClient } from '../../../relay/drivers/https-client.ts';
import { createProxmox, type ProxmoxDeps } from '../../../relay/drivers/proxmox.ts';
import { startCheckedSimulator } from '../../support/proxmox/checked.ts';
import type { GuestSpec, SimulatorOptions } from '../../support/proxmox/options.ts';
import { type RawAnswer, startRawStub } from '../../support/proxmox/raw-stub.ts';

export const token = 'writ@pve!relay=6f1c2a4e-9d0b-4c1e-8a57-000000000001';

export const gaming = { kind: 'qemu', vmid: 102 } as const;
export const devtop = { kind: 'qemu', vmid: 103 } as const;
export const websvcs = { kind: 'lxc', vmid: 201 } as const;

/** The tower of the homelab: two VMs that share a GPU, and a container. */
export const tower: readonly GuestSpec[] = [
  {
    ...gaming,
    name: 'gaming',
    uuid: '1F0E2D3C-4B5A-4697-8877-665544332211',
    agent: { enabled: true, answersAfterMs: 0 },
    exclusive: 'gpu0',
  },
  {
    ...devtop,
    name: 'devtop',
    uuid: '2f0e2d3c-4b5a-4697-8877-665544332211',
    agent: { enabled: true },
    users: [{ user: 'ann', domain: 'DEVTOP' }, { user: 'root' }],
    running: true,
    exclusive: 'gpu0',
  },
  { ...websvcs, name: 'websvcs', running: true },
];

/** A driver against a checked simulator of the tower. */
export async function setUpTower(
  t: TestContext,
  more: { readonly simulator?: Partial<SimulatorOptions>; readonly driver?: Partial<ProxmoxDeps> } = {},
) {
  const simulator = await startCheckedSimulator(t, {
    node: 'pve2',
    guests: tower,
    tokens: [{ token }],
    ...more.simulator,
  });
  const client = createHttpsClient({ pin: simulator.pins.spki });
  t.after(() => client.close());
  const proxmox = createProxmox({
    client,
    baseUrl: simulator.url,
    node: 'pve2',
    token,
    clock: systemDriverClock(),
    pollMs: 5,
    ...more.driver,
  });
  return { simulator, client, proxmox };
}

/** A driver against a server that says literally what the test wrote. */
export async function setUpStub(
  t: TestContext,
  answer: (request: string) => RawAnswer,
  driver: Partial<ProxmoxDeps> = {},
) {
  const stub = await startRawStub(answer);
  const client = createHttpsClient({ pin: stub.pins.spki });
  t.after(() => {
    client.close();
    return stub.close();
  });
  const clock = instantClock();
  const proxmox = createProxmox({
    client,
    baseUrl: stub.url,
    node: 'pve',
    token,
    clock,
    pollMs: 1_000,
    ...driver,
  });
  return { stub, proxmox, clock };
}

/** A clock on which only sleeping takes time, and none of ours. */
export function instantClock(): DriverClock & { readonly sleeps: number[] } {
  let now = 0;
  const sleeps: number[] = [];
  return {
    sleeps,
    monotonicMs: () => now,
    sleep(ms) {
      sleeps.push(ms);
      now += ms;
      return Promise.resolve();
    },
  };
}
