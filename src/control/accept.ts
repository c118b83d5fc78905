import type { Lock } from '../../schema/actions/action.ts';
import { actionOf } from '../../schema/actions/index.ts';
import type { Order } from '../../schema/api/orders.ts';
import type { House } from '../../schema/trust/document.ts';
import type { Step } from '../../schema/wire/intent.ts';
import type { Command } from '../domain/command.ts';
import { type Answer, type Idempotency, type Refused, refused } from '../domain/errors.ts';
import { leaseMs } from '../domain/lease.ts';
import { permissionOf } from '../domain/order.ts';
import type { Acceptance, SignedIntent } from '../domain/ports.ts';
import { type Grant, principalKey, principalText } from '../domain/principal.ts';
import { orderPhrase } from '../domain/sentence.ts';
import { expiryGraceMs } from '../domain/settle.ts';
import type { AuditLog } from './audit-log.ts';
import { maxTries } from './changes.ts';
import type { Accepted } from './control.ts';
import { bells, type ControlDeps, newId } from './deps.ts';
import { newSteps } from './mint.ts';
import type { Polls } from './relay-poll.ts';
import { readNames, type Scene } from './scene.ts';
import type { TrustKeeper } from './trust-keeper.ts';
import { commandView, commandViews } from './views.ts';

/** The locks of all steps: each thing once, exclusive where any step needs it so. */
export function locksOf(house: House, steps: readonly Step[]): Lock[] {
  const merged = new Map<string, Lock>();
  for (const step of steps) {
    for (const lock of actionOf(step.action)?.locksOf(house, step.target) ?? []) {
      if (merged.get(lock.on)?.mode !== 'exclusive') merged.set(lock.on, lock);
    }
  }
  return [...merged.values()];
}

const mismatch = (): Refused<'idempotency_mismatch'> =>
  refused('idempotency_mismatch', 'That idempotency key was used for another request before.');

/** What an idempotency key led to before: the same command again, a mismatch, or nothing yet. */
export async function replayOf(
  deps: ControlDeps,
  keeper: TrustKeeper,
  grant: Grant,
  use: Idempotency | undefined,
): Promise<Answer<Accepted, 'idempotency_mismatch'> | null> {
  if (use === undefined) return null;
  const known = await deps.store.commands.idempotent(principalKey(grant.principal), use.key);
  if (known === null) return null;
  if (known.route !== use.route || known.body !== use.body) return mismatch();
  const command = await deps.store.commands.load(known.made);
  if (command === null) return mismatch();
  const [view] = await commandViews(deps, [command], await readNames(deps, keeper));
  return { ok: true, value: { command: view!, replayed: true } };
}

/** What an idempotency key is stored with. */
export const boundTo = (grant: Grant, use: Idempotency | undefined): Acceptance['idempotency'] =>
  use === undefined ? null : { principal: principalKey(grant.principal), use };

type AcceptReason = 'locked' | 'idempotency_mismatch' | 'intent_used' | 'approval_over';

/** Stores a signed intent as a command, takes its locks, and wakes the relays that have something to do. */
export async function acceptIntent(
  deps: ControlDeps,
  keeper: TrustKeeper,
  log: AuditLog,
  polls: Pick<Polls, 'waiting'>,
  scene: Scene,
  made: {
    readonly grant: Grant;
    readonly order: Order;
    readonly signed: SignedIntent;
    readonly steps: readonly Step[];
    readonly idempotency: Idempotency | undefined;
    /** The command that waited for the approval of this intent. */
    readonly waited?: Command;
  },
): Promise<Answer<Accepted, AcceptReason>> {
  const { grant, order, signed, idempotency } = made;
  const { now, trust, names } = scene;
  const locks = locksOf(trust.document.house, made.steps);
  const steps = newSteps(signed.digest, signed.attempt, made.steps, now);
  const principal = principalText(grant.principal);
  const { waited } = made;
  const command = {
    id: waited?.id ?? newId(deps, 'cmd', now),
    order,
    state: 'running',
    code: null,
    principal: waited?.principal ?? principal,
    createdAt: waited?.createdAt ?? now,
    endedAt: null,
    dueAt: signed.expires + expiryGraceMs,
  } as const;
  const bound = boundTo(grant, idempotency);

  for (let tries = 0; tries < maxTries; tries += 1) {
    // A relay that waits gets its steps leased in the same commit.
    const waiting = new Map(
      steps.flatMap(({ relay }) => {
        const run = polls.waiting(relay);
        return run === null ? [] : [[relay, run] as const];
      }),
    );
    const outcome = await deps.store.commands.accept({
      command,
      intent: signed,
      steps,
      locks,
      idempotency: bound,
      waiting,
      leaseUntil: now + leaseMs,
      now,
      approves: waited?.revision ?? null,
      note: {
        time: now,
        event: waited === undefined ? 'command.accepted' : 'command.approved',
        principal,
        facts: {
          command: command.id,
          order: permissionOf(order),
          intent: signed.digest,
          signer: signed.signer,
          steps: steps.length,
        },
      },
    });
    switch (outcome) {
      case 'accepted': {
        for (const name of new Set(
          steps.filter((step) => step.state === 'queued').map((step) => step.relay),
        )) {
          deps.doorbell.ring(bells.relay(name));
        }
        if (waited !== undefined) deps.doorbell.ring(bells.command(command.id));
        deps.doorbell.ring(bells.timer);
        log.grew();
        const stored = { ...command, revision: (waited?.revision ?? 0) + 1, intents: [signed], steps };
        return { ok: true, value: { command: commandView(stored, [], names), replayed: false } };
      }
      case 'stale':
        return refused('approval_over', 'Somebody approved or denied it at the same time.');
      case 'intent_used':
        return refused('intent_used', 'That signed intent was submitted before. Plan and sign anew.');
      case 'idempotency_taken': {
        const replay = await replayOf(deps, keeper, grant, idempotency);
        if (replay !== null) return replay;
        break;
      }
      case 'locked': {
        const holder = await deps.store.commands.holderOf(locks);
        // It was let go in between: try again.
        if (holder === null) break;
        return refused(
          'locked',
          `Could not ${orderPhrase(order, names)}: ${holder.principal} ordered to ${orderPhrase(holder.order, names)}, which is not done yet.`,
          { heldBy: holder.command },
        );
      }
    }
  }
  throw new Error('what refused a command was gone whenever it was looked for');
}
