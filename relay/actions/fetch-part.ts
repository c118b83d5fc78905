import * as v from 'valibot';
import { lackingFor } from '../../schema/change/part-needs.ts';
import { parseStrictJson } from '../../schema/jose/strict-json.ts';
import { ok, type Result, refuse } from '../../schema/result.ts';
import { judgePart, unitsOf } from '../../schema/trust/judge-part.ts';
import { judgeUnit } from '../../schema/trust/judge-unit.ts';
import { maxBlobBytes } from '../../schema/wire/limits.ts';
import { releasePartSchema } from '../../schema/wire/release.ts';
import type { Wanted } from '../deploy/stage.ts';
import type { ActionPorts, CheckContext } from './action.ts';

/** What a part is judged by, and where its bytes come from. */
export type PartContext = Pick<CheckContext, 'target' | 'relay' | 'params' | 'paths' | 'signal'> & {
  /** As the house says; the helper, which brings no part to a virtual machine, leaves it out. */
  readonly guest?: CheckContext['guest'];
  readonly ports: Pick<ActionPorts, 'blob'>;
};

/** Unit files that are asked for at once. */
const unitsAtOnce = 4;

/**
 * The part that an order names, and that may be applied to the step's target: its bytes are those that were signed,
 * it is of this target and relay, all in it can be done and is granted, and its units leave Writ's own alone.
 */
export async function fetchPart(ctx: PartContext): Promise<Result<Wanted, string>> {
  const digest = String(ctx.params.part);
  const bytes = await ctx.ports.blob(digest, ctx.signal);
  if (!bytes.ok) return bytes;
  const json = parseStrictJson(bytes.value, { maxBytes: maxBlobBytes });
  const parsed = json.ok ? v.safeParse(releasePartSchema, json.value) : null;
  if (parsed?.success !== true) return refuse('part_malformed', digest);
  const part = parsed.output;
  if (part.target !== ctx.target || part.relay !== ctx.relay) {
    return refuse('part_foreign', `it is for ${part.target} by ${part.relay ?? 'nobody'}`);
  }
  const lacking = lackingFor(part, ctx.guest?.kind === 'qemu');
  if (lacking.length > 0) return refuse('part_needs_more', lacking.join(', '));
  const judged = judgePart(ctx.paths, part);
  if (!judged.ok) return judged;
  const units = await judgeUnits(ctx, unitsOf(part));
  return units.ok ? ok({ part, bytes: bytes.value, digest }) : units;
}

async function judgeUnits(
  ctx: PartContext,
  units: readonly { readonly name: string; readonly digest: string }[],
): Promise<Result<true, string>> {
  for (let at = 0; at < units.length; at += unitsAtOnce) {
    const judged = await Promise.all(
      units.slice(at, at + unitsAtOnce).map(async ({ name, digest }): Promise<Result<true, string>> => {
        const bytes = await ctx.ports.blob(digest, ctx.signal);
        if (!bytes.ok) return bytes;
        const fault = judgeUnit(name, new TextDecoder().decode(bytes.value));
        return fault === null ? ok(true) : refuse(fault.code, fault.detail);
      }),
    );
    const refused = judged.find((one) => !one.ok);
    if (refused !== undefined) return refused;
  }
  return ok(true);
}
