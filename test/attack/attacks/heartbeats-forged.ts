import type { Attack } from '../attack.ts';
import type { PollParts } from '../thief/thief.ts';

export const attack: Attack = {
  name: 'heartbeats-forged',
  threat: 5,
  about: 'Heartbeats of other keys, relays, runs and polls, with an order that the controller may give.',
  must: 'refuse',
  async run(thief) {
    const { forge, loot, own } = thief;
    const paper = await forge.intent([{ relay: 'pve2', action: 'guest.suspend', target: 'gaming' }]);
    const job = await thief.mint('pve2', paper);
    // An honest one in between ends the pauses that grow with each failure.
    const refusedBeat = async (parts: PollParts): Promise<void> => {
      await thief.answer('pve2', parts);
      await thief.answer('pve2', {});
    };
    for (const beat of [{ relay: 'pve1' }, { session: forge.nonce() }, { poll: 1 }])
      await refusedBeat({ jobs: [job], beat });
    const poll = await thief.line.poll('pve2');
    for (const by of [loot.cloud, own]) {
      const heartbeat = await forge.seal('heartbeat', { home: loot.home, poll: poll?.poll }, by);
      await refusedBeat({ jobs: [job], heartbeat });
    }
  },
};
