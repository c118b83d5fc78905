import { and, eq, exists, lt, notExists, sql } from 'drizzle-orm';
import { blob, blobPiece, deployment, deploymentTarget, partBlob } from '../../schema/db/release-tables.ts';
import type { BlobStore } from '../domain/release-ports.ts';
import type { BuiltQuery, Database } from './port.ts';
import { build, inSlot, prepared, run, select, slot } from './query.ts';

/** What a release's file has at most; a libsql-server takes values of up to about 4 MiB. */
const pieceBytes = 1024 * 1024;
/** What is there is kept for its time anew only where that was a while ago: asking shall not always write. */
const renewAfterMs = 60 * 60_000;

const selectThere = prepared(() =>
  build
    .select({ digest: blob.digest, created_at: blob.created_at })
    .from(blob)
    .where(inSlot(blob.digest, 'digests')),
);
const renew = prepared(() =>
  build
    .update(blob)
    .set({ created_at: sql`${slot('now')}` })
    .where(and(inSlot(blob.digest, 'digests'), lt(blob.created_at, slot('before')))),
);
const putBlob = prepared(() =>
  build
    .insert(blob)
    .values({ digest: slot('digest'), size: slot('size'), created_at: slot('now') })
    .onConflictDoUpdate({ target: blob.digest, set: { created_at: sql`excluded.created_at` } }),
);
const putPiece = prepared(() =>
  build
    .insert(blobPiece)
    .values({ digest: slot('digest'), piece: slot('piece'), bytes: slot('bytes') })
    .onConflictDoNothing(),
);
const selectSize = prepared(() =>
  build
    .select({ size: blob.size })
    .from(blob)
    .where(eq(blob.digest, slot('digest'))),
);
const selectSizeFor = prepared(() =>
  build
    .select({ size: blob.size })
    .from(blob)
    .where(
      and(
        eq(blob.digest, slot('digest')),
        exists(
          build
            .select({ part: partBlob.part })
            .from(partBlob)
            .innerJoin(deploymentTarget, eq(deploymentTarget.digest, partBlob.part))
            .where(and(eq(partBlob.blob, slot('digest')), eq(deploymentTarget.relay, slot('relay')))),
        ),
      ),
    ),
);
const selectPiece = prepared(() =>
  build
    .select({ bytes: blobPiece.bytes })
    .from(blobPiece)
    .where(and(eq(blobPiece.digest, slot('digest')), eq(blobPiece.piece, slot('piece')))),
);
const isForgettable = and(
  lt(blob.created_at, slot('before')),
  notExists(build.select({ part: partBlob.part }).from(partBlob).where(eq(partBlob.blob, blob.digest))),
  notExists(build.select({ id: deployment.id }).from(deployment).where(eq(deployment.release, blob.digest))),
);
const selectForgettable = prepared(() =>
  build.select({ digest: blob.digest }).from(blob).where(isForgettable).limit(1),
);
const deleteForgettable = prepared(() => build.delete(blob).where(isForgettable));

export function blobStore(database: Database): BlobStore {
  /** One piece after the other: an answer with all of them may be more than a server gives. */
  const readPieces = async (
    digest: string,
    found: readonly { readonly size: number }[],
  ): Promise<Uint8Array<ArrayBuffer> | null> => {
    if (found[0] === undefined) return null;
    const bytes = new Uint8Array(found[0].size);
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      const [row] = await select(database, selectPiece({ digest, piece: at / pieceBytes }));
      // It was forgotten meanwhile.
      if (row === undefined) return null;
      bytes.set(row.bytes, at);
    }
    return bytes;
  };

  return {
    missing: async (digests, now) => {
      const list = JSON.stringify(digests);
      const there = await select(database, selectThere({ digests: list }));
      const before = now - renewAfterMs;
      if (there.some((row) => row.created_at < before)) {
        await run(database, [renew({ digests: list, now, before })]);
      }
      const held = new Set(there.map((row) => row.digest));
      return digests.filter((digest) => !held.has(digest));
    },
    put: async (digest, bytes, now) => {
      const pieces: BuiltQuery[] = [];
      for (let at = 0; at < bytes.length; at += pieceBytes) {
        const piece = { digest, piece: at / pieceBytes, bytes: bytes.subarray(at, at + pieceBytes) };
        pieces.push(putPiece(piece));
      }
      await run(database, [putBlob({ digest, size: bytes.length, now }), ...pieces]);
    },
    read: async (digest) => readPieces(digest, await select(database, selectSize({ digest }))),
    readFor: async (relay, digest) =>
      readPieces(digest, await select(database, selectSizeFor({ digest, relay }))),
    forget: async (before) => {
      if ((await select(database, selectForgettable({ before }))).length === 0) return;
      await run(database, [deleteForgettable({ before })]);
    },
  };
}
