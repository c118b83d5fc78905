import type { Place, Tell } from '../finding.ts';
import { type Cidr, cidrsOverlap, holds, ipKey, parseCidr, parseIp } from '../ip.ts';
import type { Machine } from '../machine.ts';
import { sectionOf } from '../names.ts';
import {
  type Assigned,
  all,
  excludeEachOther,
  last,
  lastValue,
  placeOf,
  resourceName,
  type Unit,
} from '../unit.ts';

type Net = { readonly unit: Unit; readonly subnets: readonly { cidr: Cidr; at: Assigned }[] };

/** Subnets that overlap, gateways and addresses outside of theirs, and one address twice. */
export function judgeAddresses(machine: Machine, tell: Tell): void {
  const nets = new Map<string, Net>();
  for (const unit of machine.units.values()) {
    if (unit.name.kind !== 'network') continue;
    const subnets = all(unit, 'Network', 'Subnet').flatMap((at) => {
      const cidr = parseCidr(at.value);
      return cidr === null ? [] : [{ cidr, at }];
    });
    nets.set(unit.name.unit, { unit, subnets });
    judgeNetwork(unit, tell);
  }
  judgeOverlaps([...nets.values()], tell);
  const holders = new Map<string, { readonly what: string; readonly unit: Unit }>();
  for (const net of nets.values()) {
    for (const gateway of all(net.unit, 'Network', 'Gateway')) {
      const ip = parseIp(gateway.value);
      if (ip !== null) {
        const what = `the gateway of ${net.unit.name.unit}`;
        holders.set(`${net.unit.name.unit} ${ipKey(ip)}`, { what, unit: net.unit });
      }
    }
  }
  for (const unit of machine.units.values()) {
    for (const { network, text, place } of staticAddresses(unit)) {
      const ip = parseIp(text);
      if (ip === null) continue;
      const net = nets.get(network);
      const same = net?.subnets.filter(({ cidr }) => cidr.version === ip.version) ?? [];
      if (same.length > 0 && !same.some(({ cidr }) => holds(cidr, ip))) {
        tell(
          place,
          'address_outside',
          `${text} is not in ${same.map(({ at }) => at.value).join(' or ')} of ${network}`,
        );
      }
      const key = `${network} ${ipKey(ip)}`;
      const holder = holders.get(key);
      if (holder !== undefined && !excludeEachOther(holder.unit, unit)) {
        tell(place, 'address_twice', `${holder.what} has ${text} already`);
      }
      holders.set(key, { what: unit.file.file, unit });
    }
  }
}

function judgeNetwork(unit: Unit, tell: Tell): void {
  const subnets = all(unit, 'Network', 'Subnet');
  for (const [index, at] of subnets.entries()) {
    const subnet = parseCidr(at.value);
    if (subnet === null) continue;
    const gateway = all(unit, 'Network', 'Gateway')[index];
    const range = all(unit, 'Network', 'IPRange')[index];
    const ends = (range?.value ?? '').split('-').map((end) => parseCidr(end) ?? parseIp(end));
    for (const [one, ips] of [
      [gateway, [parseIp(gateway?.value ?? '')]],
      [range, ends],
    ] as const) {
      if (one === undefined || ips.every((ip) => ip === null || holds(subnet, ip))) continue;
      tell(placeOf(one), 'address_outside', `${one.value} is not in the subnet ${at.value}`);
    }
  }
}

function judgeOverlaps(nets: readonly Net[], tell: Tell): void {
  // A driver such as macvlan shares the home's subnet on purpose.
  const own = nets.filter(({ unit }) => /^(bridge)?$/.test(lastValue(unit, 'Network', 'Driver') ?? ''));
  const all = own.flatMap(({ unit, subnets }) => subnets.map((one) => ({ ...one, unit })));
  const sorted = all.sort((a, b) =>
    a.cidr.version !== b.cidr.version
      ? a.cidr.version - b.cidr.version
      : a.cidr.value === b.cidr.value
        ? a.cidr.bits - b.cidr.bits
        : a.cidr.value < b.cidr.value
          ? -1
          : 1,
  );
  let widest = sorted[0];
  for (const one of sorted.slice(1)) {
    if (widest !== undefined && cidrsOverlap(widest.cidr, one.cidr)) {
      const message = `${one.at.value} overlaps ${widest.at.value} of ${widest.unit.name.unit}`;
      tell(placeOf(one.at), 'subnets_overlap', message);
    } else widest = one;
  }
}

/** The addresses that a container or pod has for good, with the Quadlet network each is in. */
function staticAddresses(unit: Unit): { network: string; text: string; place: Place }[] {
  const { kind, template } = unit.name;
  if ((kind !== 'container' && kind !== 'pod') || template?.instance === '') return [];
  const section = sectionOf(kind);
  const networks = all(unit, section, 'Network');
  const found: { network: string; text: string; place: Place }[] = [];
  for (const one of networks) {
    const colon = one.value.indexOf(':');
    if (colon < 0) continue;
    for (const match of one.value.slice(colon).matchAll(/[:,]ip6?=([^,]+)/g)) {
      const place = placeOf(one, colon + match.index + match[0].indexOf('=') + 1);
      found.push({ network: one.value.slice(0, colon), text: match[1]!, place });
    }
  }
  if (networks.length === 1) {
    const network = networks[0]!.value.split(':')[0]!;
    for (const key of ['IP', 'IP6']) {
      const one = last(unit, section, key);
      if (one !== undefined && one.value !== '')
        found.push({ network, text: one.value, place: placeOf(one) });
    }
  }
  return found;
}

/** The names of networks that the machine's own units make. */
export const networkNames = (machine: Machine): Set<string> =>
  new Set(
    [...machine.units.values()].flatMap((unit) =>
      unit.name.kind === 'network' ? (resourceName(unit) ?? []) : [],
    ),
  );
