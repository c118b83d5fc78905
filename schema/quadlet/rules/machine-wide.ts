import { didYouMean } from '../../near.ts';
import type { Tell } from '../finding.ts';
import type { Machine, Needing } from '../machine.ts';
import { dropInFolders } from '../names.ts';
import type { PortNeed } from '../needs.ts';
import { portsClash } from '../port.ts';
import {
  excludeEachOther,
  last,
  placeOf,
  resourceName,
  type Unit,
  type UnitFile,
  unitPlace,
} from '../unit.ts';
import { networkNames } from './addresses.ts';

const makes: Readonly<Record<string, string>> = {
  ...{ container: 'container', pod: 'pod', network: 'network', volume: 'volume' },
};
const nameKeys: Readonly<Record<string, readonly [string, string]>> = {
  container: ['Container', 'ContainerName'],
  pod: ['Pod', 'PodName'],
  network: ['Network', 'NetworkName'],
  volume: ['Volume', 'VolumeName'],
};

/** What only all units of a machine together show: names and ports twice, and names that nobody has. */
export function judgeTogether(needing: Needing, machine: Machine, tell: Tell): void {
  judgeNames(needing, tell);
  judgePorts(needing, tell);
  judgeNamed(needing, machine, tell);
}

function judgeNames(needing: Needing, tell: Tell): void {
  const holders = new Map<string, Unit>();
  for (const { unit } of needing) {
    const { kind } = unit.name;
    const said = nameKeys[kind];
    const at = said === undefined ? undefined : last(unit, ...said);
    const place = at === undefined ? unitPlace(unit) : placeOf(at);
    const claim = (key: string, what: string): void => {
      const other = holders.get(key);
      if (other === undefined) holders.set(key, unit);
      else tell(place, 'name_twice', `${other.file.file} makes ${what}, too`);
    };
    const name = makes[kind] === undefined ? undefined : resourceName(unit);
    // Containers and pods share one space of names.
    const space = kind === 'pod' ? 'container' : makes[kind];
    if (name !== undefined) claim(`${space} ${name}`, `a ${makes[kind]} named ${name}`);
    claim(`service ${unit.service}`, `the service ${unit.service}`);
  }
}

function judgePorts(needing: Needing, tell: Tell): void {
  const taken: { readonly port: PortNeed; readonly unit: Unit }[] = [];
  for (const { unit, needs } of needing) {
    if (unit.name.template?.instance === '') continue;
    if (unit.sections.get('Container')?.some(({ key, value }) => key === 'Network' && value === 'host'))
      continue;
    for (const port of needs.ports) {
      if (port.host === undefined) continue;
      const other = taken.find((one) => portsClash(one.port, port) && !excludeEachOther(one.unit, unit));
      if (other !== undefined) {
        const where = other.unit === unit ? 'the unit itself' : other.unit.file.file;
        tell(
          port.place,
          'port_twice',
          `${where} publishes ${other.port.text} already, which takes the same port`,
        );
      }
      taken.push({ port, unit });
    }
  }
}

function judgeNamed(needing: Needing, machine: Machine, tell: Tell): void {
  const networks = new Set([...networkNames(machine), ...machine.networks, 'podman']);
  const named = [...machine.units.values()].flatMap((unit) =>
    unit.name.kind === 'volume' ? (resourceName(unit) ?? []) : [],
  );
  const volumes = new Set([...named, ...machine.volumes]);
  for (const { needs } of needing) {
    for (const { name, place } of needs.networks) {
      if (/[%$]/.test(name) || name.endsWith('.network') || networks.has(name)) continue;
      const file = machine.units.has(`${name}.network`) ? ` Write Network=${name}.network.` : '';
      tell(place, 'unknown_network', `nothing here makes a network ${name}`, {
        warning: true,
        suggestion: file !== '' ? file : didYouMean(name, networks),
      });
    }
    for (const { name, place } of needs.volumes) {
      if (/[%$.]/.test(name) || volumes.has(name)) continue;
      // Podman makes a volume for any name: only what looks like a slip is told.
      if (!machine.units.has(`${name}.volume`)) continue;
      tell(place, 'unknown_volume', `nothing here makes a volume ${name}: Podman would make an empty one`, {
        warning: true,
        suggestion: `Write ${name}.volume.`,
      });
    }
    for (const { name, place } of needs.secrets) {
      if (machine.secrets === undefined || /[%$]/.test(name) || name === '' || machine.secrets.has(name))
        continue;
      tell(place, 'secret_undeclared', `nobody declares the secret ${name}`, {
        suggestion: didYouMean(name, machine.secrets),
      });
    }
  }
}

/** Drop-ins of Quadlet files that no unit takes, and units of systemd in folders. */
export function judgeStrays(files: readonly UnitFile[], units: readonly Unit[], tell: Tell): void {
  const folders = new Set(units.flatMap((unit) => dropInFolders(unit.name.unit)));
  for (const { name, file, at } of files) {
    const parts = name.split('/');
    const folder = parts.at(-2) ?? '';
    const place = { file, ...(at ?? { line: 1, column: 1 }) };
    if (/\.(container|volume|network|pod|kube|image|build)\.d$/.test(folder)) {
      if (!name.endsWith('.conf')) {
        const message = 'a drop-in ends in .conf; Podman passes over this file';
        tell(place, 'drop_in_unused', message, { warning: true });
      } else if (!folders.has(folder)) {
        const message = `there is no unit that takes drop-ins of ${folder}`;
        tell(place, 'drop_in_unused', message, { warning: true, suggestion: didYouMean(folder, folders) });
      }
    }
  }
  for (const unit of units) {
    if (unit.name.kind === 'systemd' && unit.file.name.includes('/')) {
      tell(unitPlace(unit), 'unit_in_folder', `systemd does not look into folders for ${unit.name.unit}`);
    }
  }
}
