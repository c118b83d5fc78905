import { asc, desc, gt } from 'drizzle-orm';
import * as v from 'valibot';
import { houseFile, trustVersion } from '../../schema/db/tables.ts';
import { type HouseFile, houseFileSchema } from '../../schema/manifest/house.ts';
import type { TrustJws } from '../../schema/wire/relay-api.ts';
import type { HouseStore, NewVersion, TrustStore } from '../domain/ports.ts';
import { noteStatements } from './audit-store.ts';
import { memoryOf } from './memory.ts';
import type { BuiltQuery, Database } from './port.ts';
import { attempt, build, prepared, run, select } from './query.ts';

const selectNewest = prepared(() =>
  build
    .select({ version: trustVersion.version })
    .from(trustVersion)
    .orderBy(desc(trustVersion.version))
    .limit(1),
);
const selectHouse = prepared(() => build.select().from(houseFile).limit(1));

const putHouse = (file: object, now: number): BuiltQuery => {
  const row = { file_json: JSON.stringify(file), updated_at: now };
  return build
    .insert(houseFile)
    .values({ id: 1, ...row })
    .onConflictDoUpdate({ target: houseFile.id, set: row });
};

const insertVersion = ({ version, digest, jws, acceptedAt }: NewVersion): BuiltQuery =>
  build
    .insert(trustVersion)
    .values({ version, digest, jws_json: JSON.stringify(jws), accepted_at: acceptedAt });

const versionTaken = { 'trust_version.version': 'taken' } as const;

export function trustStore(database: Database): TrustStore {
  const newest = memoryOf(database, async () => (await select(database, selectNewest({})))[0]?.version ?? 0);
  /** Whether a batch was written, of which a version that was there already says no. */
  const isWritten = async (queries: readonly BuiltQuery[], meanings: Readonly<Record<string, 'taken'>>) => {
    try {
      return (await attempt(database, queries, meanings)) === null;
    } finally {
      newest.forget();
    }
  };

  return {
    newest: newest.get,
    after: async (version) => {
      const query = build
        .select()
        .from(trustVersion)
        .where(gt(trustVersion.version, version))
        .orderBy(asc(trustVersion.version));
      return (await select(database, query)).map((row) => ({
        version: row.version,
        digest: row.digest,
        jws: JSON.parse(row.jws_json) as TrustJws,
      }));
    },
    add: (version, note) => isWritten([insertVersion(version), ...noteStatements([note])], versionTaken),
    claim: (versions, note, house) =>
      isWritten(
        [
          // Of two who claim at the same time with other versions, one finds the house file there.
          build.insert(houseFile).values({ id: 1, file_json: JSON.stringify(house), updated_at: note.time }),
          ...versions.map(insertVersion),
          ...noteStatements([note]),
        ],
        { ...versionTaken, 'house_file.id': 'taken' },
      ),
  };
}

export function houseStore(database: Database): HouseStore {
  const text = memoryOf(
    database,
    async () => (await select(database, selectHouse({})))[0]?.file_json ?? null,
  );
  // It is read for every sentence and changes rarely: parsing it each time would be most of an order's work.
  let parsed: { readonly text: string; readonly file: HouseFile } | null = null;
  return {
    file: async () => {
      const found = await text.get();
      if (found === null) return null;
      if (parsed?.text !== found) {
        parsed = { text: found, file: v.parse(houseFileSchema, JSON.parse(found)) };
      }
      return parsed.file;
    },
    put: async (file, now, note) => {
      try {
        await run(database, [putHouse(file, now), ...noteStatements([note])]);
      } finally {
        text.forget();
      }
    },
  };
}
