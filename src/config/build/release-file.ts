import * as v from 'valibot';
import { digestBytes } from '../../../schema/jose/digest.ts';
import { describeIssue } from '../../../schema/jose/jws.ts';
import { parseStrictJson } from '../../../schema/jose/strict-json.ts';
import { ok, type Result, refuse } from '../../../schema/result.ts';
import { canonicalJson } from '../../../schema/wire/canonical.ts';
import {
  maxReleaseManifestBytes,
  type Release,
  type ReleasePart,
  releaseManifestSchema,
} from '../../../schema/wire/release.ts';
import { byText } from '../repo.ts';
import { makeTar, readTar } from './tar.ts';

const manifestName = 'manifest.json';
const blobName = (digest: string): string => `blobs/${digest.slice('sha256:'.length)}`;

/** A release as one file: a tar with the manifest first, then `blobs/<hex>`, sorted. Equal releases, equal bytes. */
export const writeReleaseFile = ({
  bytes,
  blobs,
}: Pick<Release, 'bytes' | 'blobs'>): Uint8Array<ArrayBuffer> =>
  makeTar([
    { name: manifestName, bytes },
    ...[...blobs]
      .map(([digest, blob]) => ({ name: blobName(digest), bytes: blob }))
      .sort((a, b) => byText(a.name, b.name)),
  ]);

/** Every digest that parts name: of files, secrets and keys of packages. */
export function digestsIn({ parts }: { readonly parts: readonly ReleasePart[] }): Set<string> {
  const files = parts.flatMap((part) => part.files.map(({ digest }) => digest));
  const others = parts.flatMap((part) =>
    part.apps.flatMap((app) => [
      ...app.secrets.flatMap(({ digest }) => (digest === undefined ? [] : [digest])),
      ...app.apt.map(({ key }) => key),
    ]),
  );
  return new Set([...files, ...others]);
}

/** Reads a release file, and holds every byte of it against what the manifest says. */
export async function readReleaseFile(
  tar: Uint8Array<ArrayBuffer>,
): Promise<Result<Release, 'release_invalid'>> {
  const invalid = (detail: string) => refuse('release_invalid', detail);
  const files = readTar(tar);
  const bytes = files?.get(manifestName);
  if (files === null || bytes === undefined)
    return invalid('it is no file that writ config build --release writes');
  const json = parseStrictJson(bytes, { maxBytes: maxReleaseManifestBytes });
  if (!json.ok) return invalid(`its manifest is no JSON: ${json.detail ?? json.reason}`);
  const parsed = v.safeParse(releaseManifestSchema, json.value);
  if (!parsed.success) return invalid(`its manifest: ${describeIssue(parsed.issues[0])}`);
  const manifest = parsed.output;
  if (canonicalJson(manifest) !== new TextDecoder().decode(bytes))
    return invalid('its manifest is not canonical');
  const blobs = new Map<string, Uint8Array<ArrayBuffer>>();
  for (const digest of [...digestsIn(manifest)].sort(byText)) {
    const blob = files.get(blobName(digest));
    if (blob === undefined) return invalid(`it lacks ${blobName(digest)}`);
    if ((await digestBytes(blob)) !== digest) return invalid(`${blobName(digest)} is not what its name says`);
    blobs.set(digest, blob);
  }
  for (const { path, digest, size } of manifest.parts.flatMap((part) => part.files)) {
    if (blobs.get(digest)!.length !== size) return invalid(`${path} has another size than its manifest says`);
  }
  if (files.size !== blobs.size + 1) return invalid('it holds files that its manifest does not name');
  return ok({ manifest, bytes, digest: await digestBytes(bytes), blobs });
}
