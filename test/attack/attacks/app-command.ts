import type { Attack } from '../attack.ts';

export const attack: Attack = {
  name: 'app-command',
  threat: 16,
  about: 'Commands in guests, and names with what a shell would act on, under the controller’s own key.',
  must: 'refuse',
  async run({ forge, order }) {
    const targets = [
      'websvcs/web/reload',
      'websvcs/web/reload;reboot',
      'websvcs/$(reboot)/x',
      'gaming`reboot`',
      '../pve2',
    ];
    for (const target of targets) {
      await order('pve2', await forge.intent([{ relay: 'pve2', action: 'app.command', target }]));
      await order('pve2', await forge.intent([{ relay: 'pve2', action: 'guest.start', target }]));
    }
    await order('pve2', await forge.intent([{ relay: 'pve2', action: 'guest.prepare', target: 'websvcs' }]));
    await order('pve2', await forge.intent([{ relay: 'pve2', action: 'guest.look', target: 'websvcs' }]));
  },
};
