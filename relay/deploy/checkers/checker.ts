import type { ReleasePart } from '../../../schema/wire/release.ts';
import type { ActivationCode } from '../codes.ts';
import { isNative, unitsOf } from '../units.ts';

/** What a checker may know of an activation: the part that is to come, and the paths that it changes. */
export type Judged = { readonly part: ReleasePart; readonly changed: readonly string[] };

export type Verdict = { readonly code: ActivationCode; readonly detail: string };

/** A program of the target that judges files before they are put in force. */
export type Checker = {
  readonly name: string;
  /** What it is run with, each in a preview of the target; none where the part has nothing for it. */
  calls(judged: Judged): readonly (readonly [string, ...string[]])[];
  /** Folders that it would write to. */
  readonly scratch?: readonly string[];
  /** What it found, or null. `code` is its exit code, `said` all that it printed. */
  judge(ran: { readonly code: number; readonly said: string }, judged: Judged): Verdict | null;
  /** What it means that the target has no such program; null: there is nothing to judge then. */
  readonly missing: Verdict | null;
};

/** Whether the part has a service that a package of the target brings, or a unit of systemd's own. */
export const hasService = (part: ReleasePart, service: string): boolean =>
  unitsOf(part).some(
    (unit) =>
      unit.service === service && (isNative(unit) || unit.files.every((name) => name.includes('.d/'))),
  );

/** The verdict on a program that fails where it finds a fault. */
export const unlessFailed =
  (name: string) =>
  ({ code, said }: { readonly code: number; readonly said: string }): Verdict | null =>
    code === 0 ? null : { code: 'check_failed', detail: `${name}: ${said.slice(0, 500)}` };
