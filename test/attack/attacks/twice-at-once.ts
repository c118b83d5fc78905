import type { Attack } from '../attack.ts';

export const attack: Attack = {
  name: 'twice-at-once',
  threat: 10,
  about: 'One granted step in sixteen envelopes of one answer, and again afterwards: it may be done once.',
  async run(thief) {
    const { forge, scene } = thief;
    const starts = (): number =>
      scene.home
        .requests('pve2')
        .filter(
          ({ method, path, status }) =>
            method === 'POST' && path.endsWith('/203/status/start') && status !== null,
        ).length;
    const before = starts();
    const paper = await forge.intent([{ relay: 'pve2', action: 'guest.start', target: 'macos' }]);
    const jobs = [];
    for (let count = 0; count < 16; count += 1) jobs.push(await thief.mint('pve2', paper));
    await thief.answer('pve2', { jobs });
    await thief.end(paper);
    const end = await forge.intent([{ relay: 'pve2', action: 'guest.shutdown', target: 'macos' }]);
    await thief.order('pve2', end);
    await thief.end(end);
    await thief.order('pve2', paper);
    const done = starts() - before;
    return done > 1 ? `one step was done ${done} times` : undefined;
  },
};
