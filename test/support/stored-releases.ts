import type { TestContext } from 'node:test';
import { encodeBase64url } from '../../schema/jose/base64url.ts';
import { digestBytes, digestOf, toBytes } from '../../schema/jose/digest.ts';
import { canonicalJson } from '../../schema/wire/canonical.ts';
import { ulidOf } from '../../schema/wire/ids.ts';
import type { ReleaseOrder, ReleaseOrderNumber } from '../../schema/wire/release-order.ts';
import type { Store } from '../../src/domain/ports.ts';
import type { NewDeployment } from '../../src/domain/release-ports.ts';
import { migrateToNewest } from '../../src/store/newest.ts';
import type { Database } from '../../src/store/port.ts';
import { createStore } from '../../src/store/store.ts';

/** The control plane's store over a new database. */
export async function openStore(t: TestContext, open: (t: TestContext) => Promise<Database>): Promise<Store> {
  const database = await open(t);
  await migrateToNewest(database);
  return createStore(database);
}

type Part = { readonly target: string; readonly relay?: string; readonly digest: string };

/** Keeps a text as a blob, and gives its digest. */
export const putText = async (store: Store, text: string, now = 1): Promise<string> => {
  const bytes = toBytes(text);
  const digest = await digestBytes(bytes);
  await store.blobs.put(digest, bytes, now);
  return digest;
};

let made = 0;

/** A deployment of parts, as control would have it stored. */
export async function draftDeployment(
  parts: readonly Part[],
  order: Partial<ReleaseOrderNumber> & { readonly release: string },
  names: Readonly<Record<string, readonly string[]>> = {},
): Promise<NewDeployment> {
  made += 1;
  const { release, ...number } = order;
  const signed: ReleaseOrder = {
    v: 1,
    home: 'h_01M8426D4ABARQSN8Z9XAREBB8',
    release,
    commit: 'c'.repeat(40),
    order: { run_id: 0, run_attempt: 0, desk: made, ...number },
    issued_at: 1,
    parts: parts.map(({ target, relay = 'pve2', digest }) => ({ relay, target, digest })),
  };
  const bytes = toBytes(canonicalJson(signed));
  return {
    token: null,
    deployment: {
      id: `dep_${ulidOf(made, new Uint8Array(10))}`,
      digest: await digestOf('release', bytes),
      order: signed,
      signer: 'operator',
      principal: 'operator',
      createdAt: made,
      endedAt: null,
      parts: signed.parts.map(({ relay, target, digest }, part) => ({
        part,
        relay,
        target,
        digest,
        state: 'pending',
        code: null,
        result: null,
        receipted: false,
        startedAt: null,
        endedAt: null,
      })),
    },
    signed: { bytes: encodeBase64url(bytes), authorisation: 'a.b.c' },
    names: new Map(parts.map(({ digest }) => [digest, [digest, ...(names[digest] ?? [])]])),
    updates: [],
    note: { time: made, event: 'release.accepted', principal: 'operator', facts: {} },
  };
}
