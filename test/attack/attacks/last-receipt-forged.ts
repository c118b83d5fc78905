import type { Attack } from '../attack.ts';
import { relayKid } from '../thief/loot.ts';

export const attack: Attack = {
  name: 'last-receipt-forged',
  threat: 13,
  about:
    'A later receipt than the relay’s own, by other keys, so that it would think that its state was restored.',
  async run(thief) {
    const { forge, loot, own } = thief;
    const paper = await forge.intent([{ relay: 'pve2', action: 'guest.suspend', target: 'gaming' }]);
    const step = { index: 0, action: 'guest.suspend', target: 'gaming' };
    for (const by of [loot.cloud, loot.controller, own, { kid: relayKid(loot, 'pve2'), sign: own.sign }]) {
      const last_receipt = await forge.receipt('pve2', paper, step, by, { seq: 5_000 });
      await thief.answer('pve2', { last_receipt });
    }
    // It still does what the controller may order.
    await thief.order('pve2', paper);
    const end = await thief.end(paper);
    const back = await forge.intent([{ relay: 'pve2', action: 'guest.resume', target: 'gaming' }]);
    await thief.order('pve2', back);
    await thief.end(back);
    return end?.state === 'succeeded' ? undefined : 'a forged receipt stopped the relay';
  },
};
