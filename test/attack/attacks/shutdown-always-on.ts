import type { Attack } from '../attack.ts';

export const attack: Attack = {
  name: 'shutdown-always-on',
  threat: 1,
  about:
    'The controller’s own signature under shutdowns, reboots and power cuts of guests that are always on.',
  must: 'refuse',
  async run({ forge, order }) {
    for (const action of [
      'guest.shutdown',
      'guest.stop',
      'guest.reboot',
      'guest.suspend',
      'guest.shutdown-in-use',
    ]) {
      await order('pve1', await forge.intent([{ relay: 'pve1', action, target: 'router' }]));
      await order('pve2', await forge.intent([{ relay: 'pve2', action, target: 'websvcs' }]));
    }
  },
};
