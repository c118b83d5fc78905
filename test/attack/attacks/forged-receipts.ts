import type { Attack } from '../attack.ts';
import { relayKid } from '../thief/loot.ts';

export const attack: Attack = {
  name: 'forged-receipts',
  threat: 9,
  about: 'The owner’s reboots come after a step that failed: receipts are forged to say that it succeeded.',
  must: 'refuse',
  async run(thief) {
    const { forge, loot, own } = thief;
    const pve1 = relayKid(loot, 'pve1');
    const signers = [
      loot.cloud,
      loot.controller,
      own,
      { kid: pve1, sign: loot.cloud.sign },
      { kid: pve1, sign: own.sign },
    ];
    for (const by of signers) {
      for (const relay of ['pve1', 'pve2', 'cloud']) {
        const { paper, step, before } = thief.forbidden();
        const receipt = await forge.receipt(relay, paper, before, by);
        await thief.order('pve1', paper, { step, receipts: [receipt] });
      }
    }
    const { paper, step } = thief.forbidden();
    await thief.order('pve1', paper, { step });
  },
};
