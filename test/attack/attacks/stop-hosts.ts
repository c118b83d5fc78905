import type { Attack } from '../attack.ts';

export const attack: Attack = {
  name: 'stop-hosts',
  threat: 1,
  about:
    'The controller’s own signature under shutdowns and reboots of hosts that stay on, or that are in use.',
  must: 'refuse',
  async run({ forge, order }) {
    for (const action of ['host.shutdown', 'host.shutdown-in-use', 'host.reboot', 'host.reboot-in-use']) {
      await order('pve1', await forge.intent([{ relay: 'pve1', action, target: 'pve1' }]));
      // host.shutdown of the tower is granted, but somebody is logged in on one of its guests.
      await order('pve2', await forge.intent([{ relay: 'pve2', action, target: 'pve2' }]));
    }
  },
};
