import type { Attack } from '../attack.ts';
import { relayKid } from '../thief/loot.ts';

export const attack: Attack = {
  name: 'forged-receipts',
  threat: 9,
  about:
    'The owner’s reboot of the router comes after a step that failed: receipts are forged to say that it succeeded.',
  async run(thief) {
    const { forge, loot, own } = thief;
    const paper = loot.intents.find(({ text }) => Buffer.from(text, 'base64url').includes('guest.reboot'));
    if (paper === undefined) throw new Error('the owner’s maintenance is not in the database');
    const step = { index: 0, action: 'guest.shutdown', target: 'labvm' };
    const pve2 = relayKid(loot, 'pve2');
    const signers = [
      loot.cloud,
      loot.controller,
      own,
      { kid: pve2, sign: loot.cloud.sign },
      { kid: pve2, sign: own.sign },
    ];
    for (const by of signers) {
      for (const relay of ['pve2', 'cloud']) {
        const receipt = await forge.receipt(relay, paper, step, by);
        await thief.order('pve1', paper, { step: 1, receipts: [receipt] });
      }
    }
    await thief.order('pve1', paper, { step: 1 });
  },
};
