import { volumeOf as volumeOfPath } from '../../../schema/change/volume-paths.ts';
import type { FileEntry } from '../../../schema/manifest/app.ts';
import { readVolumePlace } from '../../../schema/manifest/values.ts';
import { didYouMean } from '../../../schema/near.ts';
import { unitPath } from '../../../schema/quadlet/names.ts';
import { resourceName, type UnitFile } from '../../../schema/quadlet/unit.ts';
import { maxReleaseFileBytes } from '../../../schema/wire/release.ts';
import { unlessFile } from '../broken.ts';
import { machineOf } from '../compile/routes.ts';
import { unitFileOf } from '../compile/unit-file.ts';
import { fault, instanceOf, matcher, type Placed } from '../compile/units.ts';
import type { Finding, Place } from '../finding.ts';
import type { Generator } from '../generate/generator.ts';
import { mergeOver } from '../generate/shared/merge.ts';
import type { Home } from '../home.ts';
import { textOrNull } from '../read/text.ts';
import type { Folder } from '../repo.ts';

/** A file on its way to a target: bytes as they are, or a template that is still to be rendered. */
export type Draft = {
  readonly target: string;
  readonly app: string;
  readonly path: string;
  readonly entry: Pick<FileEntry, 'mode' | 'owner' | 'on_change' | 'manage' | 'raw'>;
  readonly kind: 'file' | 'unit';
  /** What Podman calls the volume that it goes into. */
  readonly volume?: string;
  readonly place: Place;
  readonly content:
    | { readonly kind: 'bytes'; readonly bytes: Uint8Array<ArrayBuffer> }
    /** `unit`: of an app's own, as it was read already. */
    | { readonly kind: 'text'; readonly text: string; readonly unit?: UnitFile }
    | {
        readonly kind: 'template';
        readonly file: string;
        readonly source: string;
        readonly generated?: string;
      };
};

const unitEntry = { on_change: 'restart', manage: 'exact', raw: false } as const;

type Drafted = { readonly drafts: readonly Draft[]; readonly findings: readonly Finding[] };
type Entry = Placed['files'][number];
type Add = (path: string, content: Draft['content']) => void;

/** The units of an instance, and the files that it has in its folder, with what is wrong with those that cannot be made. */
export function draftFiles(placed: Placed): Drafted {
  const { app, target, source } = placed;
  const units = placed.units.map(
    (unit): Draft => ({
      target,
      app,
      path: unitPath(unit.name),
      entry: { ...unitEntry, mode: unit.mode, owner: unit.owner },
      kind: 'unit',
      place: unit.place,
      content: { kind: 'text', text: unit.text, unit: unitFileOf(unit) },
    }),
  );
  const files = placed.files.filter(({ generate }) => generate === undefined);
  const { drafts, findings } = draftEach(placed, files, (entry, add) =>
    copyInto(entry.from!, entry, source.folder, app, add),
  );
  return { drafts: [...units, ...drafts], findings };
}

/** The files of an instance that generators make. */
export const generateFiles = (
  placed: Placed,
  home: Home,
  generators: ReadonlyMap<string, Generator>,
  overrides: Folder,
): Drafted =>
  draftEach(
    placed,
    placed.files.filter(({ generate }) => generate !== undefined),
    (entry, add) => generateInto(entry, placed, home, generators, overrides, add),
  );

function draftEach(
  placed: Placed,
  entries: readonly Entry[],
  make: (entry: Entry, add: Add) => readonly Finding[],
): Drafted {
  const drafts: Draft[] = [];
  const findings: Finding[] = [];
  const { app, target } = placed;
  for (const entry of entries) {
    const volume = volumeOf(entry, placed);
    if (typeof volume === 'object') {
      findings.push(volume);
      continue;
    }
    const add: Add = (path, content) => {
      const kind =
        path.startsWith('/etc/containers/systemd/') || path.startsWith('/etc/systemd/system/')
          ? 'unit'
          : 'file';
      const into = volume === undefined ? {} : { volume };
      drafts.push({ target, app, path, entry, kind, ...into, place: entry.place, content });
    };
    findings.push(...make(entry, add));
  }
  return { drafts, findings };
}

/** The folder from which `prune` at a file or folder removes what else is there; empty for `/`. */
export const prunedFolder = (to: string): string => to.slice(0, to.lastIndexOf('/'));

/** What Podman calls the volume that a file goes into, undefined for a file of the machine, or what is wrong with it. */
function volumeOf({ to, prune, place }: Entry, { app, parsed }: Placed): string | undefined | Finding {
  const into = readVolumePlace(to);
  if (prune && (into !== null || volumeOfPath(to) !== null))
    return fault(place, 'volume_pruned', `prune would remove what ${app} keeps in the volume`);
  if (into === null) return undefined;
  const units = parsed.filter(({ name }) => name.kind === 'volume');
  const unit = units.find(({ name }) => name.base === into.volume);
  if (unit === undefined) {
    const message = `no unit of ${app} makes the volume: there is no ${into.volume}.volume`;
    const near = didYouMean(
      into.volume,
      units.map(({ name }) => name.base),
    );
    return fault(place, 'volume_missing', message, near, [`${app}.units`, `apps/${app}/*`]);
  }
  const message = `systemd alone can tell what the volume of ${unit.name.unit} is called`;
  return resourceName(unit) ?? fault(place, 'volume_missing', message);
}

