import { existsSync } from 'node:fs';
import Libsql from 'libsql';
import type { ChainHead } from '../../schema/chain/chain.ts';
import { emptyHead } from '../../schema/chain/chain.ts';
import { migrations } from '../../schema/db/migrations.ts';
import { ok, type Result, refuse } from '../../schema/result.ts';
import { acceptFirstTrust, acceptNextTrust, type Trust } from '../../schema/trust/read.ts';
import { sealEntry } from '../domain/audit-export.ts';
import type { AuditNote } from '../domain/ports.ts';
import { auditStore, noteStatements } from './audit-store.ts';
import { reasonOfCode } from './driver-values.ts';
import { type Handle, openHandle } from './embedded-handle.ts';
import { appliedVersion, schemaTexts } from './migrate.ts';
import { type Database, isStoreError, storeError, toStatement } from './port.ts';
import { trustStore } from './trust-store.ts';

/** How long a copy waits for a lock: only a recovery after a crash holds one that keeps out readers. */
const busyTimeoutMs = 10_000;
const auditBatch = 500;

/**
 * Writes a consistent copy of a database file, as one read transaction sees it, to a path where nothing is yet. The
 * process that owns the file goes on writing meanwhile: of its commits the copy holds all up to one of them. Blocks
 * this process. Throws a StoreError, and leaves a part of the copy behind then.
 */
export function copyDatabase(from: string, to: string): void {
  // Opening would make the one, and a copy into the other would be refused without saying why.
  if (!existsSync(from)) throw storeError('unavailable', `${from} is not there`);
  if (existsSync(to)) throw storeError('unavailable', `${to} exists already`);
  let database: InstanceType<typeof Libsql> | undefined;
  try {
    database = new Libsql(from, { timeout: busyTimeoutMs });
    database.prepare('VACUUM INTO ?').run([to]);
  } catch (error) {
    const code =
      error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
    const words = error instanceof Error ? error.message : String(error);
    throw storeError(reasonOfCode(code) ?? 'unavailable', `${from} cannot be copied: ${words}`, error);
  } finally {
    database?.close();
  }
}

/** What a copy holds, all of it verified. */
export type CopyFacts = {
  /** Null while nobody has claimed the instance. */
  readonly trust: Trust | null;
  readonly schemaVersion: number;
  /** The end of the sealed part of the audit log. */
  readonly audit: ChainHead;
};

export type CopyRefusal =
  /** A newer program wrote it. */
  | 'newer'
  /** It is no database of the control plane, or not as it was written. */
  | 'damaged';

/**
 * Verifies a copy that nobody else has open: every page, foreign keys, the schema and its history, the chain of trust and
 * the chain of the audit log. With `note`, that entry is added to the log afterwards.
 */
export async function verifyCopy(path: string, note?: AuditNote): Promise<Result<CopyFacts, CopyRefusal>> {
  let handle: Handle | undefined;
  try {
    handle = openHandle(path, { queryOnly: false, journal: 'delete' });
    const facts = await judge(handle);
    if (facts.ok && note !== undefined) {
      for (const query of noteStatements([note])) handle.run(toStatement(query));
    }
    return facts;
  } catch (error) {
    if (!isStoreError(error)) throw error;
    return refuse('damaged', error.detail);
  } finally {
    handle?.close();
  }
}

async function judge(handle: Handle): Promise<Result<CopyFacts, CopyRefusal>> {
  const rows = (sql: string) => handle.run({ sql, args: [] }).rows;
  const faults = rows('SELECT integrity_check AS fault FROM pragma_integrity_check').map(
    ({ fault }) => fault,
  );
  if (faults.length !== 1 || faults[0] !== 'ok') return refuse('damaged', `the database says: ${faults[0]}`);
  if (rows('SELECT 1 AS found FROM pragma_foreign_key_check').length > 0) {
    return refuse('damaged', 'the database refers to rows that are not there');
  }
  const database: Database = {
    isOwned: false,
    read: async (statement) => handle.run(statement).rows,
    write: () => Promise.reject(new Error('a copy is not written to')),
    close: async () => {},
  };
  let schemaVersion: number;
  try {
    schemaVersion = await appliedVersion(database, migrations);
  } catch (error) {
    const reason = error instanceof Error && 'reason' in error ? error.reason : undefined;
    if (reason !== 'newer' && reason !== 'different') throw error;
    return refuse(reason === 'newer' ? 'newer' : 'damaged', (error as Error).message);
  }
  if (schemaVersion === 0) return refuse('damaged', 'it is no database of a control plane');
  const foreign = foreignSchema(handle, schemaVersion);
  if (foreign !== null) return refuse('damaged', `it is not as the control plane makes it: ${foreign}`);
  const trust = await followTrust(database);
  if (!trust.ok) return trust;
  const audit = await followAudit(database);
  return audit.ok ? ok({ trust: trust.value, schemaVersion, audit: audit.value }) : audit;
}

const schemaSql =
  "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite\\_stat%' ESCAPE '\\'";

/**
 * What is in a database's schema and not in that of its version, or the other way round; null when they are equal. A
 * trigger or a view that somebody put into a backup would go on acting where it is restored.
 */
function foreignSchema(handle: Handle, version: number): string | null {
  const fresh = new Libsql(':memory:');
  try {
    for (const text of schemaTexts(migrations, version)) fresh.exec(text);
    const textsOf = (rows: readonly unknown[]): ReadonlyMap<string, string> =>
      new Map(
        (rows as readonly Readonly<Record<string, unknown>>[]).map(({ type, name, tbl_name: table, sql }) => [
          `${type} ${name}`,
          JSON.stringify([table, sql]),
        ]),
      );
    const wanted = textsOf(fresh.prepare(schemaSql).all([]));
    const found = textsOf(handle.run({ sql: schemaSql, args: [] }).rows);
    const names = [...new Set([...wanted.keys(), ...found.keys()])];
    return names.find((name) => wanted.get(name) !== found.get(name)) ?? null;
  } finally {
    fresh.close();
  }
}

async function followTrust(database: Database): Promise<Result<Trust | null, 'damaged'>> {
  let trust: Trust | null = null;
  for (const { version, digest, jws } of await trustStore(database).after(0)) {
    const next: Result<Trust> = await (trust === null
      ? acceptFirstTrust(jws, { digest })
      : acceptNextTrust(trust, jws));
    if (!next.ok || next.value.digest !== digest || next.value.document.version !== version) {
      return refuse('damaged', `version ${version} of the trust document does not verify`);
    }
    trust = next.value;
  }
  return ok(trust);
}

async function followAudit(database: Database): Promise<Result<ChainHead, 'damaged'>> {
  const store = auditStore(database);
  let head = await emptyHead('audit');
  for (;;) {
    const rows = await store.after(head.seq, auditBatch);
    for (const row of rows) {
      // Sealing goes in order: what follows the first that is not sealed is not sealed either.
      if (row.hash === null) return ok(head);
      const sealed = await sealEntry(head, row);
      if (row.seq !== head.seq + 1 || row.previous !== head.hash || row.hash !== sealed.head.hash) {
        return refuse('damaged', `entry ${row.seq} of the audit log does not follow the one before`);
      }
      head = sealed.head;
    }
    if (rows.length < auditBatch) return ok(head);
  }
}
