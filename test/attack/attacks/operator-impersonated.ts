import type { Attack } from '../attack.ts';
import { operatorKid } from '../thief/loot.ts';

export const attack: Attack = {
  name: 'operator-impersonated',
  threat: 6,
  about: 'Authorisations that name the operator’s key, with signatures by every key that was stolen.',
  must: 'refuse',
  async run(thief) {
    const { forge, loot, own } = thief;
    const kid = operatorKid(loot);
    for (const key of [loot.controller, loot.cloud, own]) {
      const by = { kid, sign: key.sign };
      await thief.order(
        'pve1',
        await forge.intent([{ relay: 'pve1', action: 'guest.stop', target: 'router' }], by),
      );
      await thief.order(
        'pve2',
        await forge.intent([{ relay: 'pve2', action: 'guest.stop', target: 'websvcs' }], by),
      );
    }
    for (const by of [loot.cloud, own])
      await thief.order(
        'pve1',
        await forge.intent([{ relay: 'pve1', action: 'guest.stop', target: 'router' }], by),
      );
  },
};
