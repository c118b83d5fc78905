import * as v from 'valibot';
import { defineAction, noParams } from './action.ts';

/** Debian's packages that releases need on a guest. The last two are only recommended by those that need them. */
export const guestPackages = ['podman', 'age', 'qemu-guest-agent', 'aardvark-dns', 'catatonit'] as const;
export type GuestPackage = (typeof guestPackages)[number];

const isThere = v.boolean();

export const guestLook = defineAction({
  type: 'guest.look',
  title: 'Look at what a guest lacks for releases; nothing is changed',
  risk: 'low',
  params: noParams,
  /** Which of the packages are there. */
  result: v.strictObject({
    podman: isThere,
    age: isThere,
    'qemu-guest-agent': isThere,
    'aardvark-dns': isThere,
    catatonit: isThere,
  }),
  doneBy: 'own relay',
  hostLock: 'shared',
  inUse: 'does not matter',
  verb: 'look at',
  done: (result) => {
    const lacks = guestPackages.filter((name) => result[name] === false).length;
    return lacks === 0
      ? 'has all that releases need'
      : `has been looked at; it lacks ${lacks} of what releases need`;
  },
});
