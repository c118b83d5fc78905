import { type Homelab, houseFileOf } from '../../../schema/manifest/homelab.ts';
import { houseOf } from '../../../schema/manifest/house.ts';
import { notRunYet } from '../../../schema/manifest/runbook.ts';
import { type Fault, meant, type TellFault } from './fault.ts';
import { findRunbookFaults } from './runbook-faults.ts';
import { findSectionFaults } from './section-faults.ts';

/**
 * What the shape of homelab.yaml cannot say of hosts and guests: names that stand for nothing, things that do not go
 * together.
 *
 * @param whole whether it is all that the file says
 */
export function findHouseFaults(file: Homelab, whole: boolean): Fault[] {
  const faults: Fault[] = [];
  const hosts = Object.keys(file.hosts);
  const tell: TellFault = (path, code, text, more = {}) => {
    faults.push({ path, code, text, ...more });
  };

  for (const [name, host] of Object.entries(file.hosts)) {
    const path = ['hosts', name];
    if (Object.hasOwn(file.guests, name)) tell(path, 'name_twice', `${name} is a host and a guest`);
    if (host.wake_via !== undefined && !Object.hasOwn(file.hosts, host.wake_via)) {
      const near = meant(host.wake_via, hosts, ['hosts']);
      tell([...path, 'wake_via'], 'unknown_host', `there is no host ${host.wake_via}`, near);
    } else if (host.wake_via === name) {
      tell([...path, 'wake_via'], 'wakes_itself', `${name} cannot wake itself`);
    }
    if (host.wake_via !== undefined && (host.mac === undefined || host.wake_address === undefined)) {
      tell(
        path,
        'wake_incomplete',
        `${name} is woken by ${host.wake_via}, so it needs mac and wake_address`,
        { unless: [`${name}.mac`, `${name}.wake_address`] },
      );
    }
    if (host.sleeps && host.wake_via === undefined) {
      tell(path, 'wake_incomplete', `${name} sleeps, so it needs wake_via: the host that wakes it`, {
        unless: [`${name}.wake_via`],
      });
    }
  }

  const seats = new Map<string, string>();
  for (const [name, guest] of Object.entries(file.guests)) {
    const path = ['guests', name];
    const host = Object.hasOwn(file.hosts, guest.host) ? file.hosts[guest.host] : undefined;
    if (host === undefined) {
      tell(
        [...path, 'host'],
        'unknown_host',
        `there is no host ${guest.host}`,
        meant(guest.host, hosts, ['hosts']),
      );
    } else if (!host.proxmox) {
      tell([...path, 'host'], 'no_proxmox', `${guest.host} has no Proxmox, so no guest can be on it`);
    }
    const seat = `${guest.host}/${guest.vmid}`;
    const other = seats.get(seat);
    if (other !== undefined) {
      const text = `${other} has VMID ${guest.vmid} on ${guest.host} already`;
      tell([...path, 'vmid'], 'vmid_twice', text);
    }
    seats.set(seat, name);
  }

  for (const [name, runbook] of Object.entries(file.runbooks)) {
    findRunbookFaults(file, runbook, ['runbooks', name], tell);
  }
  findSectionFaults(file, tell);
  const runs = Object.values(file.runbooks).every((runbook) => notRunYet(runbook).length === 0);
  if (whole && runs && faults.every(({ severity }) => severity === 'warning')) {
    const house = houseOf(houseFileOf(file));
    if (!house.ok) tell([], 'house_invalid', house.detail ?? house.reason);
  }
  return faults;
}
