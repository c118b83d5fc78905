import type { Attack } from '../attack.ts';

export const attack: Attack = {
  name: 'other-home',
  threat: 6,
  about: 'Orders, envelopes and authorisations of another home.',
  must: 'refuse',
  async run({ forge, order }) {
    const home = 'h_01ARZ3NDEKTSV4RRFFQ69G5FAV';
    const step = { relay: 'pve2', action: 'guest.suspend', target: 'gaming' };
    await order('pve2', await forge.intent([step], undefined, { home }));
    const paper = await forge.intent([step]);
    await order('pve2', { ...paper, authorisation: await forge.authorise(paper, undefined, { home }) });
    await order('pve2', paper, { envelope: { home } });
  },
};
