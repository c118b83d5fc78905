import type { Attack } from '../attack.ts';

export const attack: Attack = {
  name: 'clock-tricks',
  threat: 12,
  about: 'Heartbeats from yesterday and tomorrow, envelopes that live for ever, intents of before and after.',
  must: 'refuse',
  async run(thief) {
    const { forge } = thief;
    const day = 24 * 60 * 60_000;
    const step = { relay: 'pve2', action: 'guest.suspend', target: 'gaming' };
    for (const exp of [Date.now() - 1, Date.now() + day, Number.MAX_SAFE_INTEGER, -1, 0.5])
      await thief.order('pve2', await forge.intent([step]), { envelope: { exp } });
    for (const [issued_at, expires] of [
      [Date.now() - day, Date.now() - day + 600_000],
      [Date.now() + day, Date.now() + day + 600_000],
      [Date.now() - 1_000, Date.now() + day],
      [Date.now() - day, Date.now() + 60_000],
      [0, 1],
    ]) {
      await thief.order('pve2', await forge.intent([step], undefined, { issued_at, expires }));
    }
    for (const time of [Date.now() - day, Date.now() + day]) {
      const job = await thief.mint('pve2', await forge.intent([step]));
      await thief.answer('pve2', { jobs: [job], beat: { time } });
    }
  },
};
