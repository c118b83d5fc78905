import * as v from 'valibot';
import { withVolumePaths } from '../../schema/change/volume-paths.ts';
import { digestBytes, digestSchema } from '../../schema/jose/digest.ts';
import { parseStrictJson } from '../../schema/jose/strict-json.ts';
import { absolutePathSchema } from '../../schema/manifest/values.ts';
import { ok, type Result, refuse } from '../../schema/result.ts';
import { canonicalJson } from '../../schema/wire/canonical.ts';
import { type ReleasePart, releasePartSchema } from '../../schema/wire/release.ts';
import type { Change, Machine, MachineReason } from '../machine/machine.ts';
import { archiveFolder } from './artifacts/archive-list.ts';
import { withArtifactFiles } from './artifacts/artifact-files.ts';
import { withSecretFiles } from './secrets/secrets-plan.ts';

/** What Writ keeps on each target, root's alone. Bytes lie in `blobs/<hex>`, parts of releases among them. */
export const targetFolder = '/var/lib/writ-target';
export const blobFolder = `${targetFolder}/blobs`;
export const stateFile = `${targetFolder}/state.json`;
export const blobPath = (digest: string): string => `${blobFolder}/${digest.slice('sha256:'.length)}`;

export const maxStateBytes = 8 * 1024 * 1024;
const maxPartBytes = 8 * 1024 * 1024;
/** How many generations a target keeps, the one in force among them. */
const keptGenerations = 5;
const keptQuarantined = 32;

const modeSchema = v.pipe(v.string(), v.regex(/^[0-7]{4}$/));
const ownerSchema = v.pipe(v.string(), v.maxLength(70));

/** One change of a target's files. Doing it twice is doing it once. */
const opSchema = v.variant('do', [
  v.strictObject({
    do: v.literal('put'),
    path: absolutePathSchema,
    /** Of the bytes, which lie among the blobs. */
    digest: digestSchema,
    mode: modeSchema,
    owner: ownerSchema,
  }),
  v.strictObject({
    do: v.literal('listing'),
    path: absolutePathSchema,
    mode: modeSchema,
    owner: ownerSchema,
  }),
  v.strictObject({ do: v.literal('folder'), path: absolutePathSchema, mode: modeSchema, owner: ownerSchema }),
  v.strictObject({ do: v.literal('link'), path: absolutePathSchema, to: absolutePathSchema }),
  /** A file, or a folder that is empty; a full one is left. */
  v.strictObject({ do: v.literal('remove'), path: absolutePathSchema }),
]);
export type Op = v.InferOutput<typeof opSchema>;

const stateSchema = v.strictObject({
  v: v.literal(1),
  /** The part in force, by the digest of its bytes. */
  current: v.nullable(digestSchema),
  /** The generations that are kept, the newest first, `current` among them. */
  kept: v.array(digestSchema),
  /** Parts that failed here, and are not tried again by themselves. */
  quarantined: v.array(v.strictObject({ part: digestSchema, code: v.string() })),
  /** Folders that were made for files, to be removed when they are empty and no longer wanted. */
  folders: v.array(absolutePathSchema),
  /** Files in clear of before Writ that hold what would be filled in with secrets: their apps have not started anew since. */
  claimed: v.optional(v.array(absolutePathSchema)),
  /** An activation that has not settled: `undo` brings back what was there. */
  pending: v.nullable(
    v.strictObject({
      part: digestSchema,
      undo: v.array(opSchema),
      /** Services that are touched, as they were; those that still run what they ran are left alone on the way back. */
      services: v.array(
        v.strictObject({
          name: v.string(),
          ran: v.boolean(),
          /** Of systemd, another one for each start; empty for what did not run. */
          invocation: v.string(),
          /** Whether it is only told to read its files again. */
          reload: v.boolean(),
        }),
      ),
      /** Units that started with the machine, and those that did not. */
      enabled: v.array(v.string()),
      disabled: v.array(v.string()),
      /** Networks that are made anew or go, by their service and name. */
      networks: v.array(v.strictObject({ service: v.string(), name: v.string() })),
    }),
  ),
});
/** What a target is: which generation runs, and what to go back to. It is written durably before anything changes. */
export type TargetState = v.InferOutput<typeof stateSchema>;

export type StateReason = MachineReason | 'target_state_malformed';

const fresh: TargetState = { v: 1, current: null, kept: [], quarantined: [], folders: [], pending: null };

/** Reads a target's state; of a target that Writ never touched, an empty one. */
export async function readTargetState(machine: Machine): Promise<Result<TargetState, StateReason>> {
  const bytes = await machine.read(stateFile, maxStateBytes);
  if (!bytes.ok) return bytes.reason === 'not_found' ? ok(fresh) : bytes;
  return parseTargetState(machine, bytes.value);
}

