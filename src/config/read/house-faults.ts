import { actionOf, allActions } from '../../../schema/actions/index.ts';
import { type Homelab, houseFileOf } from '../../../schema/manifest/homelab.ts';
import { houseOf } from '../../../schema/manifest/house.ts';
import { didYouMean } from '../../../schema/near.ts';
import type { Path } from './yaml.ts';

export type Fault = {
  readonly path: Path;
  readonly code: string;
  readonly text: string;
  readonly suggestion?: string;
};

/** `suggestion` where a near name is known. */
export const meant = (name: string, candidates: Iterable<string>): { suggestion?: string } => {
  const near = didYouMean(name, candidates).trim();
  return near === '' ? {} : { suggestion: near };
};

/** What the shape of homelab.yaml cannot say of hosts and guests: names that stand for nothing, things that do not go together. */
export function findHouseFaults(file: Homelab): Fault[] {
  const faults: Fault[] = [];
  const hosts = Object.keys(file.hosts);
  const tell = (path: Path, code: string, text: string, more: { suggestion?: string } = {}): void => {
    faults.push({ path, code, text, ...more });
  };

  for (const [name, host] of Object.entries(file.hosts)) {
    const path = ['hosts', name];
    if (Object.hasOwn(file.guests, name)) tell(path, 'name_twice', `${name} is a host and a guest`);
    if (host.wake_via !== undefined && !Object.hasOwn(file.hosts, host.wake_via)) {
      const near = meant(host.wake_via, hosts);
      tell([...path, 'wake_via'], 'unknown_host', `there is no host ${host.wake_via}`, near);
    } else if (host.wake_via === name) {
      tell([...path, 'wake_via'], 'wakes_itself', `${name} cannot wake itself`);
    }
    if (host.wake_via !== undefined && (host.mac === undefined || host.wake_address === undefined)) {
      tell(path, 'wake_incomplete', `${name} is woken by ${host.wake_via}, so it needs mac and wake_address`);
    }
    if (host.sleeps && host.wake_via === undefined) {
      tell(path, 'wake_incomplete', `${name} sleeps, so it needs wake_via: the host that wakes it`);
    }
  }

  const seats = new Map<string, string>();
  for (const [name, guest] of Object.entries(file.guests)) {
    const path = ['guests', name];
    const host = Object.hasOwn(file.hosts, guest.host) ? file.hosts[guest.host] : undefined;
    if (host === undefined) {
      tell([...path, 'host'], 'unknown_host', `there is no host ${guest.host}`, meant(guest.host, hosts));
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
    faults.push(...findRunbookFaults(file, runbook, ['runbooks', name]));
  }
  if (faults.length === 0) {
    const house = houseOf(houseFileOf(file));
    if (!house.ok) tell([], 'house_invalid', house.detail ?? house.reason);
  }
  return faults;
}

const actionNames = allActions.map(({ type }) => type);

/** Steps whose targets are not there, or whose parameters do not fit. */
export function findRunbookFaults(file: Homelab, runbook: Homelab['runbooks'][string], above: Path): Fault[] {
  const faults: Fault[] = [];
  for (const [index, step] of runbook.steps.entries()) {
    const path = [...above, 'steps', index];
    const action = actionOf(step.action);
    if (action === undefined) {
      const near = meant(step.action, actionNames);
      faults.push({
        path: [...path, 'action'],
        code: 'unknown_action',
        text: `there is no action ${step.action}`,
        ...near,
      });
      continue;
    }
    const candidates = Object.keys(action.on === 'host' ? file.hosts : file.guests);
    if (!candidates.includes(step.target)) {
      const near = meant(step.target, candidates);
      const text = `there is no ${action.on} ${step.target}`;
      faults.push({ path: [...path, 'target'], code: `unknown_${action.on}`, text, ...near });
    } else if (!action.acceptsParams(step.params)) {
      const text = `${step.action} does not take these parameters`;
      faults.push({ path: [...path, 'params'], code: 'wrong_params', text });
    }
  }
  return faults;
}
