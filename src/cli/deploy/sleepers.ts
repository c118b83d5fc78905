import type { StatusView } from '../../../schema/api/house.ts';
import type { House } from '../../../schema/trust/document.ts';
import { own } from '../../../schema/wire/record.ts';
import { byText } from '../../config/repo.ts';
import { relayOf } from '../../config/secrets/reported.ts';
import { listed } from '../text.ts';

/** What is off, and stands between a release and its targets. */
export type Sleepers = {
  /** Hosts that are off and can be woken, sorted. */
  readonly hosts: readonly string[];
  /** Targets on such a host, of which nobody knows whether they start with it; and those that are off on one that is on. */
  readonly guests: readonly string[];
  /** What is off and stays so, and why; a sentence each. */
  readonly notes: readonly string[];
};

/** Says what has to be woken for a release to reach its targets. The rest runs, or its relay says what is wrong. */
export function findSleepers(
  house: House,
  { hosts, guests }: Pick<StatusView, 'hosts' | 'guests'>,
  targets: readonly string[],
): Sleepers {
  const toWake = new Set<string>();
  const toStart: string[] = [];
  const notes = new Set<string>();
  for (const target of targets) {
    const host = relayOf(house, target);
    if (host === undefined) continue;
    const isGuest = own(house.guests, target) !== undefined;
    const state = hosts.find(({ name }) => name === host)?.state ?? 'unseen';
    if (state === 'powering_off') {
      notes.add(`${host} goes off just now, and is not woken: run the command again once it is off.`);
    } else if (state !== 'awake') {
      const { wake_via, sleeps } = own(house.hosts, host)!;
      if (wake_via === undefined)
        notes.add(`${host} is not there, and trust names nobody who could wake it.`);
      else if (!sleeps) notes.add(`${host} is not there, and is not woken: by trust it does not sleep.`);
      else {
        toWake.add(host);
        if (isGuest) toStart.push(target);
      }
    } else if (isGuest) {
      const seen = guests.find(({ name }) => name === target)?.state;
      if (seen === 'stopped') toStart.push(target);
      if (seen === 'paused') notes.add(`${target} is suspended, and stays so: writ resume ${target}.`);
    }
  }
  return { hosts: [...toWake].sort(byText), guests: toStart.sort(byText), notes: [...notes] };
}

/** What will be done for it, for whoever is asked. */
export function sleepersText({ hosts, guests, notes }: Sleepers): string[] {
  const lines: string[] = [];
  if (hosts.length > 0)
    lines.push(`${listed(hosts)}: woken for it, and put back to sleep afterwards unless in use by then`);
  if (guests.length > 0)
    lines.push(`${listed(guests)}: started for it if off, and shut down afterwards unless in use by then`);
  return [...lines, ...notes];
}
