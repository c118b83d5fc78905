import type { Attack } from '../attack.ts';
import { layBait } from '../thief/bait.ts';

export const attack: Attack = {
  name: 'release-by-stolen-keys',
  threat: 1,
  about: 'A release to a guest, signed by the controller, by cloud’s relay and by a key of the thief’s.',
  must: 'refuse',
  async run(thief) {
    const { forge, loot, own } = thief;
    const digest = await layBait(thief);
    for (const by of [loot.controller, loot.cloud, own])
      await thief.order('pve2', await forge.release([{ relay: 'pve2', target: 'websvcs', digest }], by));
    await thief.order('pve1', await forge.release([{ relay: 'pve1', target: 'pve1', digest }]));
  },
};
