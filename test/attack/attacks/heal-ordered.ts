import type { Attack } from '../attack.ts';
import { layBait } from '../thief/bait.ts';

export const attack: Attack = {
  name: 'heal-ordered',
  threat: 1,
  about:
    'What relays do by themselves alone, ordered under every key that the thief has, and beside what is granted.',
  must: 'refuse',
  async run(thief) {
    const { forge, loot, own, order } = thief;
    const heal = {
      relay: 'pve2',
      action: 'release.heal',
      target: 'websvcs',
      params: { part: await layBait(thief) },
    };
    for (const by of [loot.controller, loot.cloud, own]) await order('pve2', await forge.intent([heal], by));
    const granted = { relay: 'pve2', action: 'guest.suspend', target: 'gaming' };
    const both = await forge.intent([granted, heal]);
    await order('pve2', both, { step: 0 });
    await order('pve2', both, { step: 1 });
  },
};
