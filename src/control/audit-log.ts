import { type ChainHead, emptyHead } from '../../schema/chain/chain.ts';
import { auditText, sealEntry } from '../domain/audit-export.ts';
import type { AuditNote, AuditRow } from '../domain/ports.ts';
import { bells, type ControlDeps } from './deps.ts';

/** The audit log as the rest of control sees it. */
export type AuditLog = {
  /** To be called once entries were written with their fact: tells the listeners and has them sealed. */
  grew(): void;
  /** Writes entries that stand for themselves. */
  add(notes: readonly AuditNote[]): Promise<void>;
  /** Seals all there is; entries written meanwhile too. */
  seal(): Promise<void>;
  /** The last sealed head. Never waits for sealing. */
  head(): Promise<ChainHead>;
};

const sealBatch = 200;

/** The JSON text of a sealed entry. */
export const textOf = (row: AuditRow): string => {
  if (row.previous === null) throw new Error('an entry that is not sealed has no text yet');
  return auditText({ ...row, previous: row.previous });
};

/**
 * Entries are written unsealed with their fact, in any number at once; the seal that chains them follows in
 * order. It depends on nothing but the entries, so that two who seal the same give the same.
 */
export function createAuditLog(deps: ControlDeps): AuditLog {
  const { store, doorbell, log } = deps;
  let known: ChainHead | null = null;
  let sealing: Promise<void> | null = null;
  let again = false;

  const sealOnce = async (): Promise<void> => {
    for (;;) {
      const rows = await store.audit.unsealed(sealBatch);
      if (rows.length === 0) return;
      let head = (await store.audit.sealedHead()) ?? (await emptyHead('audit'));
      const seals = [];
      for (const row of rows) {
        if (row.seq !== head.seq + 1) return;
        const sealed = await sealEntry(head, row);
        seals.push({ seq: row.seq, previous: head.hash, hash: sealed.head.hash });
        head = sealed.head;
      }
      await store.audit.seal(seals);
      known = head;
    }
  };

  const seal = async (): Promise<void> => {
    if (sealing !== null) {
      again = true;
      return sealing;
    }
    sealing = (async () => {
      do {
        again = false;
        await sealOnce();
      } while (again);
    })();
    try {
      await sealing;
    } finally {
      sealing = null;
    }
  };

  const grew = (): void => {
    doorbell.ring(bells.audit);
    seal().catch((error: unknown) => {
      log('error', 'audit.seal_failed', { cause: String(error) });
    });
  };

  return {
    grew,
    add: async (notes) => {
      await store.audit.add(notes);
      grew();
    },
    seal,
    head: async () => {
      known ??= await store.audit.sealedHead();
      return known ?? emptyHead('audit');
    },
  };
}
