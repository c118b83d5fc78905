import { toBytes } from '../../../schema/jose/digest.ts';
import { parseMount, parseVolume } from '../../../schema/quadlet/mount.ts';
import { unitPath } from '../../../schema/quadlet/names.ts';
import { all, type Unit } from '../../../schema/quadlet/unit.ts';
import { splitWords } from '../../../schema/quadlet/words.ts';
import { fault, type Placed } from '../compile/units.ts';
import type { Finding } from '../finding.ts';
import { grouped } from '../grouped.ts';
import { byText } from '../repo.ts';
import type { Draft } from './files.ts';

/** A draft with the bytes that it came to, and the names of the secrets whose placeholders they hold. */
export type Content = {
  readonly draft: Draft;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly size: number;
  readonly secrets: readonly string[];
};

type Mounted = { readonly source: string; readonly target: string };

/**
 * Drop-ins for containers that mount a folder in which a file with secrets is. Such a file is filled in outside of its
 * folder, to be nowhere on the disk in clear; what stands in the folder leads out of it, and so to nothing within the
 * container. Each is mounted by itself then, over its place in the folder.
 */
export function mountSecretFiles(
  placed: readonly Placed[],
  contents: readonly Content[],
): { made: Content[]; findings: Finding[] } {
  const secret = contents.filter(
    ({ draft, secrets }) => secrets.length > 0 && draft.kind === 'file' && draft.entry.manage !== 'seed',
  );
  const findings = secret.flatMap(({ draft: { path, place, volume } }) =>
    volume === undefined
      ? []
      : [fault(place, 'volume_secret', `${path} would lie in the volume with its secrets in clear`)],
  );
  const outside = secret.map(({ draft }) => draft).filter(({ volume }) => volume === undefined);
  const files = grouped(outside, ({ target }) => target);
  const made = placed.flatMap(({ app, target, parsed }) =>
    parsed.flatMap((unit): Content[] => {
      if (unit.name.kind !== 'container') return [];
      const mounts = mountsOf(unit);
      const lines = (files.get(target) ?? []).flatMap(({ path }) => mountLines(path, mounts));
      if (lines.length === 0) return [];
      const text = [
        '# Made by Writ: files with secrets, in folders that the unit mounts.',
        '[Container]',
        ...[...new Set(lines)].sort(byText),
        '',
      ].join('\n');
      const bytes = toBytes(text);
      const draft: Draft = {
        target,
        app,
        path: unitPath(`${unit.file.name}.d/90-writ-secrets.conf`),
        entry: { mode: '0644', owner: 'root:root', on_change: 'restart', manage: 'exact', raw: false },
        kind: 'unit',
        place: { file: unit.file.file, line: 1, column: 1 },
        content: { kind: 'text', text },
      };
      return [{ draft, bytes, size: bytes.length, secrets: [] }];
    }),
  );
  return { made, findings };
}

/** The paths of the machine that a container mounts. */
function mountsOf(unit: Unit): Mounted[] {
  const volumes = all(unit, 'Container', 'Volume').map(({ value }) => parseVolume(value));
  const mounts = all(unit, 'Container', 'Mount').flatMap(({ value }) =>
    splitWords(value, 'arguments').words.flatMap(({ text }) => {
      const mount = parseMount(text);
      return mount?.type === 'bind' && typeof mount.source === 'string' && mount.target !== undefined
        ? [{ source: mount.source, target: mount.target }]
        : [];
    }),
  );
  return [...volumes, ...mounts]
    .filter(({ source }) => source.startsWith('/'))
    .map(({ source, target }) => ({ source: bare(source), target: bare(target) }));
}

const bare = (path: string): string => path.replace(/\/+$/, '');

/** A mount of the file for each folder above it that is mounted, unless the file itself is mounted there. */
function mountLines(path: string, mounts: readonly Mounted[]): string[] {
  return mounts.flatMap(({ source, target }) => {
    if (!path.startsWith(`${source}/`)) return [];
    const within = `${target}${path.slice(source.length)}`;
    if (mounts.some((one) => one.target === within)) return [];
    return [`Volume=${path.replaceAll('%', '%%')}:${within.replaceAll('%', '%%')}:ro`];
  });
}
