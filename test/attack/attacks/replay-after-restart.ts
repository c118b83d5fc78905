import type { Attack } from '../attack.ts';

export const attack: Attack = {
  name: 'replay-after-restart',
  threat: 4,
  about:
    'A recorded job of a granted order, again in the relay’s next run, and under nonces of earlier runs.',
  must: 'refuse',
  async run(thief) {
    const paper = await thief.forge.intent([{ relay: 'pve2', action: 'guest.suspend', target: 'gaming' }]);
    const job = await thief.mint('pve2', paper);
    await thief.restart('pve2');
    await thief.answer('pve2', { jobs: [job] });
    for (const { session } of thief.loot.sessions) {
      const old = await thief.forge.envelope('pve2', { session, seq: 1 }, paper);
      await thief.answer('pve2', { jobs: [old] });
    }
  },
};
