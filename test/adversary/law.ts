import type { House } from '../../schema/trust/document.ts';
import type { TrustGrant } from '../../schema/trust/grant.ts';
import type { Intent } from '../../schema/wire/intent.ts';
import { clockSkewMs } from '../../schema/wire/limits.ts';
import type { ReleaseOrder } from '../../schema/wire/release-order.ts';
import { testHouse } from '../support/relay-home.ts';

/**
 * What the owner allows in the adversary's home, version by version, written down by hand. The trust documents
 * are made from it; the oracle reads it with code of its own, not with the project's.
 */
export type Law = {
  readonly expires: number;
  readonly controller: readonly (TrustGrant & { readonly limit: string })[];
  /** What the operator may not order although it may order everything else. */
  readonly operatorMayNot: readonly string[];
  readonly operatorKey: 'first' | 'second';
};

/** When the relay was enrolled. */
export const dawn = Date.UTC(2026, 10, 22);
const minute = 60_000;
const far = Date.UTC(2027, 10, 22);

export const house: House = testHouse;
export const guests = Object.keys(house.guests);
/** Commands of apps that somebody may be granted. */
export const commands = [
  'websvcs/wiki/reindex',
  'websvcs/wiki/purge',
  'gaming/wiki/reindex',
  'files/wiki/purge',
];
export const commandOf = 'app.command';

const ofController = (starts: string, shutdowns: readonly string[]) => [
  { action: 'host.wake', on: ['pve2'], limit: '100/1h' },
  { action: 'host.shutdown', on: ['pve2'], limit: '2/1h' },
  { action: 'guest.start', on: ['gaming', 'devtop'], limit: starts },
  { action: 'guest.shutdown', on: [...shutdowns], limit: '3/1h' },
  { action: commandOf, on: ['websvcs/wiki/reindex'], limit: '3/1h' },
];

export const laws: readonly Law[] = [
  {
    expires: far,
    controller: ofController('3/1h', ['gaming', 'devtop']),
    operatorMayNot: ['guest.suspend@files', 'release.apply@gaming', 'app.command@websvcs/wiki/purge'],
    operatorKey: 'first',
  },
  {
    expires: far,
    controller: ofController('3/1h', ['gaming']),
    operatorMayNot: [
      'guest.stop@websvcs',
      'guest.suspend@files',
      'release.apply@files',
      'app.command@gaming/wiki/reindex',
    ],
    operatorKey: 'first',
  },
  {
    expires: dawn + 40 * minute,
    controller: ofController('4/1h', ['gaming']),
    operatorMayNot: ['guest.stop@websvcs'],
    operatorKey: 'first',
  },
  {
    expires: far,
    controller: ofController('2/30m', ['gaming', 'devtop']),
    operatorMayNot: [],
    operatorKey: 'second',
  },
];

/** What a release does to its targets; no intent may hold it. */
export const releaseOf = 'release.apply';

/** Which host does an action on a target; null where nobody does. */
export function doer(action: string, target: string): string | null {
  if (action === commandOf) return commands.includes(target) ? 'pve2' : null;
  if (action === releaseOf && (target === 'pve1' || target === 'pve2')) return target;
  if (action === 'host.wake') return target === 'pve2' ? 'pve1' : null;
  if (action.startsWith('host.')) return target === 'pve2' ? 'pve2' : null;
  return guests.includes(target) ? 'pve2' : null;
}

const takesPatience = (action: string): boolean =>
  action.startsWith('host.reboot') ||
  action.startsWith('host.shutdown') ||
  action.startsWith('guest.shutdown') ||
  action.startsWith('guest.reboot');

export const knownActions: readonly string[] = [
  'host.wake',
  'host.shutdown',
  'host.shutdown-in-use',
  'host.reboot',
  'host.reboot-in-use',
  'guest.start',
  'guest.shutdown',
  'guest.shutdown-in-use',
  'guest.stop',
  'guest.reboot',
  'guest.reboot-in-use',
  'guest.suspend',
  'guest.suspend-in-use',
  'guest.resume',
  'guest.look',
  'guest.prepare',
  commandOf,
];

function paramsFit(action: string, params: Readonly<Record<string, unknown>>): boolean {
  const names = Object.keys(params);
  if (names.length === 0) return true;
  const { timeout_s: patience } = params;
  const whole =
    typeof patience === 'number' && Number.isInteger(patience) && patience >= 10 && patience <= 600;
  return takesPatience(action) && names.length === 1 && names[0] === 'timeout_s' && whole;
}

/** Who signed an intent, for certain. */
export type Author = 'controller' | 'operator-first' | 'operator-second' | 'nobody';

/** Why this author's intent may not run now under this law; null when it may. Limits and `after` are apart. */
export function objection(
  law: Law,
  author: Author,
  home: string,
  intent: Intent,
  now: number,
): string | null {
  if (now >= law.expires) return 'trust had expired';
  if (intent.home !== home) return 'of another home';
  if (now >= intent.expires) return 'the intent had expired';
  if (intent.issued_at > now + clockSkewMs) return 'issued in the future';
  if (intent.issued_at < dawn) return 'issued before the enrolment';
  if (intent.expires - intent.issued_at > 12 * 60 * minute) return 'lives too long';
  if (author === 'nobody') return 'nobody authorised it';
  if (author !== 'controller' && author !== `operator-${law.operatorKey}`)
    return 'by a key that was replaced';
  for (const { action, target, relay, params } of intent.steps) {
    const word = `${action}@${target}`;
    if (!knownActions.includes(action)) return `there is no ${action}`;
    if (doer(action, target) !== relay) return `${word} is not for ${relay}`;
    if (!paramsFit(action, params)) return `${word} takes no such parameters`;
    if (author === 'controller') {
      const granted = law.controller.some((grant) => grant.action === action && grant.on.includes(target));
      if (!granted) return `the controller may not order ${word}`;
    } else if (law.operatorMayNot.includes(word)) {
      return `the operator may not order ${word}`;
    }
  }
  return null;
}

/**
 * Why this author's release may not be followed now under this law; null when it may. Its number is apart, and so is
 * what a workflow may.
 */
export function objectionToRelease(
  law: Law,
  author: Author | 'workflow',
  home: string,
  order: ReleaseOrder,
  now: number,
): string | null {
  if (now >= law.expires) return 'trust had expired';
  if (order.home !== home) return 'of another home';
  if (order.issued_at > now + clockSkewMs) return 'issued in the future';
  if (order.issued_at < dawn) return 'issued before the enrolment';
  for (const { target, relay } of order.parts) {
    if (doer(releaseOf, target) !== relay) return `${target} is not for ${relay}`;
  }
  if (author === 'workflow') return null;
  if (author === 'nobody') return 'nobody authorised it';
  if (author === 'controller') return 'the controller orders no releases';
  if (author !== `operator-${law.operatorKey}`) return 'by a key that was replaced';
  for (const { target } of order.parts) {
    if (law.operatorMayNot.includes(`${releaseOf}@${target}`)) return `nobody may release to ${target}`;
  }
  return null;
}

/** The count, window in ms and targets of the limit that holds for the controller. */
export function limitFor(law: Law, action: string, target: string) {
  const grant = law.controller.find((entry) => entry.action === action && entry.on.includes(target));
  if (grant === undefined) return null;
  const [count, window] = grant.limit.split('/') as [string, string];
  const windowMs = Number.parseInt(window, 10) * (window.endsWith('h') ? 60 : 1) * minute;
  return { count: Number(count), windowMs, on: grant.on };
}
