import type { Attack } from '../attack.ts';

export const attack: Attack = {
  name: 'trust-announced',
  threat: 5,
  about: 'Polls speak of a newer trust document again and again, and it is never given.',
  must: 'refuse',
  async run(thief) {
    const before = thief.line.sent.filter(({ route }) => route === 'GET /v1/trust').length;
    for (let count = 0; count < 15; count += 1) await thief.answer('pve1', { trust_version: 90 + count });
    const asked = thief.line.sent.filter(({ route }) => route === 'GET /v1/trust').length - before;
    return asked > 5 ? `the relay asked ${asked} times for what it was not given` : undefined;
  },
};
