import type { Attack } from '../attack.ts';

export const attack: Attack = {
  name: 'foreign-receipts',
  threat: 9,
  about: 'The same reboots with real receipts: of other orders, of other steps, and of the step that failed.',
  must: 'refuse',
  async run(thief) {
    const real = [...thief.loot.receipts, ...thief.told].map(({ jws }) => jws);
    for (const jws of real.slice(-8)) {
      const { paper, step } = thief.forbidden();
      await thief.order('pve1', paper, { step, receipts: [jws] });
    }
    const { paper, step } = thief.forbidden();
    await thief.order('pve1', paper, { step, receipts: real.slice(-60) });
  },
};
