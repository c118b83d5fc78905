import { digestBytes, toBytes } from '../../../schema/jose/digest.ts';
import { canonicalJson } from '../../../schema/wire/canonical.ts';
import type { Release, ReleaseFile, ReleasePart } from '../../../schema/wire/release.ts';

/** A release with another manifest: for what `writ config build` would never make. */
export async function withPart(
  release: Release,
  change: (part: ReleasePart) => ReleasePart,
  blobs: ReadonlyMap<string, Uint8Array<ArrayBuffer>> = release.blobs,
): Promise<Release> {
  const manifest = { ...release.manifest, parts: release.manifest.parts.map(change) };
  const bytes = toBytes(canonicalJson(manifest));
  const named = new Set(manifest.parts.flatMap(({ files }) => files.map(({ digest }) => digest)));
  const needed = new Map([...blobs].filter(([digest]) => named.has(digest)));
  return { manifest, bytes, digest: await digestBytes(bytes), blobs: needed };
}

/** The same files, one of them with another text and, maybe, other attributes. */
export async function withFile(
  release: Release,
  path: string,
  text: string,
  more: Partial<ReleaseFile> = {},
): Promise<Release> {
  const bytes = toBytes(text);
  const digest = await digestBytes(bytes);
  const change = (part: ReleasePart): ReleasePart => ({
    ...part,
    files: part.files.map((file) =>
      file.path === path ? { ...file, digest, size: bytes.length, ...more } : file,
    ),
  });
  return withPart(release, change, new Map([...release.blobs, [digest, bytes]]));
}
