import type { Attack } from '../attack.ts';

export const attack: Attack = {
  name: 'crash-and-replay',
  threat: 10,
  about: 'A relay is cut off right as it begins a granted step, and is given the same step again.',
  async run(thief) {
    const { forge, scene } = thief;
    const starts = (): number =>
      scene.home
        .requests('pve2')
        .filter(
          ({ method, path, status }) =>
            method === 'POST' && path.endsWith('/203/status/start') && status === null,
        ).length;
    const before = starts();
    const paper = await forge.intent([{ relay: 'pve2', action: 'guest.start', target: 'macos' }]);
    await thief.order('pve2', paper);
    await thief.restart('pve2');
    await thief.order('pve2', paper);
    await thief.end(paper);
    const end = await forge.intent([{ relay: 'pve2', action: 'guest.shutdown', target: 'macos' }]);
    await thief.order('pve2', end);
    await thief.end(end);
    await thief.order('pve2', paper);
    const done = starts() - before;
    return done > 1 ? `one step was done ${done} times` : undefined;
  },
};
