import type { Place } from './finding.ts';
import { parseImage } from './image.ts';
import { parseMount, parseVolume, sourcedMounts } from './mount.ts';
import { sectionOf } from './names.ts';
import { type PublishedPort, parsePublish } from './port.ts';
import { type Assigned, all, last, lastValue, placeOf, type Unit } from './unit.ts';
import { splitWords } from './words.ts';

/** One thing that a unit names. `name` is as written: `grafanadata.volume` or `acme`, `docker.io/…`, `/etc/opt/x`. */
export type Need = { readonly name: string; readonly place: Place };
export type SecretNeed = Need & { readonly options: ReadonlyMap<string, string> };
export type PortNeed = PublishedPort & { readonly text: string; readonly place: Place };
export type NetworkNeed = Need & { readonly options: readonly string[] };
/** `beside`: as it is written, from the folder in which the unit itself is on its machine; undefined for an absolute path. */
export type FileNeed = Need & { readonly readOnly: boolean; readonly beside?: string };

/** What a unit cannot run without. */
export type Needs = {
  /** References of images that are pulled; those of `.image` and `.build` files are in `units`. */
  readonly images: readonly Need[];
  /** Named volumes, `x.volume` among them. */
  readonly volumes: readonly Need[];
  /** Networks by name, `x.network` among them; not `host`, `none` and their like. */
  readonly networks: readonly NetworkNeed[];
  readonly secrets: readonly SecretNeed[];
  readonly ports: readonly PortNeed[];
  /** Paths of the machine that it mounts or reads, absolute; what systemd fills in is left out. */
  readonly files: readonly FileNeed[];
  /** Other Quadlet files that it names. */
  readonly units: readonly Need[];
  readonly pod?: Need;
};

const unitSuffix = /\.(container|volume|network|pod|image|build)$/;
const modes = /^(host|none|bridge|private|pasta|slirp4netns|default|ns|container)$/;

const found = new WeakMap<Unit, Needs>();

/** What a unit names, from its own section. Values that cannot be read are passed over: the judge tells of them. */
export function whatNeeds(unit: Unit): Needs {
  const before = found.get(unit);
  if (before !== undefined) return before;
  const needs = findNeeds(unit);
  found.set(unit, needs);
  return needs;
}

function findNeeds(unit: Unit): Needs {
  const { kind } = unit.name;
  const section = kind === 'systemd' ? '' : sectionOf(kind);
  const each = (key: string): readonly Assigned[] => all(unit, section, key);
  const words = (key: string, how: 'arguments' | 'list' = 'arguments'): Need[] =>
    each(key).flatMap((one) =>
      splitWords(one.value, how).words.map(({ text, offset }) => ({
        name: text,
        place: placeOf(one, offset),
      })),
    );
  const single = (key: string): Need[] => {
    const one = last(unit, section, key);
    const name = lastValue(unit, section, key) ?? '';
    return one === undefined || name === '' ? [] : [{ name, place: placeOf(one) }];
  };

  const images = [...single('Image')];
  const volumes: Need[] = [];
  const files: FileNeed[] = [];
  const addSource = (source: string, place: Place, readOnly: boolean): void => {
    const path = pathOf(source, unit);
    if (path !== undefined) files.push({ name: path, place, readOnly, ...besideOf(source) });
    else if (/^[a-zA-Z0-9]/.test(source)) volumes.push({ name: source, place });
  };
  if (kind !== 'volume') {
    for (const one of each('Volume')) {
      const { source, options } = parseVolume(one.value);
      addSource(source, placeOf(one), options.includes('ro'));
    }
  }
  if (kind === 'container') {
    for (const { name, place } of words('Mount')) {
      const mount = parseMount(name);
      if (mount === null || typeof mount.source !== 'string' || !sourcedMounts.has(mount.type)) continue;
      const flag = mount.options.get('readonly') ?? mount.options.get('ro') ?? 'false';
      if (mount.type === 'image') images.push({ name: mount.source, place });
      else addSource(mount.source, place, flag !== 'false');
    }
  }
  // From where the others are read, Quadlet does not say.
  const isFromUnit = kind === 'container' || kind === 'kube';
  const read = [
    ...words('EnvironmentFile'),
    ...words('ConfigMap', 'list'),
    ...['Yaml', 'AuthFile', 'CertDir', ...(kind === 'build' ? ['File', 'IgnoreFile'] : [])].flatMap(single),
    ...single('SeccompProfile').filter(({ name }) => name !== 'unconfined'),
  ];
  for (const { name, place } of read) {
    const path = pathOf(/^[%/.]|:\/\//.test(name) ? name : `./${name}`, unit);
    if (path !== undefined)
      files.push({ name: path, place, readOnly: true, ...(isFromUnit && besideOf(name)) });
  }
  const networks = each('Network').flatMap((one): NetworkNeed[] => {
    const [name = '', ...rest] = one.value.split(':');
    const options = rest.join(':');
    return modes.test(name) || name === ''
      ? []
      : [{ name, options: options === '' ? [] : options.split(','), place: placeOf(one) }];
  });
  const pods = single('Pod');
  const unitsOf = [...images, ...volumes, ...networks, ...pods].filter(({ name }) => unitSuffix.test(name));
  return {
    images: images.filter(({ name }) => !unitSuffix.test(name) && typeof parseImage(name) === 'object'),
    volumes,
    networks: networks.filter(({ name }) => !name.endsWith('.container')),
    secrets:
      kind === 'container'
        ? words('Secret').map(({ name, place }) => {
            const [secret = '', ...options] = name.split(',');
            return { name: secret, place, options: new Map(options.map(splitOption)) };
          })
        : [],
    ports: each('PublishPort').flatMap((one) => {
      const port = parsePublish(one.value);
      return typeof port === 'string' ? [] : [{ ...port, text: one.value, place: placeOf(one) }];
    }),
    files,
    units: unitsOf.map(({ name, place }) => ({ name, place })),
    ...(pods[0] !== undefined && { pod: pods[0] }),
  };
}

function splitOption(text: string): [string, string] {
  const equals = text.indexOf('=');
  return equals < 0 ? [text, ''] : [text.slice(0, equals), text.slice(equals + 1)];
}

const besideOf = (text: string): { beside?: string } => (text.startsWith('/') ? {} : { beside: text });

/** The absolute path, one that begins with a dot from the unit's own folder; undefined for what is no path. */
function pathOf(source: string, unit: Unit): string | undefined {
  if (/[%$]/.test(source)) return undefined;
  if (source.startsWith('/')) return normal(source);
  if (!source.startsWith('.')) return undefined;
  const folder = `/etc/containers/systemd/${unit.file.name}`.replace(/[^/]*$/, '');
  return normal(folder + source);
}

function normal(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}
