import assert from 'node:assert/strict';
import { toBytes } from '../../schema/jose/digest.ts';
import { type Adopted, type AdoptInput, adopt } from '../../src/config/adopt/adopt.ts';
import type { Entry, Source } from '../../src/config/adopt/found.ts';
import { buildRepo } from '../../src/config/build/build.ts';
import { renderHere, repoOf, type Tree } from './repo-fixture.ts';

type Attributes = { readonly mode?: number; readonly uid?: number; readonly gid?: number };
/** A file's text or bytes, with what it has besides; null is a folder without files. */
export type Given =
  | string
  | Uint8Array<ArrayBuffer>
  | ({ readonly text: string } & Attributes)
  | ({ readonly text: null } & Attributes);
export type GivenTree = Readonly<Record<string, Given>>;

/** A folder or archive with these files; with `owned`, whoever read it knows who owns them. */
export function sourceOf(tree: GivenTree, owned = false): Source {
  const root = owned ? { uid: 0, gid: 0 } : {};
  const entries = Object.entries(tree).map(([path, given]): Entry => {
    const whole = typeof given === 'string' || given instanceof Uint8Array ? { text: given } : given;
    const { text, ...attributes } = whole as { text: string | Uint8Array<ArrayBuffer> | null };
    if (text === null) return { kind: 'folder', path, mode: 0o755, ...root, ...attributes };
    const bytes = typeof text === 'string' ? toBytes(text) : text;
    return { kind: 'file', path, bytes, mode: 0o644, ...root, ...attributes };
  });
  return { name: 'given', entries };
}

const text = new TextDecoder();

export type AdoptOptions = Partial<Omit<AdoptInput, 'sources' | 'repo'>> & {
  readonly repo?: Tree;
  readonly owned?: boolean;
  readonly more?: readonly Source[];
};

/** Adopts files into a repo in memory, as the machine `box` unless another is named. */
export async function adoptTree(
  tree: GivenTree,
  { repo = {}, owned = false, more = [], ...options }: AdoptOptions = {},
): Promise<Adopted & { texts: Readonly<Record<string, string>> }> {
  const adopted = await adopt(
    {
      machine: { name: 'box' },
      rules: [],
      choices: { include: [], includeSecrets: [], exclude: [] },
      listed: [],
      ...options,
      sources: [sourceOf(tree, owned), ...more],
      repo: repoOf(repo),
    },
    renderHere,
  );
  const texts = Object.fromEntries([...adopted.files].map(([path, bytes]) => [path, text.decode(bytes)]));
  return { ...adopted, texts };
}

/** What the release of a repo brings to a machine: bytes as Latin-1, mode and owner, by path. */
export async function broughtBy(
  files: Adopted['files'],
  machine = 'box',
  repo: Tree = {},
): Promise<Readonly<Record<string, string>>> {
  const whole = new Map([...repoOf(repo).files, ...files]);
  const { release, findings } = await buildRepo({ files: whole, findings: [] }, renderHere);
  assert.ok(release !== undefined, JSON.stringify(findings));
  const part = release.manifest.parts.find(({ target }) => target === machine);
  return Object.fromEntries(
    (part?.files ?? []).map(({ path, digest, mode, owner }) => [
      path,
      `${mode} ${owner} ${Buffer.from(release.blobs.get(digest)!).toString('latin1')}`,
    ]),
  );
}

/** `code path` of each. */
export const told = (notes: Adopted['left']): string[] =>
  notes.map(({ code, path }) => `${code} ${path}`).sort();
