import type { Attack } from '../attack.ts';

export const attack: Attack = {
  name: 'granted-order',
  threat: 1,
  about: 'The controller pauses a game, which it may: what is executed has to be seen.',
  must: 'execute',
  async run(thief) {
    const paper = await thief.forge.intent([{ relay: 'pve2', action: 'guest.suspend', target: 'gaming' }]);
    await thief.order('pve2', paper);
    const end = await thief.end(paper);
    if (end?.state !== 'succeeded') throw new Error(`it ended as ${end?.state} ${end?.code ?? ''}`);
    const back = await thief.forge.intent([{ relay: 'pve2', action: 'guest.resume', target: 'gaming' }]);
    await thief.order('pve2', back);
    await thief.end(back);
  },
};
