import type { Attack } from '../attack.ts';

export const attack: Attack = {
  name: 'heartbeats-forged',
  threat: 5,
  about: 'Heartbeats of other keys, relays, runs and polls, with an order that the controller may give.',
  async run(thief) {
    const { forge, loot, own } = thief;
    const paper = await forge.intent([{ relay: 'pve2', action: 'guest.suspend', target: 'gaming' }]);
    const job = await thief.mint('pve2', paper);
    for (const beat of [{ relay: 'pve1' }, { session: forge.nonce() }, { poll: 1 }])
      await thief.answer('pve2', { jobs: [job], beat });
    const poll = await thief.line.poll('pve2');
    for (const by of [loot.cloud, own]) {
      const heartbeat = await forge.seal('heartbeat', { home: loot.home, poll: poll?.poll }, by);
      await thief.answer('pve2', { jobs: [job], heartbeat });
    }
  },
};
