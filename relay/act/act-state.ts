import * as v from 'valibot';
import { digestSchema, toBytes } from '../../schema/jose/digest.ts';
import { parsePayload } from '../../schema/jose/jws.ts';
import { ok, type Result, refuse } from '../../schema/result.ts';
import {
  acceptFirstTrust,
  followTrustChain,
  type Trust,
  type TrustRefusal,
} from '../../schema/trust/read.ts';
import { countSchema, homeIdSchema, nameSchema, timeSchema } from '../../schema/wire/ids.ts';
import { maxTrustBytes } from '../../schema/wire/limits.ts';
import { recordOf } from '../../schema/wire/record.ts';
import { type TrustJws, trustJwsSchema } from '../../schema/wire/relay-api.ts';
import { releaseOrderSchema } from '../../schema/wire/release-order.ts';
import { type Disk, diskFault } from '../agent/disk.ts';
import { createTurns } from '../agent/turns.ts';
import { type ActOutcome, actOutcomeSchema } from '../drivers/act-messages.ts';

/** Where the helper keeps what it obeys and what it did: root's alone, so that the relay cannot write it. */
export const actFolder = '/var/lib/writ-relay-act';
export const actStateFile = 'state.json';
const maxStateBytes = 4 * maxTrustBytes;

const orderedSchema = v.strictObject({
  /** The highest order that was followed on this target, or refused for good. It only goes up. */
  order: releaseOrderSchema.entries.order,
  /** Of that order's bytes, and of the part that it wants there. */
  digest: digestSchema,
  part: digestSchema,
  at: timeSchema,
  /** What came of it; null while it is at work, and after a crash. */
  outcome: v.nullable(actOutcomeSchema),
});
/** What a target was ordered last. */
export type Ordered = v.InferOutput<typeof orderedSchema>;

const fileSchema = v.strictObject({
  v: v.literal(1),
  home: homeIdSchema,
  /** This host, as the owner named it when it was enrolled. */
  relay: nameSchema,
  /** Orders that were issued before are not followed. */
  not_before: timeSchema,
  /** The last time that a time source vouched for, 0 before the first. */
  time: timeSchema,
  /** The trust document in force, and its digest. */
  trust: v.strictObject({ version: countSchema, digest: digestSchema, jws: trustJwsSchema }),
  targets: recordOf(nameSchema, orderedSchema),
});
type File = v.InferOutput<typeof fileSchema>;

export type ActStateRefusal =
  | 'act_not_seeded'
  | 'act_state_unreadable'
  | 'act_state_malformed'
  | TrustRefusal;
export type Unwritable = 'act_state_unwritable';

export type ActState = {
  readonly home: string;
  readonly relay: string;
  readonly notBefore: number;
  time(): number;
  trust(): Trust;
  targets(): ReadonlyMap<string, Ordered>;
  /**
   * Follows versions from the one in force as far as they hold, and keeps what was accepted before it is in force.
   * `refusal` is why the first that was not accepted was not; what is not newer is passed over.
   */
  follow(
    versions: readonly TrustJws[],
  ): Promise<Result<{ readonly refusal: { reason: TrustRefusal; detail?: string } | null }, Unwritable>>;
  /** Writes down durably what a target was ordered, and the time where it is vouched for, before anything is done. */
  order(target: string, ordered: Ordered, time: number | null): Promise<Result<true, Unwritable>>;
  /** Writes down what came of the last order of a target. */
  end(target: string, outcome: ActOutcome): Promise<Result<true, Unwritable>>;
};

const trustMember = ({ document, digest, jws }: Trust): File['trust'] => ({
  version: document.version,
  digest,
  jws,
});

const write = async (disk: Disk, file: File): Promise<Result<true, Unwritable>> => {
  try {
    await disk.replace(actStateFile, toBytes(JSON.stringify(file)));
    return ok(true);
  } catch (error) {
    return refuse('act_state_unwritable', diskFault(error));
  }
};

/**
 * Makes the state of a helper that was just told whom to obey, at the console, in place of any earlier one. Without
 * `before`, the orders that it knew of are forgotten, and those that were issued until now are not followed.
 */
export const seedActState = (
  disk: Disk,
  made: {
    readonly relay: string;
    readonly trust: Trust;
    readonly now: number;
    readonly before?: Pick<ActState, 'notBefore' | 'time' | 'targets'>;
  },
): Promise<Result<true, Unwritable>> =>
  write(disk, {
    v: 1,
    home: made.trust.document.home,
    relay: made.relay,
    not_before: made.before?.notBefore ?? made.now,
    time: made.before?.time() ?? 0,
    trust: trustMember(made.trust),
    targets: Object.fromEntries(made.before?.targets() ?? []),
  });

/**
 * Takes the wall clock as right, because whoever is at the console says so: the time that was written down was ahead
 * once. Nothing where there is no state.
 */
export async function acceptActClock(
  disk: Disk,
  now: number,
): Promise<Result<true, Unwritable | ActStateRefusal>> {
  const file = await read(disk);
  if (!file.ok) return file.reason === 'act_not_seeded' ? ok(true) : file;
  return write(disk, { ...file.value, time: Math.min(file.value.time, now) });
}

async function read(disk: Disk): Promise<Result<File, ActStateRefusal>> {
  let bytes: Uint8Array | null;
  try {
    bytes = await disk.read(actStateFile);
  } catch (error) {
    return refuse('act_state_unreadable', diskFault(error));
  }
  if (bytes === null) return refuse('act_not_seeded');
  const parsed = parsePayload(bytes, fileSchema, maxStateBytes);
  return parsed.ok ? parsed : refuse('act_state_malformed', parsed.detail ?? parsed.reason);
}

/** Opens it. Whatever is missing or broken, nothing is done until somebody at the console mends it. */
export async function openActState(disk: Disk): Promise<Result<ActState, ActStateRefusal>> {
  const stored = await read(disk);
  if (!stored.ok) return stored;
  let file = stored.value;
  const accepted = await acceptFirstTrust(file.trust.jws, { digest: file.trust.digest });
  if (!accepted.ok) return accepted;
  let trust = accepted.value;
  if (trust.document.home !== file.home) return refuse('trust_home');
  if (trust.document.version !== file.trust.version) return refuse('trust_version');

  const inTurn = createTurns();
  /** What is not on the disk is not in force. */
  const put = async (changes: Partial<File>): Promise<Result<true, Unwritable>> => {
    const next = { ...file, ...changes };
    const written = await write(disk, next);
    if (written.ok) file = next;
    return written;
  };

  return ok({
    home: file.home,
    relay: file.relay,
    notBefore: file.not_before,
    time: () => file.time,
    trust: () => trust,
    targets: () => new Map(Object.entries(file.targets)),
    // As a whole in turn: of two that follow from one version, the later must not take the earlier's back.
    follow: (versions) =>
      inTurn(async () => {
        const followed = await followTrustChain(trust, versions);
        if (followed.accepted.length > 0) {
          const kept = await put({ trust: trustMember(followed.trust) });
          if (!kept.ok) return kept;
          trust = followed.trust;
        }
        return ok({ refusal: followed.refusal });
      }),
    order: (target, ordered, time) =>
      inTurn(() =>
        put({
          targets: { ...file.targets, [target]: ordered },
          ...(time !== null && { time: Math.max(time, file.time) }),
        }),
      ),
    end: (target, outcome) =>
      inTurn(async () => {
        const ordered = file.targets[target];
        if (ordered === undefined) throw new Error(`${target} was ordered nothing`);
        return put({ targets: { ...file.targets, [target]: { ...ordered, outcome } } });
      }),
  });
}
