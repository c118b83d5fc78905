import type { Attack } from '../attack.ts';

export const attack: Attack = {
  name: 'after-dropped',
  threat: 9,
  about:
    'The same reboot as the first step of a new intent, under the old signature and under the controller’s.',
  async run(thief) {
    const { forge, loot } = thief;
    const old = loot.intents.find(({ text }) => Buffer.from(text, 'base64url').includes('guest.reboot'));
    if (old === undefined) throw new Error('the owner’s maintenance is not in the database');
    const alone = await forge.intent([{ relay: 'pve1', action: 'guest.reboot', target: 'router' }]);
    await thief.order('pve1', { ...alone, authorisation: old.authorisation });
    await thief.order('pve1', alone);
    await thief.order('pve1', old, { step: 0 });
    await thief.order('pve1', old, { step: 63 });
  },
};
