import * as v from 'valibot';
import { type Digest, digestSchema } from '../../../schema/jose/digest.ts';
import { ok, type Result, refuse } from '../../../schema/result.ts';
import { countSchema, deploymentIdSchema } from '../../../schema/wire/ids.ts';
import { compareOrders, type ReleaseOrderNumber } from '../../../schema/wire/release-order.ts';
import { readConfigFile, writeConfigFile } from '../config-file.ts';
import type { Failure } from '../outcome.ts';

const file = 'deploys.json';
const mostKept = 500;
const mostNamed = 100;

const deskSchema = v.strictObject({
  v: v.literal(1),
  /** The highest number that was signed here; null before the first. */
  last: v.nullable(v.strictObject({ run_id: countSchema, run_attempt: countSchema, desk: countSchema })),
  /** What was signed here, the newest last. */
  signed: v.pipe(v.array(digestSchema), v.maxLength(mostKept)),
  /** What the control plane called the latest of these, when it accepted them. */
  named: v.optional(
    v.pipe(v.array(v.strictObject({ id: deploymentIdSchema, digest: digestSchema })), v.maxLength(mostNamed)),
  ),
});
/** What this computer remembers of the releases that it signed: a control plane's word for them is not enough. */
export type Desk = v.InferOutput<typeof deskSchema>;

export function readDesk(configDir: string): { ok: true; value: Desk } | Failure {
  const kept = readConfigFile(configDir, file, deskSchema, 128 * 1024);
  return kept.ok ? ok(kept.value ?? { v: 1, last: null, signed: [] }) : kept;
}

/** Remembers an order before it is sent: whatever becomes of the answer, its number is used up. */
export function rememberOrder(
  configDir: string,
  desk: Desk,
  number: ReleaseOrderNumber,
  digest: Digest,
): Desk {
  const signed = [...desk.signed.filter((one) => one !== digest), digest].slice(-mostKept);
  const next: Desk = { ...desk, last: number, signed };
  writeConfigFile(configDir, file, next);
  return next;
}

/** Remembers what an order is called, so that no other order's outcome can be told under its name. */
export function rememberName(configDir: string, desk: Desk, id: string, digest: Digest): Desk {
  const others = (desk.named ?? []).filter((one) => one.id !== id);
  const next: Desk = { ...desk, named: [...others, { id, digest }].slice(-mostNamed) };
  writeConfigFile(configDir, file, next);
  return next;
}

/** What was signed here under a deployment's id; null where that is not known. */
export const digestNamed = ({ named = [] }: Desk, id: string): Digest | null =>
  named.find((one) => one.id === id)?.digest ?? null;

/** Homes whose desk was lost go on at what the control plane says: more than so many releases no desk signs. */
const maxJump = 1_000_000;

/**
 * The number of the next release from this desk: above all that was signed here, and above what the control plane
 * knows of. A control plane that is taken would have the highest of all numbers signed, after which a target takes
 * nothing any more; so it may not go far ahead, and of a workflow's run a relay must have signed that it began it.
 *
 * @param begun the highest number of those that relays began; null: none
 */
export function nextNumber(
  { last }: Desk,
  offered: ReleaseOrderNumber,
  begun: ReleaseOrderNumber | null,
): Result<ReleaseOrderNumber, 'release_number'> {
  const signed = last ?? { run_id: 0, run_attempt: 0, desk: 0 };
  const known = begun !== null && compareOrders(begun, signed) > 0 ? begun : signed;
  if (isRunAfter(offered, known)) {
    return refuse(
      'release_number',
      `attempt ${offered.run_attempt} of run ${offered.run_id} of a workflow, which no relay has signed to have begun`,
    );
  }
  const desk = Math.max(known.desk, signed.desk);
  if (offered.desk > desk + maxJump) {
    return refuse(
      'release_number',
      `number ${offered.desk}, far above ${desk}, the last that was signed here`,
    );
  }
  return ok(compareOrders(offered, known) > 0 ? offered : { ...known, desk: known.desk + 1 });
}

/** Whether a number is of another run of a workflow than one knows, and of a later one. */
export const isRunAfter = (offered: ReleaseOrderNumber, known: ReleaseOrderNumber | null): boolean =>
  compareOrders({ ...offered, desk: 0 }, { ...(known ?? { run_id: 0, run_attempt: 0 }), desk: 0 }) > 0;
