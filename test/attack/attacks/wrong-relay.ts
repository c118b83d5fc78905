import type { Attack } from '../attack.ts';

export const attack: Attack = {
  name: 'wrong-relay',
  threat: 8,
  about: 'Jobs for pve1 that are sent to pve2, and steps that name a relay that is not the target’s.',
  must: 'refuse',
  async run(thief) {
    const { forge } = thief;
    const granted = await forge.intent([{ relay: 'pve2', action: 'guest.suspend', target: 'gaming' }]);
    await thief.order('pve1', granted);
    await thief.order('pve2', granted, { envelope: { relay: 'pve1' } });
    await thief.answer('pve1', { jobs: [await thief.mint('pve2', granted)] });
    await thief.order(
      'pve1',
      await forge.intent([{ relay: 'pve1', action: 'guest.suspend', target: 'gaming' }]),
    );
    await thief.order('pve2', await forge.intent([{ relay: 'pve2', action: 'host.wake', target: 'pve2' }]));
    await thief.order('pve1', await forge.intent([{ relay: 'cloud', action: 'host.wake', target: 'pve2' }]));
    const [release] = thief.loot.releases;
    if (release !== undefined) await thief.order('pve1', release);
  },
};
