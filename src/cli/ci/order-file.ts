import * as v from 'valibot';
import { type Digest, digestBytes, digestOf, toBytes } from '../../../schema/jose/digest.ts';
import { parsePayload } from '../../../schema/jose/jws.ts';
import { ok, type Result, refuse } from '../../../schema/result.ts';
import { canonicalJson } from '../../../schema/wire/canonical.ts';
import { nameSchema } from '../../../schema/wire/ids.ts';
import { maxBlobBytes } from '../../../schema/wire/limits.ts';
import { recordOf } from '../../../schema/wire/record.ts';
import { maxReleaseBytes, releaseManifestSchema, releasePartSchema } from '../../../schema/wire/release.ts';
import { parseReleaseOrder, type ReleaseOrder } from '../../../schema/wire/release-order.ts';
import { digestsIn } from '../../config/build/release-file.ts';
import { makeTar, readTar } from '../../config/build/tar.ts';
import { byText } from '../../config/repo.ts';
import type { Blobs } from '../deploy/blobs.ts';

/** A file of the repo that says where a target's app is: what a failure there is shown at. */
const placeSchema = v.pipe(v.string(), v.maxLength(200), v.regex(/^[A-Za-z0-9_][A-Za-z0-9_./-]*$/));
const placesSchema = recordOf(nameSchema, v.pipe(v.array(placeSchema), v.maxLength(100)));

/** For each target of an order, files of the repo that are about what changes there. */
export type Places = v.InferOutput<typeof placesSchema>;

/** An order that nobody has authorised yet, and every byte that it names. */
export type UnsignedOrder = {
  readonly order: ReleaseOrder;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** digestOf('release') of its bytes: what a token's audience names, and receipts. */
  readonly digest: Digest;
  /** The manifest, the parts, and what these name. */
  readonly blobs: Blobs;
  readonly places: Places;
};

/** An order file: headers, and what stands beside its release. */
export const maxOrderFileBytes = 2 * maxReleaseBytes;
const maxPlacesBytes = 64 * 1024;

const orderName = 'order.json';
const placesName = 'places.json';
const blobName = (digest: string): string => `blobs/${digest.slice('sha256:'.length)}`;

/** An order as the one file that a workflow's jobs hand on: equal orders, equal bytes. */
export const writeOrderFile = ({
  bytes,
  places,
  blobs,
}: Pick<UnsignedOrder, 'bytes' | 'places' | 'blobs'>): Uint8Array<ArrayBuffer> =>
  makeTar([
    { name: orderName, bytes },
    { name: placesName, bytes: toBytes(canonicalJson(places)) },
    ...[...blobs]
      .map(([digest, blob]) => ({ name: blobName(digest), bytes: blob }))
      .sort((a, b) => byText(a.name, b.name)),
  ]);

/** Reads an order file: every byte is what the order names, nothing lacks, and nothing else is there. */
export async function readOrderFile(
  tar: Uint8Array<ArrayBuffer>,
): Promise<Result<UnsignedOrder, 'order_file_invalid'>> {
  const invalid = (detail: string) => refuse('order_file_invalid', detail);
  if (tar.length > maxOrderFileBytes) return invalid(`it has more than ${maxOrderFileBytes} bytes`);
  const files = readTar(tar);
  const bytes = files?.get(orderName);
  const placed = files?.get(placesName);
  if (files == null || bytes === undefined || placed === undefined)
    return invalid('it is no file that writ ci order writes');
  const order = parseReleaseOrder(bytes);
  if (!order.ok) return invalid(`its order: ${order.detail ?? order.reason}`);
  const places = parsePayload(placed, placesSchema, maxPlacesBytes);
  if (!places.ok) return invalid(`its places: ${places.detail ?? places.reason}`);

  const blobs = new Map<Digest, Uint8Array<ArrayBuffer>>();
  const take = async (digest: Digest): Promise<Result<Uint8Array<ArrayBuffer>, 'order_file_invalid'>> => {
    const blob = files.get(blobName(digest));
    if (blob === undefined) return invalid(`it lacks ${blobName(digest)}`);
    if ((await digestBytes(blob)) !== digest) return invalid(`${blobName(digest)} is not what its name says`);
    blobs.set(digest, blob);
    return ok(blob);
  };
  const manifest = await take(order.value.release);
  if (!manifest.ok) return manifest;
  const whole = parsePayload(manifest.value, releaseManifestSchema, maxBlobBytes);
  if (!whole.ok) return invalid(`its manifest: ${whole.detail ?? whole.reason}`);
  for (const { target, digest } of order.value.parts) {
    const part = await take(digest);
    if (!part.ok) return part;
    const parsed = parsePayload(part.value, releasePartSchema, maxBlobBytes);
    if (!parsed.ok || parsed.value.target !== target) return invalid(`it has no part of ${target}`);
    for (const named of digestsIn({ parts: [parsed.value] })) {
      const blob = await take(named);
      if (!blob.ok) return blob;
    }
  }
  if (files.size !== blobs.size + 2) return invalid('it holds files that its order does not name');
  const digest = await digestOf('release', bytes);
  return ok({ order: order.value, bytes, digest, blobs, places: places.value });
}