/** The state from the bytes of its file; null where there is none. */
export function parseTargetState(
  machine: Machine,
  bytes: Uint8Array | null,
): Result<TargetState, 'target_state_malformed'> {
  if (bytes === null) return ok(fresh);
  const json = parseStrictJson(bytes, { maxBytes: maxStateBytes });
  const parsed = json.ok ? v.safeParse(stateSchema, json.value) : null;
  if (parsed?.success === true) return ok(parsed.output);
  return refuse('target_state_malformed', `${stateFile} on ${machine.name} cannot be read`);
}

export async function writeTargetState(
  machine: Machine,
  state: TargetState,
): Promise<Result<true, MachineReason>> {
  const bytes = new TextEncoder().encode(canonicalJson(state));
  // What could not be read again would be no way back.
  if (bytes.length > maxStateBytes)
    return refuse('too_large', `${stateFile} would have ${bytes.length} bytes`);
  return machine.write(stateFile, bytes, { mode: '0600', owner: 'root:root' });
}

/** Makes the folders that all else is kept in. */
export async function makeTargetFolders(machine: Machine): Promise<Result<true, MachineReason>> {
  const how = { do: 'folder', mode: '0700', owner: 'root:root' } as const;
  return machine.change([
    { ...how, path: targetFolder },
    { ...how, path: blobFolder },
  ]);
}

/** Those digests of which the bytes are not kept. */
export async function lackingBlobs(
  machine: Machine,
  digests: readonly string[],
): Promise<Result<string[], MachineReason>> {
  if (digests.length === 0) return ok([]);
  const there = await machine.digest(digests.map(blobPath));
  return there.ok ? ok(digests.filter((digest, index) => there.value[index] !== digest)) : there;
}

/** A part that is kept among the blobs. */
export async function readKeptPart(
  machine: Machine,
  digest: string,
): Promise<Result<ReleasePart, StateReason>> {
  const bytes = await machine.read(blobPath(digest), maxPartBytes);
  if (bytes.ok) return parsePart(machine, bytes.value, digest);
  if (bytes.reason !== 'not_found') return bytes;
  return refuse('target_state_malformed', `the part ${digest} is gone from ${blobFolder}`);
}

/** Parts that are kept among the blobs, by one look where that is enough. */
export async function readKeptParts(
  machine: Machine,
  digests: readonly string[],
): Promise<Result<ReleasePart, StateReason>[]> {
  const read = digests.map(blobPath);
  const seen = await machine.look({ read, maxBytes: maxPartBytes, paths: [], owners: [], units: [] });
  return Promise.all(
    digests.map((digest, index) => {
      const bytes = seen.ok ? seen.value.read[index] : null;
      return bytes == null ? readKeptPart(machine, digest) : parsePart(machine, bytes, digest);
    }),
  );
}

/**
 * A part of a release from its bytes, which must have this digest, as a target has it: with paths for places in volumes,
 * and with what was fetched.
 */
async function parsePart(
  machine: Machine,
  bytes: Uint8Array<ArrayBuffer>,
  digest: string,
): Promise<Result<ReleasePart, StateReason>> {
  const malformed = refuse('target_state_malformed', `the part ${digest} cannot be read`);
  if ((await digestBytes(bytes)) !== digest) return malformed;
  const json = parseStrictJson(bytes, { maxBytes: maxPartBytes });
  const parsed = json.ok ? v.safeParse(releasePartSchema, json.value) : null;
  if (parsed?.success !== true) return malformed;
  const fetched = await withArtifactFiles(machine, withVolumePaths(parsed.output));
  if (!fetched.ok) {
    const { reason, detail } = fetched;
    return reason === 'artifact_unfit' ? malformed : refuse(reason, detail);
  }
  const { part, unknown } = fetched.value;
  if (unknown.length === 0) return ok(await withSecretFiles(part));
  return refuse('target_state_malformed', `what ${unknown[0]!.url} holds is gone from ${archiveFolder}`);
}

/** The state once a part runs: it is in force and kept, and the oldest are forgotten. */
export function settled(state: TargetState, part: string, folders: readonly string[]): TargetState {
  return {
    ...state,
    current: part,
    kept: [part, ...state.kept.filter((one) => one !== part)].slice(0, keptGenerations),
    quarantined: state.quarantined.filter((one) => one.part !== part),
    folders: [...folders],
    pending: null,
  };
}

/** The state once a part failed and what was there is back. */
export function quarantined(state: TargetState, part: string, code: string): TargetState {
  const others = state.quarantined.filter((one) => one.part !== part);
  return { ...state, quarantined: [...others, { part, code }].slice(-keptQuarantined), pending: null };
}

/** Changes as a machine makes them. */
export const changesOf = (ops: readonly Op[]): Change[] =>
  ops.map((op) =>
    op.do === 'put'
      ? { do: 'copy', from: blobPath(op.digest), path: op.path, mode: op.mode, owner: op.owner }
      : op,
  );

/** An activation that has not settled, and how to go back. */
export type Pending = NonNullable<TargetState['pending']>;
