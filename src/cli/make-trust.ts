import { appCommand } from '../../schema/actions/app-command.ts';
import { allActions } from '../../schema/actions/index.ts';
import type { PublicJwk } from '../../schema/jose/keys.ts';
import { type HouseFile, houseOf } from '../../schema/manifest/house.ts';
import { ok, type Result } from '../../schema/result.ts';
import {
  controllerName,
  type House,
  type Origin,
  operatorName,
  type TrustDocument,
} from '../../schema/trust/document.ts';
import type { TrustGrant } from '../../schema/trust/grant.ts';
import { machineOfTarget } from '../../schema/wire/ids.ts';
import type { EnrolmentStatement } from '../../schema/wire/relay-api.ts';
import { isCommandGrant } from './app-commands.ts';
import { isSame } from './same.ts';
import { shown } from './shown.ts';

/** About a year and a half; every new version begins anew. */
const trustLifetimeMs = 540 * 24 * 60 * 60_000;

const dateTime = (ms: number): string => new Date(ms).toISOString().replace(/\.\d{3}Z$/, 'Z');

export type FirstTrust = {
  readonly home: string;
  readonly now: number;
  readonly roots: readonly { readonly kid: string; readonly jwk: PublicJwk }[];
  readonly controller: PublicJwk;
  readonly operator: PublicJwk;
  readonly origins: readonly Origin[];
  readonly house: HouseFile;
};

/** Version 1: the controller may order what the house file calls ad hoc or sleeping, the operator everything. */
export function firstTrust(from: FirstTrust): Result<TrustDocument, 'house_invalid'> {
  const house = houseOf(from.house);
  if (!house.ok) return house;
  return ok({
    v: 1,
    home: from.home,
    version: 1,
    previous: null,
    expires: dateTime(from.now + trustLifetimeMs),
    roots: [...from.roots],
    threshold: 1,
    origins: [...from.origins],
    mirror: from.house.mirror ?? null,
    alarm: from.house.alarm ?? null,
    house: house.value,
    identities: {
      [controllerName]: { kind: 'key', jwk: from.controller, may: controllerGrants(from.house) },
      [operatorName]: { kind: 'key', jwk: from.operator, may: operatorGrants(house.value) },
    },
  });
}

/** What the control plane may order without its owner: waking, and starting and ending gracefully what is ad hoc. */
function controllerGrants(file: HouseFile): TrustGrant[] {
  const names = <T>(things: Readonly<Record<string, T>>, which: (thing: T) => boolean): string[] =>
    Object.entries(things)
      .filter(([, thing]) => which(thing))
      .map(([name]) => name);
  const sleepers = names(file.hosts, (host) => host.sleeps);
  const sleepersWithProxmox = names(file.hosts, (host) => host.sleeps && host.proxmox);
  const adHoc = names(file.guests, (guest) => guest.ad_hoc);
  const { power, guests } = file.limits;
  return [
    { action: 'host.wake', on: sleepers, limit: power },
    { action: 'host.shutdown', on: sleepersWithProxmox, limit: power },
    { action: 'guest.start', on: adHoc, limit: guests },
    { action: 'guest.shutdown', on: adHoc, limit: guests },
    { action: 'guest.suspend', on: adHoc, limit: guests },
    { action: 'guest.resume', on: adHoc, limit: guests },
  ].filter(({ on }) => on.length > 0);
}

/** What releases may touch at first: where apps keep their units, settings and files. */
export const releasePaths: readonly string[] = [
  '/etc/containers/systemd/**',
  '/etc/systemd/system/**',
  '/etc/opt/**',
  '/opt/**',
  '/srv/**',
  '/var/opt/**',
];

/** Every action on every host or guest that it can be done on; commands of apps are granted one by one. */
export function operatorGrants(house: House): TrustGrant[] {
  const targets = {
    host: Object.keys(house.hosts),
    guest: Object.keys(house.guests),
    target: [...Object.keys(house.hosts), ...Object.keys(house.guests)],
    // The house does not know what apps declare: each is granted by its full name.
    app: [],
  };
  return allActions
    .map((action) => ({
      action: action.type,
      on: targets[action.on].filter((target: string) => action.relayFor(house, target).ok),
      ...(action.on === 'target' && { paths: [...releasePaths] }),
    }))
    .filter(({ on }) => on.length > 0);
}

/** Something that the owner should see before a relay is admitted. */
export type AdmissionNote = { readonly relay: string; readonly text: string };

/**
 * The version after `current` that admits relays as they enrolled: their keys, the identities of the guests that
 * they found at the house's VMIDs, and nothing that the house did not name.
 */
