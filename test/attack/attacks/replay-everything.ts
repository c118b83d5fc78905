import type { Attack } from '../attack.ts';
import { homeRelays } from '../thief/thief.ts';

export const attack: Attack = {
  name: 'replay-everything',
  threat: 4,
  about: 'Every order that the owner ever signed, every step of it, to every relay, in envelopes of today.',
  must: 'refuse',
  async run(thief) {
    for (const paper of [...thief.loot.intents, ...thief.loot.releases]) {
      for (const relay of homeRelays) {
        const jobs = [];
        for (const step of [0, 1, 2]) jobs.push(await thief.mint(relay, paper, { step }));
        await thief.answer(relay, { jobs });
      }
    }
  },
};
