import type { Attack } from '../attack.ts';

export const attack: Attack = {
  name: 'foreign-receipts',
  threat: 9,
  about: 'The same reboot with real receipts: of other orders, and of the step that failed.',
  async run(thief) {
    const { loot } = thief;
    const paper = loot.intents.find(({ text }) => Buffer.from(text, 'base64url').includes('guest.reboot'));
    if (paper === undefined) throw new Error('the owner’s maintenance is not in the database');
    for (const { jws } of loot.receipts) await thief.order('pve1', paper, { step: 1, receipts: [jws] });
    const all = loot.receipts.map(({ jws }) => jws).slice(0, 60);
    await thief.order('pve1', paper, { step: 1, receipts: all });
  },
};
