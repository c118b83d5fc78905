import { actionOf } from '../../schema/actions/index.ts';
import { digestOf } from '../../schema/jose/digest.ts';
import { verifyJws } from '../../schema/jose/jws.ts';
import { controllerName } from '../../schema/trust/document.ts';
import { keyOf } from '../../schema/trust/evaluate.ts';
import type { Trust } from '../../schema/trust/read.ts';
import { maxReceiptBytes } from '../../schema/wire/limits.ts';
import { type Receipt, receiptSchema } from '../../schema/wire/receipt.ts';
import { releaseAction } from '../../schema/wire/release-order.ts';
import type { Command } from '../domain/command.ts';
import { type Answer, type RelayReason, refused } from '../domain/errors.ts';
import type { AuditNote, CommandUpdate, StoredReceipt } from '../domain/ports.ts';
import { buckets } from '../domain/rate.ts';
import type { DeploymentUpdate } from '../domain/release-ports.ts';
import { applyPoweringOff, applyReceipt, type Change, endsWithItsHost } from '../domain/settle.ts';
import type { AuditLog } from './audit-log.ts';
import { maxTries, ringFor, stillAllowed, toUpdate } from './changes.ts';
import type { RelayCaller, RelayControl } from './control.ts';
import { bells, type ControlDeps } from './deps.ts';
import { createPartJudge, tellPart } from './part-receipts.ts';
import { gapNotes, noteOfReceipt } from './receipt-notes.ts';
import type { TrustKeeper } from './trust-keeper.ts';

/**
 * Receipts that say nothing of any order are kept as well: a store that was restored has forgotten orders. Nobody has
 * many of them, but for whoever fills the disk by a stolen key.
 */
const strayLimits = { burst: 1_000, everyMs: 60_000, maxKeys: 10_000 };

/** A receipt with what it changes. */
type Brought = {
  readonly stored: StoredReceipt;
  readonly update: CommandUpdate | DeploymentUpdate | null;
  readonly notes: readonly AuditNote[];
};

/** What a verified receipt is to a command: part of it, or not, and then why not. */
type Judged = { readonly change: Change } | { readonly event: string };