function copyInto(from: string, entry: Entry, folder: Folder, app: string, add: Add): Finding[] {
  if (from.startsWith('/') || from.split('/').includes('..')) {
    return [
      fault(
        entry.place,
        'outside_folder',
        `${from} leads out of the app's folder; files come from apps/${app}/ alone`,
      ),
    ];
  }
  const whole = from.endsWith('/');
  const pattern = whole ? `${from.replace(/^\.\//, '')}**` : from.replace(/^\.\//, '');
  const matches = matcher(pattern === '/**' || pattern === '**' ? '**' : pattern);
  const found = [...folder.keys()].filter(matches);
  if (found.length === 0) {
    const near = didYouMean(from, folder.keys());
    const message = `there is no ${from} in apps/${app}`;
    return [fault(entry.place, 'file_missing', message, near, unlessFile(app, from))];
  }
  const many = whole || /[*?]/.test(from);
  if (many && !entry.to.endsWith('/')) {
    return [
      fault(
        entry.place,
        'to_not_folder',
        `${from} may be several files, so to: must be a folder that ends in /`,
      ),
    ];
  }
  const base = whole ? from.replace(/^\.\//, '').length : 0;
  for (const path of found) {
    const own = whole ? path.slice(base) : path.slice(path.lastIndexOf('/') + 1);
    const isTemplate = !entry.raw && path.endsWith('.j2');
    const name = isTemplate ? own.slice(0, -'.j2'.length) : own;
    const to = entry.to.endsWith('/') ? `${entry.to}${name}` : entry.to;
    const bytes = folder.get(path)!;
    if (!isTemplate) {
      add(to, { kind: 'bytes', bytes });
      continue;
    }
    const source = textOrNull(bytes);
    const file = `apps/${app}/${path}`;
    if (source === null)
      return [fault({ file, line: 1, column: 1 }, 'not_utf8', 'a template must be UTF-8 text')];
    add(to, { kind: 'template', file, source });
  }
  return [];
}

function generateInto(
  entry: Entry,
  placed: Placed,
  home: Home,
  generators: ReadonlyMap<string, Generator>,
  overrides: Folder,
  add: Add,
): Finding[] {
  const generate = entry.generate!;
  const [name, outputName] = generate.split('/') as [string, string];
  const override = overrides.get(`${generate}.j2`);
  const generator = generators.get(name);
  const output =
    generator !== undefined && Object.hasOwn(generator.outputs, outputName)
      ? generator.outputs[outputName]
      : undefined;
  const settings = Object.hasOwn(home.generators, name) ? home.generators[name] : undefined;
  if (output === undefined && override === undefined) {
    const known = [...generators.values()].flatMap((one) =>
      Object.keys(one.outputs).map((key) => `${one.name}/${key}`),
    );
    return [
      fault(
        entry.place,
        'unknown_generator',
        `there is no generator ${generate}`,
        didYouMean(generate, known),
      ),
    ];
  }
  if (settings?.on === false && override === undefined) {
    return [fault(entry.place, 'generator_off', `the generator ${name} is turned off in homelab.yaml`)];
  }
  const findings: Finding[] = [];
  const target = machineOf(home, placed.target)!;
  let generated = '';
  if (output !== undefined && settings?.on !== false) {
    if (output.kind === 'folder' && !entry.to.endsWith('/')) {
      return [
        fault(
          entry.place,
          'to_not_folder',
          `${generate} makes several files, so to: must be a folder that ends in /`,
        ),
      ];
    }
    if (output.kind === 'file' && entry.to.endsWith('/')) {
      return [
        fault(
          entry.place,
          'to_folder',
          `${generate} makes one file, so to: must name it, without a / at its end`,
        ),
      ];
    }
    const { made, doubts } = output.generate({
      home,
      target,
      instance: instanceOf(placed),
      options: mergeOver(settings?.options ?? {}, entry.options ?? {}),
    });
    const mayFollow = (unless: readonly string[] = []) => [
      `generators.${name}`,
      'homelab.generators',
      ...unless,
    ];
    findings.push(
      ...(doubts ?? []).map(({ place = entry.place, unless, ...doubt }) => ({
        ...place,
        ...doubt,
        unless: mayFollow(unless),
      })),
    );
    if (made.kind === 'folder') {
      for (const path of Object.keys(made.files).sort())
        add(`${entry.to}${path}`, { kind: 'text', text: made.files[path]! });
      return findings;
    }
    generated = made.text;
  }
  if (override === undefined) {
    add(entry.to, { kind: 'text', text: generated });
    return findings;
  }
  const file = `generate/${generate}.j2`;
  const source = textOrNull(override);
  if (source === null)
    return [...findings, fault({ file, line: 1, column: 1 }, 'not_utf8', 'a template must be UTF-8 text')];
  add(entry.to, { kind: 'template', file, source, generated });
  return findings;
}

/** Files that are too large for a release, and places that two files want. */
export function judgeDrafts(drafts: readonly { draft: Draft; size: number }[]): Finding[] {
  const findings: Finding[] = [];
  const holders = new Map<string, Draft>();
  for (const { draft, size } of drafts) {
    if (size > maxReleaseFileBytes) {
      const message = `${draft.path} would have ${size} bytes; a file of a release has at most ${maxReleaseFileBytes}`;
      findings.push(fault(draft.place, 'file_too_large', message));
    }
    const key = `${draft.target} ${draft.path}`;
    const holder = holders.get(key);
    if (holder !== undefined) {
      const message = `${draft.path} on ${draft.target} is a file of ${holder.app === draft.app ? `this app already` : `${holder.app} already`}`;
      findings.push(fault(draft.place, 'path_twice', message));
    }
    holders.set(key, draft);
  }
  for (const { draft } of drafts) {
    const parts = draft.path.split('/');
    const above = parts.map((_, index) => parts.slice(0, index).join('/')).slice(1);
    const file = above.find((path) => holders.has(`${draft.target} ${path}`));
    if (file === undefined) continue;
    const message = `${draft.path} on ${draft.target} is below ${file}, which is a file itself`;
    findings.push(fault(draft.place, 'path_twice', message));
  }
  return findings;
}
