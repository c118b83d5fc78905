import { ok, type Result, refuse } from '../../../schema/result.ts';
import type { ReleasePart } from '../../../schema/wire/release.ts';
import type { Machine } from '../../machine/machine.ts';
import type { ActivationCode } from '../codes.ts';

/** A part by its digest. */
export type KnownPart = { readonly part: ReleasePart; readonly digest: string };

/** Certificates of the private CA, as an activation asks for them. */
export type LeafPort = {
  /**
   * Whether all certificates that a part names were ordered for its target with this very part, and are its own still. For whoever
   * goes by what a target says is in force.
   */
  knows(target: string, wanted: KnownPart): boolean;
  /** Whether all that a part names can be made, and nothing is in the way. Changes nothing on the target. */
  check(machine: Machine, wanted: KnownPart): Promise<Result<true, ActivationCode>>;
  /**
   * Makes what is missing, before services start.
   *
   * @param told services that start anew or read their files anew anyway
   */
  bring(
    machine: Machine,
    wanted: KnownPart,
    told: ReadonlySet<string>,
  ): Promise<Result<true, ActivationCode>>;
  /** Remembers that a part came up on a target: names that it has not are the target's no more. */
  accept(target: string, wanted: KnownPart): Promise<void>;
  /**
   * Takes away what the part before had and this one has not. What cannot be is the next time.
   *
   * @param folders of before, which go with it where they are empty then
   */
  settle(machine: Machine, wanted: KnownPart, folders: readonly string[]): Promise<void>;
};

export const hasCerts = (part: ReleasePart | undefined): boolean =>
  part?.apps.some(({ certs }) => certs.length > 0) ?? false;

type Deps = { readonly machine: Machine; readonly leaves?: LeafPort };

export async function checkLeaves(
  { machine, leaves }: Deps,
  wanted: KnownPart,
): Promise<Result<true, ActivationCode>> {
  if (!hasCerts(wanted.part)) return ok(true);
  return leaves === undefined ? refuse('authority_key_missing') : leaves.check(machine, wanted);
}

export async function bringLeavesOf(
  { machine, leaves }: Deps,
  wanted: KnownPart,
  told: ReadonlySet<string>,
): Promise<Result<true, ActivationCode>> {
  return !hasCerts(wanted.part) || leaves === undefined ? ok(true) : leaves.bring(machine, wanted, told);
}
