import type { Attack } from '../attack.ts';
import { homeRelays } from '../thief/thief.ts';

export const attack: Attack = {
  name: 'bytes-swapped',
  threat: 6,
  about: 'The operator’s real signatures over other bytes: steps added, swapped, or one letter changed.',
  must: 'refuse',
  async run(thief) {
    const { forge, loot } = thief;
    for (const paper of [...loot.intents, ...loot.releases].filter(({ signer }) => signer === 'operator')) {
      const text = Buffer.from(paper.text, 'base64url').toString();
      const bent = [
        text.replace('websvcs', 'router').replace('pve2', 'pve1'),
        text.replace('guest.shutdown', 'guest.stop'),
        text.replace(/"after":\[[^\]]+\]/, '"after":[]'),
        `${text} `,
        text.replace('{', '{"home":"h_01ARZ3NDEKTSV4RRFFQ69G5FAV",'),
      ];
      for (const one of bent) {
        const other = await forge.paperOf(paper.kind, one, loot.controller);
        for (const relay of homeRelays) {
          const swapped = { ...other, authorisation: paper.authorisation };
          await thief.answer(relay, {
            jobs: [await thief.mint(relay, swapped), await thief.mint(relay, swapped, { step: 1 })],
          });
        }
      }
    }
  },
};
