import type { Attack } from '../attack.ts';

export const attack: Attack = {
  name: 'crash-and-replay',
  threat: 10,
  about:
    'A relay is cut off in the middle of a granted step, and is given the same step again, in every way.',
  async run(thief) {
    const { forge, scene } = thief;
    const packets = (): number => scene.home.towerNews.filter(({ news }) => news === 'packet').length;
    const before = packets();
    const paper = await forge.intent([{ relay: 'pve1', action: 'host.wake', target: 'pve2' }]);
    await thief.order('pve1', paper);
    for (let look = 0; look < 200 && packets() === before; look += 1) await pause(20);
    await thief.restart('pve1');
    await thief.order('pve1', paper);
    const jobs = [];
    for (let count = 0; count < 8; count += 1) jobs.push(await thief.mint('pve1', paper));
    await thief.answer('pve1', { jobs });
    // A report of today ends what the first one began.
    const report = thief.reportOf('pve2');
    for (let look = 0; look < 40 && thief.reportOf('pve2') === report; look += 1)
      await thief.answer('pve2', { report_wanted: true });
    await thief.answer('pve1', { evidence: [thief.reportOf('pve2')!] });
    await thief.end(paper);
    await thief.order('pve1', paper);
    const sent = packets() - before;
    return sent > 1 ? `a step that was cut off was begun again: ${sent} packets` : undefined;
  },
};

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
