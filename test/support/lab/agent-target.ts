import assert from 'node:assert/strict';
import type { ActivateDeps, Activation } from '../../../relay/deploy/activate.ts';
import { systemDriverClock } from '../../../relay/drivers/clock.ts';
import { createHttpsClient } from '../../../relay/drivers/https-client.ts';
import { createAgentExec } from '../../../relay/drivers/proxmox-exec.ts';
import { createProxmoxHttp } from '../../../relay/drivers/proxmox-http.ts';
import type { Machine } from '../../../relay/machine/machine.ts';
import { createRemoteMachine } from '../../../relay/machine/remote-machine.ts';
import type { Release } from '../../../schema/wire/release.ts';
import { startProxmoxSimulator } from '../proxmox/simulator.ts';
import { makeBusyImage } from './busy-image.ts';
import { activateOver } from './engine-over.ts';
import { makeVm, type Vm } from './vm.ts';

const token = 'writ@pve!relay=6f1c2a4e-9d0b-4c1e-8a57-000000000001';
const guest = { kind: 'qemu', vmid: 101 } as const;

/** A virtual machine as its Proxmox VE host shows it: the API is simulated, the machine and its agent are not. */
export type AgentTarget = {
  readonly vm: Vm;
  /** By way of the API and the agent. */
  readonly machine: Machine;
  /** Runs a program by the agent alone; throws what it printed unless it exits with 0. */
  must(argv: readonly string[]): Promise<string>;
  /** Activates the part of `websvcs`. */
  activate(release: Release, at?: ActivateDeps['at']): Promise<Activation>;
  /** How many programs something ran there by the API, and how long it took. */
  count<T>(
    work: () => Promise<T>,
  ): Promise<{ readonly value: T; readonly programs: number; readonly ms: number }>;
  close(): Promise<void>;
};

export async function startAgentTarget(): Promise<AgentTarget> {
  const vm = await makeVm();
  let programs = 0;
  const simulator = await startProxmoxSimulator({
    node: 'pve1',
    guests: [
      {
        ...guest,
        name: 'websvcs',
        uuid: 'x',
        running: true,
        agent: {
          enabled: true,
          exec(argv, stdin) {
            programs += 1;
            return vm.exec(argv, stdin);
          },
        },
      },
    ],
    tokens: [{ token }],
    // What the oldest servers take.
    maxBodyBytes: 65_536,
  });
  const client = createHttpsClient({ pin: simulator.pins.spki });
  const clock = systemDriverClock();
  const http = createProxmoxHttp({ client, baseUrl: simulator.url, token, clock });
  const machine = createRemoteMachine('websvcs', createAgentExec(http, 'pve1', guest, clock));
  const close = async (): Promise<void> => {
    client.close();
    await simulator.close();
    await vm.close();
  };
  const must: AgentTarget['must'] = async (argv) => {
    const end = await vm.exec(argv, '');
    assert.equal(end.code, 0, `${argv.join(' ')}: ${end.stdout}${end.stderr}`);
    return end.stdout;
  };
  try {
    await vm.boot();
    await makeBusyImage(must);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    vm,
    machine,
    must,
    activate: (release, at) => activateOver(machine, release, at),
    async count(work) {
      const [before, begun] = [programs, performance.now()];
      const value = await work();
      return { value, programs: programs - before, ms: Math.round(performance.now() - begun) };
    },
    close,
  };
}
