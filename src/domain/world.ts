import type { hostStates } from '../../schema/api/house.ts';
import type { Trust } from '../../schema/trust/read.ts';
import { own } from '../../schema/wire/record.ts';
import type { GuestReport, Report } from '../../schema/wire/report.ts';

export type HostState = (typeof hostStates)[number];

/** A relay that has not polled for this long is silent: the longest parked poll, and time for the next. */
export const silentAfterMs = 90_000;
/** A host that said it powers off is taken for off from this long after. */
export const poweringOffMs = 60_000;

/** What is held of a relay's key. Times are this side's clock in ms. */
export type RelayRecord = {
  readonly kid: string;
  readonly name: string;
  readonly session: string | null;
  readonly sessionAt: number | null;
  readonly lastSeen: number | null;
  readonly protocol: number | null;
  readonly trustVersion: number | null;
  readonly receipts: { readonly seq: number; readonly hash: string };
  readonly report: Report | null;
  readonly reportAt: number | null;
};

/** Whether the relay's last word was that its host powers off. */
export const saidPoweringOff = (report: Report | null): boolean =>
  report?.progress.some((one) => one.phase === 'powering_off') ?? false;

/** How a host stands, and since when this side knows it so. */
export function hostState(
  relay: RelayRecord | undefined,
  now: number,
): { state: HostState; since: number | null } {
  if (relay === undefined || (relay.lastSeen === null && relay.report === null)) {
    return { state: 'unseen', since: null };
  }
  const lastSeen = Math.max(relay.lastSeen ?? 0, relay.reportAt ?? 0);
  if (saidPoweringOff(relay.report)) {
    const said = relay.reportAt ?? lastSeen;
    // A new run of the relay is a sign of life, even before its first report.
    const back = relay.sessionAt !== null && relay.sessionAt > said;
    if (!back) return { state: now - said < poweringOffMs ? 'powering_off' : 'off', since: said };
  }
  if (now - lastSeen > silentAfterMs) return { state: 'silent', since: lastSeen };
  return { state: 'awake', since: relay.sessionAt };
}

/** What planning needs to know of the house at one moment. */
export type World = {
  readonly now: number;
  readonly host: (name: string) => HostState;
  /** Null where nothing is known, such as while its host is not awake. */
  readonly guest: (name: string) => GuestReport | null;
};

/** The kid of the relay that trust admits under a name; undefined when none is. */
export function relayKid(trust: Trust, name: string): string | undefined {
  if (own(trust.document.identities, name)?.kind !== 'relay') return undefined;
  for (const [kid, identity] of trust.identities) if (identity.name === name) return kid;
  return undefined;
}

/** The world as the relays that trust admits have told it. */
export function worldOf(trust: Trust, relays: readonly RelayRecord[], now: number): World {
  const admitted = new Map<string, RelayRecord>();
  for (const relay of relays) {
    if (relayKid(trust, relay.name) === relay.kid) admitted.set(relay.name, relay);
  }
  const host = (name: string): HostState => hostState(admitted.get(name), now).state;
  return {
    now,
    host,
    guest: (name) => {
      const seat = Object.hasOwn(trust.document.house.guests, name)
        ? trust.document.house.guests[name]?.host
        : undefined;
      if (seat === undefined || host(seat) !== 'awake') return null;
      const guests = admitted.get(seat)?.report?.guests ?? {};
      return (Object.hasOwn(guests, name) ? guests[name] : undefined) ?? null;
    },
  };
}
