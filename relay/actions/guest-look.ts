import { guestPackages } from '../../schema/actions/guest-look.ts';
import type { RelayAction } from './action.ts';
import { failedBy, interrupted } from './guest.ts';
import { seeGuest } from './see-guest.ts';

export const guestLook: RelayAction = {
  async act(ctx) {
    const seen = await seeGuest(ctx);
    if (!seen.ok) return failedBy(seen);
    const { lacks } = seen.value;
    const result = Object.fromEntries(guestPackages.map((name) => [name, !lacks.includes(name)]));
    return { state: 'succeeded', result };
  },
  /** Whoever still wants to know looks again. */
  observe: async () => interrupted,
};
