import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { TokenView } from '../../schema/api/access.ts';
import type { RelayView, StatusView } from '../../schema/api/house.ts';
import { type Finding, fault, fine, notChecked, warning } from '../../schema/doctor.ts';
import type { TrustDocument } from '../../schema/trust/document.ts';
import { listed } from './text.ts';

const dayMs = 86_400_000;
const trustWarnDays = 60;
const tokenWarnDays = 14;
const unusedDays = 90;
/** What a proof's time may differ by, less what a network takes. */
const clockLimitMs = 20_000;
const clockMend = 'timedatectl on both tells which of them is not kept by a time source';

/** Keys and trust on this computer are their owner's alone. */
export function checkKeys(directory: string): Finding {
  if (!existsSync(directory)) return notChecked('files_keys', 'There are no keys on this computer.');
  const paths = [directory, ...readdirSync(directory).map((name) => join(directory, name))];
  const open = paths.filter((path) => (statSync(path).mode & 0o077) !== 0);
  return open.length === 0
    ? fine('files_keys', 'Nobody else on this computer may read the keys.')
    : fault(
        'files_keys',
        `Others on this computer may get at ${listed(open)}.`,
        `chmod -R go= ${directory}; if somebody may have read it: docs/rotate-roots.md and docs/revoke.md`,
      );
}

/** The control plane's clock against this computer's: proofs carry the time. */
export function checkClocks(status: StatusView, askedAt: number, answeredAt: number): Finding {
  const middle = (askedAt + answeredAt) / 2;
  const apart = Math.abs(status.time - middle);
  return apart <= clockLimitMs
    ? fine('clock_difference', 'This computer and the control plane have the same time.')
    : fault(
        'clock_difference',
        `This computer and the control plane are ${Math.round(apart / 1000)} s apart.`,
        clockMend,
      );
}

export function checkTrustExpiry({ version, expires }: TrustDocument, now: number): Finding {
  const days = Math.floor((Date.parse(expires) - now) / dayMs);
  const mend = 'writ trust sign, which sets a new date';
  return days < 0
    ? fault('trust_expiry', `Trust version ${version} has expired: relays do nothing.`, mend)
    : days < trustWarnDays
      ? warning('trust_expiry', `Trust version ${version} expires in ${days} days.`, mend)
      : fine('trust_expiry', `Trust version ${version} holds for ${days} days.`);
}

/** Relays that are heard of, of one version with this program, and that obey the newest trust. */
export function checkRelays(relays: readonly RelayView[], program: string, trustVersion: number): Finding[] {
  const admitted = relays.filter(({ state }) => state === 'admitted');
  const pending = relays.filter(({ state }) => state === 'pending');
  const names = (some: readonly RelayView[]): string => listed(some.map(({ name }) => name));
  const unseen = admitted.filter(({ last_seen: seen }) => seen === null);
  const other = admitted.filter(({ version }) => version !== null && version !== program);
  const behind = admitted.filter(({ trust_version: trust }) => trust !== null && trust < trustVersion);
  return [
    unseen.length === 0
      ? fine('relays_heard', `${admitted.length} relays, and each was heard of.`)
      : warning(
          'relays_heard',
          `Never heard of: ${names(unseen)}.`,
          'on that host: systemctl status writ-relay; writ-relay doctor',
        ),
    other.length === 0
      ? fine('relays_version', `All relays are of version ${program}, as this program is.`)
      : warning(
          'relays_version',
          `Of another version than ${program}: ${names(other)}.`,
          'install the package of one version everywhere',
        ),
    behind.length === 0
      ? fine('relays_trust', `All relays that were heard of obey trust version ${trustVersion}.`)
      : warning(
          'relays_trust',
          `Not at trust version ${trustVersion} yet: ${names(behind)}.`,
          'they fetch it when they poll; by hand: writ-relay trust install FILE',
        ),
    pending.length === 0
      ? fine('relays_pending', 'No relay waits for admission.')
      : warning('relays_pending', `Waiting for admission: ${names(pending)}.`, 'writ relays approve'),
  ];
}

/** Tokens that soon end, and those that nobody uses. */
export function checkTokens(tokens: readonly TokenView[], now: number): Finding[] {
  const held = tokens.filter((one) => one.revoked_at === null && one.expires_at > now);
  const ending = held.filter((one) => one.expires_at - now < tokenWarnDays * dayMs);
  const unused = held.filter((one) => now - (one.last_used_at ?? one.created_at) > unusedDays * dayMs);
  const names = (some: readonly TokenView[]): string => listed(some.map(({ name }) => name));
  return [
    ending.length === 0
      ? fine('tokens_ending', `${held.length} tokens, none of which ends within ${tokenWarnDays} days.`)
      : warning(
          'tokens_ending',
          `Ending within ${tokenWarnDays} days: ${names(ending)}.`,
          'writ tokens create makes another',
        ),
    unused.length === 0
      ? fine('tokens_unused', 'No token lies about unused.')
      : warning(
          'tokens_unused',
          `Not used for ${unusedDays} days: ${names(unused)}.`,
          'writ tokens revoke ID',
        ),
  ];
}

/** What the control plane itself says is to be looked at. */
export const checkWarnings = ({ warnings }: StatusView): Finding[] =>
  warnings.length === 0
    ? [fine('home_warnings', 'The control plane has no warning.')]
    : warnings.map((text) => warning('home_warnings', text, 'writ-relay doctor on that host tells more'));

/** Every code of what needs the control plane, where it does not answer, or not to a clock that is wrong. */
export const withoutControlPlane = ({ reason, detail }: { reason: string; detail: string }): Finding[] => [
  ...(reason === 'proof_stale'
    ? [
        fine('api_reached', 'The control plane answers.'),
        fault('clock_difference', detail.split('\n')[0]!, clockMend),
      ]
    : [
        fault('api_reached', detail, 'on its machine: systemctl status writ; journalctl -u writ -n 20'),
        notChecked('clock_difference', 'The control plane did not answer.'),
      ]),
  ...[
    'relays_heard',
    'relays_version',
    'relays_trust',
    'relays_pending',
    'tokens_ending',
    'tokens_unused',
    'home_warnings',
  ].map((code) => notChecked(code, 'The control plane did not tell.')),
];
