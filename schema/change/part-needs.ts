import type { ReleaseApp, ReleasePart } from '../wire/release.ts';

/** Something that a part of a release may ask for: what it is, and whether a part does. */
type Need = { readonly what: string; in(part: ReleasePart): boolean };

const ofApps = (what: string, has: (app: ReleaseApp) => boolean): Need => ({
  what,
  in: ({ apps }) => apps.some(has),
});

/**
 * What no relay can bring about yet. A part that asks for any of it is refused as a whole, because what is left out
 * silently looks as if it were there. Whoever makes something of it work takes its line out: databases and clients of the
 * sign-in are brought by the files that their generators make; packages and users have to be there, which the relay looks at.
 */
const notYet: readonly Need[] = [ofApps('sources of packages', ({ apt }) => apt.length > 0)];

/** What a host and a container cannot be given yet, because a helper as root brings their parts. */
const notYetByHelper: readonly Need[] = [ofApps('certificates', ({ certs }) => certs.length > 0)];

/**
 * What a part asks for that cannot be done yet, in words; empty when all of it can.
 *
 * @param isVirtual whether its target is a virtual machine
 */
export const lackingFor = (part: ReleasePart, isVirtual: boolean): string[] =>
  [...notYet, ...(isVirtual ? [] : notYetByHelper)].filter((need) => need.in(part)).map(({ what }) => what);