export function createReceipts(
  deps: ControlDeps,
  keeper: TrustKeeper,
  log: AuditLog,
): Pick<RelayControl, 'receipts'> {
  const { store, clock, doorbell } = deps;
  /** Which receipt each relay posted although earlier ones are missing here, and where it was told that they are. */
  const strays = buckets(strayLimits);
  const told = new Map<string, { readonly held: number; readonly first: number }>();

  const verify = async (
    trust: Trust,
    relay: RelayCaller,
    jws: string,
  ): Promise<Answer<Receipt, RelayReason>> => {
    const verified = await verifyJws('receipt', jws, {
      maxBytes: maxReceiptBytes,
      findKey: keyOf(trust, 'relay', relay.name),
      schema: receiptSchema,
    });
    if (!verified.ok) {
      return refused(
        'receipt_malformed',
        `A receipt does not verify (${verified.detail ?? verified.reason}).`,
      );
    }
    const receipt = verified.value.payload;
    if (
      receipt.home !== trust.document.home ||
      receipt.relay !== relay.name ||
      verified.value.key.kid !== relay.kid
    ) {
      return refused('receipt_foreign', 'A receipt is of another home or another relay.');
    }
    return { ok: true, value: receipt };
  };

  /** What a receipt makes of its command. A contradiction is kept and noted, and changes nothing. */
  const judge = (trust: Trust, command: Command | null, receipt: Receipt): Judged => {
    if (command === null) {
      const action = actionOf(receipt.action);
      const doer = action?.byItself === true ? action.relayFor(trust.document.house, receipt.target) : null;
      const isStanding = doer?.ok === true && doer.value === receipt.relay;
      return { event: isStanding ? 'receipt.standing' : 'receipt.unknown' };
    }
    const step = command.steps.find((one) => one.intent === receipt.intent && one.step === receipt.step);
    const fits =
      step?.relay === receipt.relay && step.action === receipt.action && step.target === receipt.target;
    if (step === undefined || !fits) return { event: 'receipt.mismatched' };
    const intent = command.intents.find((one) => one.digest === receipt.intent)!;
    const attempt = command.steps.filter((one) => one.intent === receipt.intent);
    const mayRetry = intent.signer === controllerName && stillAllowed(trust, controllerName, attempt);
    const change = applyReceipt(command, withFittingResult(receipt), clock.now(), mayRetry);
    return change === null ? { event: 'receipt.contradicts' } : { change };
  };

  /** A host may say that it powers off before its receipt of the start is here. */
  const withPoweringOff = async (relay: RelayCaller, receipt: Receipt, change: Change): Promise<Change> => {
    if (receipt.state !== 'started' || !endsWithItsHost(receipt.action)) return change;
    const record = await store.relays.find(relay.kid);
    const said = record?.report?.progress.some(
      (one) => one.phase === 'powering_off' && one.intent === receipt.intent && one.step === receipt.step,
    );
    if (said !== true) return change;
    const after = applyPoweringOff(change.command, relay.name, receipt.intent, receipt.step, clock.now());
    return after === null
      ? change
      : { ...after, steps: change.steps, release: change.release || after.release };
  };

  /** What receipts bring, one after the other, as if each were stored when the next is judged. */
  const bringOf = async (
    trust: Trust,
    relay: RelayCaller,
    links: readonly StoredReceipt[],
  ): Promise<readonly Brought[]> => {
    const brought: Brought[] = [];
    const commands = new Map<string, Command | null>();
    const judgePart = createPartJudge(deps);
    for (const stored of links) {
      const { receipt } = stored;
      if (receipt.action === releaseAction) {
        const part = await judgePart(withFittingResult(receipt));
        if (part.update === null && strays.take(relay.kid, clock.now()) > 0) break;
        brought.push({ stored, ...part });
        continue;
      }
      const command = commands.has(receipt.intent)
        ? commands.get(receipt.intent)!
        : await store.commands.loadByIntent(receipt.intent);
      const judged = judge(trust, command, receipt);
      if (!('change' in judged)) {
        if (strays.take(relay.kid, clock.now()) > 0) break;
        const notes = [noteOfReceipt(receipt, judged.event, { command: command?.id ?? null }, clock.now())];
        brought.push({ stored, update: null, notes });
        continue;
      }
      const change = await withPoweringOff(relay, receipt, judged.change);
      const notes = [
        noteOfReceipt(receipt, `receipt.${receipt.state}`, { command: change.command.id }, clock.now()),
      ];
      const update = await toUpdate(deps, trust.document.home, command!, change, notes);
      brought.push({ stored, update, notes: [] });
      // A further attempt is not in the command at hand: what comes after is judged once it is stored.
      if (update.next !== null) break;
      const after = { ...change.command, revision: change.command.revision + 1 };
      for (const { digest } of after.intents) commands.set(digest, after);
    }
    return brought;
  };

  /**
   * Stores receipts that continue the chain, with all that they bring. They are handed to the store together, so
   * that all of a post cost one commit; one that is not stored keeps out those after it, because they do not
   * continue the chain then. A database over the network may run them in another order: what came too early is
   * handed over again.
   */
  const take = async (
    trust: Trust,
    relay: RelayCaller,
    links: readonly StoredReceipt[],
  ): Promise<'stored' | 'chain' | 'limited'> => {
    let left = links;
    for (let tries = 0; tries < maxTries; ) {
      const brought = await bringOf(trust, relay, left);
      if (brought.length === 0) return 'limited';
      const outcomes = await Promise.all(
        brought.map(({ stored, update, notes }) =>
          store.commands.addReceipt(stored, update, [...gapNotes(stored), ...notes]),
        ),
      );
      const failed = outcomes.findIndex((outcome) => outcome !== 'stored');
      const stored = failed < 0 ? brought : brought.slice(0, failed);
      for (const { stored: link, update } of stored) {
        if (update === null) log.grew();
        else if ('command' in update) ringFor(deps, log, update);
        else await tellPart(deps, log, update, link.receipt);
      }
      if (outcomes[0] === 'chain') return 'chain';
      left = left.slice(stored.length);
      if (left.length === 0) return 'stored';
      if (stored.length === 0) tries += 1;
    }
    throw new Error('a command was changed by others too often');
  };

  return {
    receipts: async (relay, receipts) => {
      const trust = await keeper.current();
      if (trust === null) return refused('not_set_up', 'Nobody has claimed this control plane yet.');
      /** The head of what is stored, and what gathers to be stored behind it. */
      let held = (await store.relays.find(relay.kid))?.receipts ?? {
        seq: 0,
        hash: await digestOf('receipt', ''),
      };
      let links: StoredReceipt[] = [];
      let isLimited = false;
      const takeLinks = async (): Promise<Receipt | null> => {
        const taken = links;
        links = [];
        if (taken.length === 0) return null;
        const outcome = await take(trust, relay, taken);
        isLimited = outcome === 'limited';
        for (const { receipt, hash } of taken) {
          // The same may have been posted at the same time by another request, which is not through with all of it.
          const known = outcome === 'stored' ? { hash } : await store.relays.receipt(relay.kid, receipt.seq);
          if (known === null) return null;
          if (known.hash !== hash) return receipt;
          held = { seq: receipt.seq, hash };
        }
        return null;
      };
      let isGapKnown = false;
      for (const [index, jws] of receipts.entries()) {
        const verified = await verify(trust, relay, jws);
        if (!verified.ok) {
          await takeLinks();
          return verified;
        }
        const receipt = verified.value;
        const hash = await digestOf('receipt', jws);
        const last = links.at(-1);
        const head = last === undefined ? held : { seq: last.receipt.seq, hash: last.hash };
        if (receipt.seq > head.seq + 1) {
          if (index === 0) {
            const before = told.get(relay.kid);
            isGapKnown = before?.held === head.seq && before.first === receipt.seq;
            told.delete(relay.kid);
            if (!isGapKnown) told.set(relay.kid, { held: head.seq, first: receipt.seq });
          }
          if (!isGapKnown) break;
          // The relay was told what is missing, and has it no more: this store lost what it once confirmed.
          links.push({
            kid: relay.kid,
            hash,
            jws,
            receivedAt: clock.now(),
            receipt,
            lost: { after: head.seq },
          });
          continue;
        }
        if (receipt.seq <= head.seq) {
          await takeLinks();
          const known = await store.relays.receipt(relay.kid, receipt.seq);
          if (known !== null && known.hash !== hash) return forked(relay, receipt);
          continue;
        }
        if (receipt.previous !== head.hash) {
          await takeLinks();
          return forked(relay, receipt);
        }
        links.push({ kid: relay.kid, hash, jws, receivedAt: clock.now(), receipt });
      }
      const foreign = await takeLinks();
      if (foreign !== null) return forked(relay, foreign);
      if (isLimited) {
        deps.log('error', 'relay.stray_receipts', { relay: relay.name, held: held.seq });
        return refused('rate_limited', `${relay.name} posts too much that belongs to no order.`);
      }
      // Its parked poll learns that a step is done, so that locks on the relay's side make room.
      doorbell.ring(bells.relay(relay.name));
      return { ok: true, value: { receipts_seq: held.seq } };
    },
  };

  async function forked(relay: RelayCaller, receipt: Receipt) {
    deps.log('error', 'relay.receipts_forked', { relay: relay.name, seq: receipt.seq });
    return refused(
      'receipt_chain',
      `Receipt ${receipt.seq} of ${relay.name} does not continue the chain that is held.`,
    );
  }
}

/**
 * A result of another shape than its action's is left out: nothing may be read from it. What a failure carries is for
 * the owner, and stays in the receipt itself.
 */
function withFittingResult(receipt: Receipt): Receipt {
  if (receipt.result === null) return receipt;
  if (receipt.state !== 'succeeded') return { ...receipt, result: null };
  return actionOf(receipt.action)?.acceptsResult(receipt.result) === true
    ? receipt
    : { ...receipt, result: null };
}
