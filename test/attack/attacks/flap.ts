import type { Attack } from '../attack.ts';

export const attack: Attack = {
  name: 'flap',
  threat: 26,
  about:
    'A game is paused and resumed as often as jobs go through: more than twenty times an hour must not be done.',
  async run(thief) {
    for (let batch = 0; batch < 3; batch += 1) {
      const papers = [];
      const jobs = [];
      for (let count = 0; count < 16; count += 1) {
        const action = count % 2 === 0 ? 'guest.suspend' : 'guest.resume';
        const paper = await thief.forge.intent([{ relay: 'pve2', action, target: 'gaming' }]);
        papers.push(paper);
        jobs.push(await thief.mint('pve2', paper));
      }
      await thief.answer('pve2', { jobs });
      for (const paper of papers) await thief.end(paper);
    }
  },
};
