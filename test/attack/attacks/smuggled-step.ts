import type { Attack } from '../attack.ts';

export const attack: Attack = {
  name: 'smuggled-step',
  threat: 1,
  about:
    'A granted step in front of ungranted ones, in one intent: the whole is authorised or nothing of it.',
  must: 'refuse',
  async run({ forge, order }) {
    const granted = { relay: 'pve2', action: 'guest.suspend', target: 'gaming' };
    const paper = await forge.intent([
      granted,
      { relay: 'pve2', action: 'guest.stop', target: 'websvcs' },
      { relay: 'pve1', action: 'guest.stop', target: 'router', after: [{ step: 0, if: 'ended' }] },
    ]);
    await order('pve2', paper, { step: 0 });
    await order('pve2', paper, { step: 1 });
    await order('pve1', paper, { step: 2 });
  },
};
