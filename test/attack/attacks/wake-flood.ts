import type { Attack } from '../attack.ts';

export const attack: Attack = {
  name: 'wake-flood',
  threat: 26,
  about:
    'Seven more orders to wake the tower, each with its own real evidence: more than six an hour must not be done.',
  async run(thief) {
    const { forge } = thief;
    for (let count = 0; count < 7; count += 1) {
      const paper = await forge.intent([{ relay: 'pve1', action: 'host.wake', target: 'pve2' }]);
      await thief.order('pve1', paper);
      const before = thief.reportOf('pve2');
      for (let look = 0; look < 40 && thief.reportOf('pve2') === before; look += 1)
        await thief.answer('pve2', { report_wanted: true });
      await thief.answer('pve1', { evidence: [thief.reportOf('pve2')!] });
      await thief.end(paper, 0, 10_000);
    }
  },
};
