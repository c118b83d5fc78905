import { didYouMean } from '../../near.ts';
import { isAtLeast, podmanKeys, quadletKeys, sinceVersion } from '../keys.ts';
import type { Rule } from '../machine.ts';
import { sectionOf } from '../names.ts';
import { systemdKeys } from '../systemd-keys.ts';
import { type Assigned, keyPlace, type Unit, unitPlace } from '../unit.ts';

/** The version that brought a kind of unit. */
const kindsSince: Readonly<Record<string, string>> = {
  ...{ container: '4.4', volume: '4.4', network: '4.4', kube: '4.4', image: '4.8' },
  ...{ pod: '5.0', build: '5.2', artifact: '5.7' },
};
const quadletSince = '5.3';
const serviceUserSince = '5.6';

/** Sections of systemd that a kind of unit has besides [Unit] and [Install]. */
const systemdSections: Readonly<Record<string, string>> = {
  ...{ service: 'Service', socket: 'Socket', mount: 'Mount', automount: 'Automount', swap: 'Swap' },
  ...{ timer: 'Timer', path: 'Path', slice: 'Slice', scope: 'Scope' },
};

/** Keys and sections that nobody reads, or that came later. */
export const judgeKeys: Rule = (unit, machine, tell) => {
  const { kind, suffix } = unit.name;
  if (kind !== 'systemd') {
    const since = kindsSince[kind]!;
    if (!isAtLeast(machine.podman, since)) {
      tell(
        unitPlace(unit),
        'kind_too_new',
        `Podman reads .${kind} files from ${since} on, and this machine has ${machine.podman}`,
      );
      return;
    }
  }
  const own = kind === 'systemd' ? systemdSections[suffix] : sectionOf(kind);
  const sections = ['Unit', 'Install', ...(own === undefined ? [] : [own])];
  if (kind !== 'systemd') sections.push('Service', 'Quadlet');
  for (const [section, assigned] of unit.sections) {
    if (section.startsWith('X-')) continue;
    const place = assigned[0] === undefined ? unitPlace(unit) : keyPlace(assigned[0]);
    if (!sections.includes(section)) {
      tell(place, 'unknown_section', `nothing in a .${suffix} file reads the section [${section}]`, {
        warning: true,
        suggestion: didYouMean(section, sections),
      });
      continue;
    }
    const isPodmans = section === 'Quadlet' || (kind !== 'systemd' && section === own);
    // One word for each key, as the generator has it.
    const seen = new Set<string>();
    for (const one of assigned) {
      if (seen.has(one.key)) continue;
      seen.add(one.key);
      if (isPodmans) judgePodmanKey(unit, section, one, machine, tell);
      else judgeSystemdKey(unit, section, one, machine, tell);
    }
  }
};

type Judge = (
  unit: Unit,
  section: string,
  one: Assigned,
  machine: Parameters<Rule>[1],
  tell: Parameters<Rule>[2],
) => void;

const judgePodmanKey: Judge = (unit, section, one, { podman }, tell) => {
  const { key } = one;
  const since = sinceVersion(section, key);
  if (since !== undefined && isAtLeast(podman, since)) return;
  // Before 5.3 nobody looked into [Quadlet].
  const generator =
    section === 'Quadlet' && !isAtLeast(podman, quadletSince) ? {} : { generator: true as const };
  if (since !== undefined) {
    tell(
      keyPlace(one),
      'key_too_new',
      `${key} in [${section}] came with Podman ${since}, and this machine has ${podman}`,
      { ...generator, suggestion: 'Leave it out, or say its option in PodmanArgs.' },
    );
    return;
  }
  tell(keyPlace(one), 'unknown_key', `Podman knows no key ${key} in [${section}]`, {
    ...generator,
    suggestion: didYouMean(key, podmanKeys(section, podman)) || belongs(unit, section, key),
  });
};

const judgeSystemdKey: Judge = (unit, section, one, { podman }, tell) => {
  const { key } = one;
  const ofQuadlet = unit.name.kind !== 'systemd';
  if (ofQuadlet && section === 'Service' && /^(User|Group|DynamicUser)$/.test(key)) {
    const refused = isAtLeast(podman, serviceUserSince);
    tell(
      keyPlace(one),
      'service_user',
      `${key} in [Service] is for the podman command, which then cannot do its work`,
      {
        ...(refused ? { generator: true } : { warning: true }),
        suggestion: 'Say User in the section of the container.',
      },
    );
    return;
  }
  const known = systemdKeys(section);
  if (known === undefined || known.has(key) || key.startsWith('X-')) return;
  tell(keyPlace(one), 'unknown_key', `systemd knows no key ${key} in [${section}] and passes over it`, {
    warning: true,
    suggestion: didYouMean(key, known) || belongs(unit, section, key),
  });
};

/** Where a key would be understood. */
function belongs({ name }: Unit, section: string, key: string): string {
  const own = name.kind === 'systemd' ? systemdSections[name.suffix] : sectionOf(name.kind);
  const sections = [...(own === undefined ? [] : [own]), 'Unit', 'Service', 'Install'].filter(
    (one) => one !== section && (one !== 'Service' || name.kind !== 'systemd' || name.suffix === 'service'),
  );
  const found = sections.find(
    (one) =>
      quadletKeys.some((known) => known.section === one && known.key === key) ||
      systemdKeys(one)?.has(key) === true,
  );
  return found === undefined ? '' : `It belongs into [${found}].`;
}
