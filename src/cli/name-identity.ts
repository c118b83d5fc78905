import * as v from 'valibot';
import { didYouMean } from '../../schema/near.ts';
import {
  controllerName,
  operatorName,
  standingName,
  type TrustDocument,
} from '../../schema/trust/document.ts';
import { pathPatternSchema } from '../../schema/trust/path-pattern.ts';
import { nameSchema } from '../../schema/wire/ids.ts';
import { unsigned } from './change-trust.ts';
import { releasePaths } from './make-trust.ts';
import type { Failure } from './outcome.ts';

/** Whether an identity of this kind may get a name in trust, in place of one of its kind or of none. */
export function judgeName(
  { identities, house, roots }: TrustDocument,
  name: string,
  kind: 'key' | 'github',
  replace: boolean,
): { ok: true } | Failure {
  if (!v.is(nameSchema, name)) {
    return unsigned(`${name} is no name: small letters, digits and hyphens, such as deploy.`);
  }
  const isTaken =
    name === operatorName ||
    name === controllerName ||
    name === standingName ||
    Object.hasOwn(house.hosts, name) ||
    roots.some(({ kid }) => kid === name);
  const there = Object.hasOwn(identities, name) ? identities[name] : undefined;
  if (isTaken || (there !== undefined && there.kind !== kind)) {
    return unsigned(
      `${name} is the name of another in trust already. Choose one of its own.`,
      'identity_exists',
    );
  }
  return there === undefined || replace
    ? { ok: true }
    : unsigned(
        `Trust names ${name} already: writ trust show tells it. Add --replace to put this in its place.`,
        'identity_exists',
      );
}

/** The patterns that were named, or those that releases may touch at first. */
export function pathsOf(named: readonly string[]): { ok: true; value: string[] } | Failure {
  const bad = named.find((path) => !v.is(pathPatternSchema, path));
  return bad === undefined
    ? { ok: true, value: [...new Set(named.length > 0 ? named : releasePaths)] }
    : unsigned(`${bad} is no path such as /etc/opt/**, with * or ** as a whole part.`);
}

/** Why a machine takes no release of a workflow; null where it does: an adopted virtual machine. */
export function judgeVirtual({ house }: TrustDocument, target: string): Failure | null {
  const guest = Object.hasOwn(house.guests, target) ? house.guests[target] : undefined;
  if (Object.hasOwn(house.hosts, target) || guest?.kind === 'lxc') {
    const what = guest === undefined ? 'a host' : 'a container (LXC)';
    return unsigned(
      `${target} is ${what}: what changes it goes through its host’s root helper, which has no network and cannot ask GitHub for its keys. A workflow releases to virtual machines alone; release to ${target} from your desk, by writ deploy.`,
      'github_not_here',
    );
  }
  if (guest === undefined) {
    const virtual = Object.keys(house.guests).filter((name) => house.guests[name]?.kind === 'qemu');
    const star = /[*?]/.test(target) ? ' There are no wildcards: name each machine.' : '';
    return unsigned(`There is no guest ${target}.${star || didYouMean(target, virtual)}`, 'target_unknown');
  }
  return guest.identity === undefined
    ? unsigned(
        `${target} is not adopted yet, and no relay would touch it. Enrol the relay of ${guest.host} (anew): writ relays add ${guest.host}.`,
        'guest_not_adopted',
      )
    : null;
}