export function admitRelays(
  current: { document: TrustDocument; digest: string },
  statements: readonly EnrolmentStatement[],
  now: number,
): { document: TrustDocument; notes: readonly AdmissionNote[] } {
  const document = structuredClone(current.document);
  const notes: AdmissionNote[] = [];
  for (const { relay, jwk, facts } of statements) {
    const note = (text: string): void => void notes.push({ relay, text });
    const before = document.identities[relay];
    if (before?.kind === 'relay' && before.jwk.x !== jwk.x) {
      note(`${relay} had a key already; the new one replaces it.`);
    }
    const attests = before?.kind === 'relay' ? before.attests : undefined;
    document.identities[relay] = { kind: 'relay', jwk, ...(attests !== undefined && { attests }) };

    const host = document.house.hosts[relay];
    if (host?.mac !== undefined && facts.macs.length > 0 && !facts.macs.includes(host.mac)) {
      note(
        `The house file gives ${relay} the MAC ${host.mac}, which it does not have (${facts.macs.join(', ')}).`,
      );
    }
    if (host !== undefined && host.mac === undefined && facts.macs.length === 1) host.mac = facts.macs[0];

    for (const [name, guest] of Object.entries(document.house.guests)) {
      if (guest.host !== relay) continue;
      const found = facts.guests.find(({ vmid }) => vmid === guest.vmid);
      if (found === undefined) {
        note(`${relay} has no guest with VMID ${guest.vmid}: ${name} is not adopted.`);
      } else if (found.kind !== guest.kind) {
        note(
          `VMID ${guest.vmid} on ${relay} is ${found.kind}, the house says ${guest.kind}: ${name} is not adopted.`,
        );
      } else if (guest.identity !== undefined && guest.identity !== found.identity) {
        note(
          `${name} (VMID ${guest.vmid}) is not the guest that was adopted: ${shown(found.identity)} instead of ${shown(guest.identity)}. It is left as it was, so ${relay} will refuse to touch it.`,
        );
      } else {
        guest.identity = found.identity;
      }
    }
  }
  return { document: nextVersion(document, current.digest, now), notes };
}

/**
 * The version after `current` with the house of a changed file. Keys and roots stay; a guest keeps its identity
 * where host, VMID and kind are the same. `document` is null when nothing changes that relays judge by.
 */
export function changeHouse(
  current: { document: TrustDocument; digest: string },
  file: HouseFile,
  now: number,
): Result<{ document: TrustDocument | null; notes: readonly string[] }, 'house_invalid'> {
  const house = houseOf(file);
  if (!house.ok) return house;
  const before = current.document;
  const notes: string[] = [];
  const guests = structuredClone(house.value.guests);
  for (const [name, guest] of Object.entries(guests)) {
    const old = before.house.guests[name];
    const same = old?.host === guest.host && old.vmid === guest.vmid && old.kind === guest.kind;
    if (guest.identity === undefined && same && old.identity !== undefined) guest.identity = old.identity;
    if (old === undefined)
      notes.push(`${name} is new, and not adopted until the relay of ${guest.host} enrols again.`);
    else if (!same)
      notes.push(`${name} has moved, and is not adopted until the relay of ${guest.host} enrols again.`);
  }
  const hosts = structuredClone(house.value.hosts);
  for (const [name, host] of Object.entries(hosts)) {
    const old = before.house.hosts[name];
    if (old === undefined) notes.push(`${name} is a new host: writ relays add ${name}`);
    if (host.mac === undefined && old?.mac !== undefined) host.mac = old.mac;
  }
  const gone = (names: object, still: object): string[] =>
    Object.keys(names).filter((name) => !Object.hasOwn(still, name));
  for (const name of gone(before.house.guests, guests)) notes.push(`${name} is no longer of the house.`);
  const goneHosts = gone(before.house.hosts, hosts);
  for (const name of goneHosts) notes.push(`${name} is no longer of the house: its relay is dismissed.`);

  const identities = Object.fromEntries(
    Object.entries(before.identities)
      .filter(([name, identity]) => identity.kind !== 'relay' || !goneHosts.includes(name))
      .map(([name, identity]) => {
        if (identity.kind === 'relay') return [name, identity];
        const commands = commandGrants(identity.may, { hosts, guests });
        if (name === controllerName) {
          return [name, { ...identity, may: [...controllerGrants(file), ...commands] }];
        }
        const may =
          name === operatorName
            ? [...operatorGrants({ hosts, guests }), ...commands]
            : stillThere(identity.may, { hosts, guests });
        return [name, { ...identity, may }];
      }),
  );
  const changed = {
    ...before,
    mirror: file.mirror ?? null,
    alarm: file.alarm ?? null,
    house: { hosts, guests },
    identities,
  };
  if (isSame(changed, before)) return ok({ document: null, notes });
  return ok({ document: nextVersion(changed, current.digest, now), notes });
}

/** Grants of commands of apps, which no house file says; without those on machines that the house has no more. */
const commandGrants = (may: readonly TrustGrant[], house: House): TrustGrant[] =>
  may
    .filter(isCommandGrant)
    .map((grant) => ({ ...grant, on: grant.on.filter((target) => appCommand.relayFor(house, target).ok) }))
    .filter(({ on }) => on.length > 0);

/** Grants that no house file says, without machines that the house has no more: no relay would take such a version. */
const stillThere = (may: readonly TrustGrant[], { hosts, guests }: House): TrustGrant[] =>
  may
    .map((grant) => ({
      ...grant,
      on: grant.on.filter((target) => {
        const machine = machineOfTarget(target);
        return Object.hasOwn(hosts, machine) || Object.hasOwn(guests, machine);
      }),
    }))
    .filter(({ on }) => on.length > 0);

/** The version after `current` with another control plane: its key, and where it is reached. Nothing else changes. */
export function moveControl(
  current: { document: TrustDocument; digest: string },
  to: { readonly controller: PublicJwk; readonly origins: readonly Origin[] },
  now: number,
): TrustDocument {
  const { document, digest } = current;
  const controller = document.identities[controllerName];
  if (controller?.kind !== 'key') throw new Error('a valid trust document has a controller with a key');
  const identities = { ...document.identities, [controllerName]: { ...controller, jwk: to.controller } };
  return nextVersion({ ...document, origins: [...to.origins], identities }, digest, now);
}

/** Numbers, chains and dates a changed document as the version after the one with `digest`. */
export const nextVersion = (document: TrustDocument, digest: string, now: number): TrustDocument => ({
  ...document,
  version: document.version + 1,
  previous: digest,
  expires: dateTime(now + trustLifetimeMs),
});
