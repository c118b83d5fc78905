import { houseText, simulatedGuests } from '../../../examples/demo/house.ts';
import type { GuestSpec } from '../../support/proxmox/options.ts';

/** Somebody is logged in there all the time, and its VMID. */
const labvm = 204;

/** Always on: what the owner's maintenance would reboot. */
const onPve1 = ['router', 'secsvcs', 'homesvcs'] as const;

/** The guests of the example's house, and one that is in use. */
export const attackedGuests: Readonly<Record<'pve1' | 'pve2', readonly GuestSpec[]>> = {
  pve1: simulatedGuests.pve1,
  pve2: [
    ...simulatedGuests.pve2,
    {
      vmid: labvm,
      kind: 'qemu',
      name: 'labvm',
      uuid: `7c6f0b5e-0000-4000-8000-000000000${labvm}`,
      agent: { enabled: true, answersAfterMs: 100 },
      users: [{ user: 'alice' }],
      onboot: true,
      startMs: 50,
      shutdownMs: 100,
    },
  ],
};

/**
 * The example's house, as its owner would write it in the first hour, with an alarm that avoids the control plane, and
 * with a runbook whose first step fails, so that
 * the many after it are signed and never done.
 */
export function attackedHouse(wakeAddress: string, alarmUrl: string): string {
  const text = houseText(wakeAddress)
    .replace(/^ {2}macos: .*$/m, `$&\n  labvm: { host: pve2, vmid: ${labvm}, order: 40, in_use: sessions }`)
    .replace(
      /^runbooks:$/m,
      [
        '$&',
        '  maintenance:',
        '    title: Maintenance of the router',
        '    steps:',
        '      - { action: guest.shutdown, target: labvm }',
        ...Array.from(
          { length: 50 },
          (_, at) => `      - { action: guest.reboot, target: ${onPve1[at % 3]} }`,
        ),
      ].join('\n'),
    );
  return `${text}\nalarm: { ntfy: ${alarmUrl} }\n`;
}
