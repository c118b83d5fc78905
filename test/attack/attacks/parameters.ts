import type { Attack } from '../attack.ts';

export const attack: Attack = {
  name: 'parameters',
  threat: 33,
  about: 'Granted actions with parameters that would force, hurry or overrule.',
  must: 'refuse',
  async run({ forge, order }) {
    const all: Record<string, unknown>[] = [
      { force: true },
      { forceStop: 1 },
      { even_if_in_use: true },
      { timeout_s: 0 },
      { timeout_s: -1 },
      { timeout_s: 1e9 },
      { timeout_s: '30' },
      { skiplock: 1 },
      { vmid: 100 },
      { host: 'pve1' },
      JSON.parse('{"__proto__":{"force":true}}') as Record<string, unknown>,
    ];
    for (const params of all) {
      for (const action of ['guest.shutdown', 'guest.suspend', 'guest.start'])
        await order('pve2', await forge.intent([{ relay: 'pve2', action, target: 'gaming', params }]));
    }
  },
};
