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

/** What is known of numbers that are not this desk's. */
export type NumbersSeen = {
  /** The highest number of a release that a relay signed to have begun; null where none is known. */
  readonly proven: ReleaseOrderNumber | null;
  /** Whether trust names a workflow, whose releases have numbers of their own. */
  readonly workflows: boolean;
};

/** Homes whose desk was lost go on at what the control plane says: more than so many releases no desk signs. */
const maxJump = 1_000_000;

/**
 * The number of the next release from this desk: above all that was signed here, above all that relays signed to have
 * begun, and above what the control plane knows of. A control plane that is taken would have the highest of all numbers
 * signed, after which a target takes nothing any more; so it may not go far ahead, and of a workflow's run it is not
 * believed: a run that no relay has begun keeps no target from a lower number.
 */
export function nextNumber(
  { last }: Desk,
  offered: ReleaseOrderNumber,
  { proven, workflows }: NumbersSeen,
): Result<ReleaseOrderNumber, 'release_number'> {
  const [known] = [last, proven, { run_id: 0, run_attempt: 0, desk: 0 }]
    .filter((one) => one !== null)
    .sort((a, b) => compareOrders(b, a)) as [ReleaseOrderNumber];
  if (
    offered.run_id > known.run_id ||
    (offered.run_id === known.run_id && offered.run_attempt > known.run_attempt)
  ) {
    return workflows
      ? ok({ ...known, desk: known.desk + 1 })
      : refuse(
          'release_number',
          `run ${offered.run_id} of a workflow, and trust names no workflow that may deploy`,
        );
  }
  if (offered.desk > known.desk + maxJump) {
    return refuse(
      'release_number',
      `number ${offered.desk}, far above ${known.desk}, the last that was signed here`,
    );
  }
  return ok(compareOrders(offered, known) > 0 ? offered : { ...known, desk: known.desk + 1 });
}
