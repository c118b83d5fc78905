import type { Receipt } from '../../schema/wire/receipt.ts';
import type { AuditNote, StoredReceipt } from '../domain/ports.ts';

/** What is noted of receipts that are lost before one. */
export const gapNotes = ({ receipt, receivedAt, lost }: StoredReceipt): AuditNote[] =>
  lost === undefined
    ? []
    : [
        {
          time: receivedAt,
          event: 'receipt.gap',
          principal: `relay:${receipt.relay}`,
          facts: { from: lost.after + 1, to: receipt.seq - 1 },
        },
      ];

/** What is noted of a receipt, about the command or the deployment that it belongs to. */
export const noteOfReceipt = (
  receipt: Receipt,
  event: string,
  about: { readonly command: string | null } | { readonly deployment: string | null },
  now: number,
): AuditNote => ({
  time: now,
  event,
  principal: `relay:${receipt.relay}`,
  facts: {
    ...about,
    intent: receipt.intent,
    step: receipt.step,
    action: receipt.action,
    target: receipt.target,
    state: receipt.state,
    code: receipt.code,
    seq: receipt.seq,
  },
});
