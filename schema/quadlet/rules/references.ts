import { didYouMean } from '../../near.ts';
import type { Tell } from '../finding.ts';
import type { Machine, Rule } from '../machine.ts';
import { parseMount, parseVolume, sourcedMounts } from '../mount.ts';
import { sectionOf } from '../names.ts';
import { type Assigned, all, last, lastValue, placeOf, type Unit } from '../unit.ts';
import { splitWords } from '../words.ts';

/** What the generator looks up in the files beside: images, networks, volumes and pods that are Quadlets themselves. */
export const judgeReferences: Rule = (unit, machine, tell) => {
  const { kind } = unit.name;
  if (kind === 'systemd' || kind === 'artifact') return;
  const section = sectionOf(kind);
  if (kind === 'container' || (kind === 'volume' && lastValue(unit, section, 'Driver') === 'image')) {
    const image = last(unit, section, 'Image');
    const name = lastValue(unit, section, 'Image');
    if (image !== undefined && name !== undefined && /\.(build|image)$/.test(name)) {
      lookUp(name, image, 0, machine, tell);
    }
  }
  if (kind === 'container' || kind === 'kube' || kind === 'build' || kind === 'pod') {
    for (const one of all(unit, section, 'Network')) judgeNetwork(one, machine, tell);
  }
  if (kind === 'container' || kind === 'build' || kind === 'pod') {
    for (const one of all(unit, section, 'Volume')) {
      const { source } = parseVolume(one.value);
      if (source.endsWith('.volume') && !/^[./]/.test(source)) lookUp(source, one, 0, machine, tell);
    }
  }
  if (kind !== 'container') return;
  for (const one of all(unit, section, 'Mount')) judgeMounts(one, machine, tell);
  const pod = last(unit, section, 'Pod');
  const name = lastValue(unit, section, 'Pod');
  if (pod === undefined || name === undefined || name === '') return;
  if (name.endsWith('.pod')) lookUp(name, pod, 0, machine, tell);
  else {
    const more = { generator: true, suggestion: didYouMean(`${name}.pod`, machine.units.keys()) } as const;
    tell(placeOf(pod), 'unknown_unit', `Pod names a .pod file, and ${name} is none`, more);
  }
};

function lookUp(name: string, one: Assigned, offset: number, machine: Machine, tell: Tell): void {
  if (machine.units.has(name)) return;
  const suffix = name.slice(name.lastIndexOf('.'));
  const same = [...machine.units.keys()].filter((unit) => unit.endsWith(suffix));
  tell(placeOf(one, offset), 'unknown_unit', `there is no file ${name}`, {
    generator: true,
    suggestion: didYouMean(name, same),
  });
}

function judgeNetwork(one: Assigned, machine: Machine, tell: Tell): void {
  const colon = one.value.indexOf(':');
  const name = colon < 0 ? one.value : one.value.slice(0, colon);
  const ofContainer = name.endsWith('.container');
  if (!ofContainer && !name.endsWith('.network')) return;
  const target = machine.units.get(name);
  if (target === undefined) {
    lookUp(name, one, 0, machine, tell);
    return;
  }
  const nameless = ofContainer ? isNameless(target) : machine.refused.has(name);
  if (nameless) {
    const message = ofContainer
      ? `Podman cannot tell the name of the container of ${name}`
      : `${name} is refused, so that its network has no name`;
    tell(placeOf(one), 'nameless_unit', message, {
      generator: true,
      ...(ofContainer && { suggestion: `Say ContainerName in ${name}.` }),
    });
  } else if (ofContainer && colon >= 0) {
    const message = "options do not go with another container's network";
    tell(placeOf(one, colon), 'bad_network', message, { generator: true });
  }
}

/** The generator itself fills in %N alone. */
function isNameless(container: Unit): boolean {
  const said = lastValue(container, 'Container', 'ContainerName') ?? '';
  const name = said !== '' ? said : container.name.unit.includes('@') ? '%i' : '';
  return name.replaceAll('%N', container.service).includes('%');
}

function judgeMounts(one: Assigned, machine: Machine, tell: Tell): void {
  for (const { text, offset } of splitWords(one.value, 'arguments').words) {
    const mount = parseMount(text);
    const place = placeOf(one, offset);
    if (mount === null) {
      tell(place, 'bad_mount', `${text} says no type=`, {
        generator: true,
        suggestion: 'Write type=bind,source=…,target=… without spaces, or quote the whole of it.',
      });
      return;
    }
    if (!sourcedMounts.has(mount.type)) continue;
    if (mount.source === null) {
      tell(place, 'bad_mount', 'the source of the mount has no value', { generator: true });
      return;
    }
    if (mount.source === undefined || mount.source === '') {
      tell(
        place,
        'mount_without_source',
        `a mount of type ${mount.type} without a source breaks Podman's generator: no unit at all is made`,
        { generator: true, suggestion: 'Name a source, or use Volume=/path for an unnamed volume.' },
      );
      return;
    }
    if (/\.(volume|image)$/.test(mount.source) && !/^[./]/.test(mount.source)) {
      const before = machine.units.has(mount.source);
      lookUp(mount.source, one, offset, machine, tell);
      if (!before) return;
    }
  }
}
