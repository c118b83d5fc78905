import * as v from 'valibot';
import { releaseHeal as card } from '../../schema/actions/release-heal.ts';
import { digestBytes } from '../../schema/jose/digest.ts';
import { ok, type Result, refuse } from '../../schema/result.ts';
import { maxBlobBytes } from '../../schema/wire/limits.ts';
import { createTargetLook } from '../deploy/look-target.ts';
import type { Wanted } from '../deploy/stage.ts';
import { blobPath, readTargetState } from '../deploy/target-state.ts';
import type { Machine } from '../machine/machine.ts';
import type { CheckContext, RelayAction } from './action.ts';
import { applyPart, settlePart } from './apply-part.ts';
import { outcomeOfPart } from './by-helper.ts';
import { fetchPart } from './fetch-part.ts';
import { failedBy } from './guest.ts';
import { openTarget } from './open-target.ts';
import { codeOfReason } from './release-code.ts';

const readMs = 120_000;

/** Only what is in force already is brought, and only where it does what its grant lets releases touch. */
export const releaseHeal: RelayAction = {
  precheckMs: readMs,
  observeMs: card.lifetimeMs,
  async precheck(ctx) {
    const found = await find(ctx);
    return found.ok ? ok(true) : found;
  },
  async act(ctx) {
    const found = await find(ctx);
    if (!found.ok) return failedBy(found);
    const { machine, wanted, blob } = found.value;
    const end = await applyPart(
      {
        machine,
        clock: ctx.ports.clock,
        signal: ctx.signal,
        blob,
        progress: ctx.progress,
        watchPath: ctx.ports.watchPath,
        recipients: ctx.recipients,
        leaves: ctx.ports.leaves,
      },
      wanted,
      false,
    );
    return outcomeOfPart(end);
  },
  async observe(ctx) {
    const machine = await openTarget(ctx);
    if (!machine.ok) return failedBy(machine, 'unknown');
    const end = await settlePart(machine.value, v.parse(card.params, ctx.params).part);
    if (!end.ok) return failedBy(end, 'unknown');
    const seen = end.value.state === 'succeeded' ? await createTargetLook(machine.value)() : null;
    const isBack = seen === null || (seen.ok && seen.value.drift.every(({ kind }) => kind !== 'file'));
    return isBack ? outcomeOfPart(end.value) : { state: 'failed', code: 'activation_undone' };
  },
};

/** The part in force, if it is still the one that is meant, by what the target keeps of it, or else the API. */
async function find(ctx: CheckContext): Promise<
  Result<
    {
      readonly machine: Machine;
      readonly wanted: Wanted;
      blob(digest: string): ReturnType<typeof ctx.ports.blob>;
    },
    string
  >
> {
  const opened = await openTarget(ctx);
  if (!opened.ok) return opened;
  const machine = opened.value;
  const state = await readTargetState(machine);
  if (!state.ok) return refuse(codeOfReason(state.reason), state.detail);
  const { current, pending, quarantined } = state.value;
  if (current !== ctx.params.part || pending !== null) {
    return refuse('target_changed', 'another release is in force, or on its way');
  }
  if (quarantined.some(({ part }) => part === current)) {
    return refuse('part_quarantined', 'it failed here before');
  }
  const blob = async (digest: string) => {
    const kept = await machine.read(blobPath(digest), maxBlobBytes);
    const isIt = kept.ok && (await digestBytes(kept.value)) === digest;
    return isIt ? ok(kept.value) : ctx.ports.blob(digest, ctx.signal);
  };
  const wanted = await fetchPart({ ...ctx, ports: { blob } });
  if (!wanted.ok) return wanted;
  // What is in force is the target's word, and what it holds may be the target's own work.
  if (!ctx.ports.leaves.knows(ctx.target, wanted.value)) {
    return refuse(
      'certificate_not_ordered',
      `its part ${current} names other certificates than were ordered`,
    );
  }
  // What somebody put beside its files is none of its business: nobody has looked at it.
  const apps = wanted.value.part.apps.map((app) => ({ ...app, prune: [] }));
  return ok({ machine, wanted: { ...wanted.value, part: { ...wanted.value.part, apps } }, blob });
}
