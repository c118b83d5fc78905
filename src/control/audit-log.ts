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
  /** Seals all there is, and stores the seals; entries written meanwhile too. */
  seal(): Promise<void>;
  /** The last sealed head. Waits for sealing only the first time. */
  head(): Promise<ChainHead>;
};

const readBatch = 200;
/** Seals that wait to be stored: a commit of their own for every few entries would be most of a job's work. */
const maxPending = 200;

type Seal = { readonly seq: number; readonly previous: string; readonly hash: string };

/** The JSON text of a sealed entry. */
export const textOf = (row: AuditRow): string => {
  if (row.previous === null) throw new Error('an entry that is not sealed has no text yet');
  return auditText({ ...row, previous: row.previous });
};

/**
 * Entries are written unsealed with their fact, in any number at once; the seal that chains them follows in
 * order. It depends on nothing but the entries, so that two who seal the same give the same, and a seal that a
 * crash keeps from being stored is found again.
 */
export function createAuditLog(deps: ControlDeps): AuditLog {
  const { store, doorbell, log } = deps;
  let known: ChainHead | null = null;
  let pending: Seal[] = [];
  let isStoreWanted = false;
  let sealing: Promise<void> | null = null;
  let again = false;

  const sealOnce = async (): Promise<void> => {
    const mustStore = isStoreWanted;
    isStoreWanted = false;
    for (;;) {
      let head = known ?? (await store.audit.sealedHead()) ?? (await emptyHead('audit'));
      const rows = await store.audit.after(head.seq, readBatch);
      const seals: Seal[] = [];
      for (const row of rows) {
        if (row.seq !== head.seq + 1) break;
        const sealed = await sealEntry(head, row);
        seals.push({ seq: row.seq, previous: head.hash, hash: sealed.head.hash });
        head = sealed.head;
      }
      pending = [...pending, ...seals];
      known = head;
      if (mustStore || pending.length >= maxPending) {
        if (pending.length > 0) await store.audit.seal(pending);
        pending = [];
      }
      if (seals.length < readBatch) return;
    }
  };

  const sealInTurn = async (): Promise<void> => {
    if (sealing !== null) {
      again = true;
      return sealing;
    }
    sealing = (async () => {
      do {
        // Several that grew at one moment are sealed in one go.
        await Promise.resolve();
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
    sealInTurn().catch((error: unknown) => {
      log('error', 'audit.seal_failed', { cause: String(error) });
    });
  };

  return {
    grew,
    add: async (notes) => {
      await store.audit.add(notes);
      grew();
    },
    seal: () => {
      isStoreWanted = true;
      return sealInTurn();
    },
    head: async () => {
      // Relays remember heads: one that is behind what was signed before a crash would look like a rewritten past.
      if (known === null) await sealInTurn();
      return known ?? emptyHead('audit');
    },
  };
}
