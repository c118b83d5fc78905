import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { GuestSpec } from '../../test/support/proxmox/options.ts';

/** The example's house file, with the tower's network card where the demo has it, and with other limits. */
export function houseText(wakeAddress: string, limit?: string): string {
  const text = readFileSync(join(import.meta.dirname, '..', 'house.yaml'), 'utf8');
  const changed = text.replace(/wake_address: .*/, `wake_address: ${wakeAddress}`);
  if (changed === text) throw new Error('the house file has no wake_address');
  return limit === undefined
    ? changed
    : changed.replace(/^limits: .*/m, `limits: { power: ${limit}, guests: ${limit} }`);
}

export const towerMac = '02:00:5e:10:00:02';

const agent = (answersAfterMs: number) => ({ agent: { enabled: true, answersAfterMs } });
const uuid = (vmid: number): string => `7c6f0b5e-0000-4000-8000-000000000${vmid}`;
const vm = (vmid: number, name: string, more: Partial<GuestSpec> = {}): GuestSpec => ({
  vmid,
  kind: 'qemu',
  name,
  uuid: uuid(vmid),
  ...agent(100),
  startMs: 50,
  shutdownMs: 100,
  ...more,
});

/** The guests of the two simulated servers, as the house file names them. */
export const simulatedGuests: Readonly<Record<'pve1' | 'pve2', readonly GuestSpec[]>> = {
  pve1: [
    vm(100, 'router', { onboot: true }),
    vm(101, 'secsvcs', { onboot: true }),
    vm(102, 'homesvcs', { onboot: true }),
  ],
  pve2: [
    vm(200, 'websvcs', { onboot: true }),
    vm(201, 'gaming', { exclusive: 'gpu0', ...agent(300) }),
    // Holds the graphics card from the moment on that the tower is on.
    vm(202, 'devtop', { exclusive: 'gpu0', onboot: true }),
    vm(203, 'macos', { agent: { enabled: false } }),
  ],
};
