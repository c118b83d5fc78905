import type { Attack } from '../attack.ts';

export const attack: Attack = {
  name: 'oversized-orders',
  threat: 7,
  about: 'Intents of a thousand steps, of megabytes, and envelopes with hundreds of receipts.',
  must: 'refuse',
  async run(thief) {
    const { forge, loot } = thief;
    const step = { relay: 'pve2', action: 'guest.suspend', target: 'gaming' };
    await thief.order('pve2', await forge.intent(Array.from({ length: 1_000 }, () => step)));
    await thief.order('pve2', await forge.intent([step], undefined, { nonce: 'n'.repeat(1024 * 1024) }));
    const deep = JSON.parse(`${'{"a":'.repeat(200)}1${'}'.repeat(200)}`) as Record<string, unknown>;
    await thief.order('pve2', await forge.intent([{ ...step, params: deep }]));
    const [receipt] = loot.receipts;
    const receipts = Array.from({ length: 500 }, () => receipt?.jws ?? '');
    await thief.order('pve2', await forge.intent([step]), { receipts });
    await thief.order('pve2', await forge.intent([step]), { step: 64 });
    await thief.order('pve2', await forge.intent([step]), { step: -1 });
  },
};
