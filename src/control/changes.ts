import { controllerName } from '../../schema/trust/document.ts';
import { evaluateIntent } from '../../schema/trust/evaluate.ts';
import type { Trust } from '../../schema/trust/read.ts';
import type { Intent, Step } from '../../schema/wire/intent.ts';
import type { Command, StepRecord } from '../domain/command.ts';
import type { AuditNote, CommandUpdate } from '../domain/ports.ts';
import { type Change, expiryGraceMs, stepsOfRetry } from '../domain/settle.ts';
import type { AuditLog } from './audit-log.ts';
import { bells, type ControlDeps } from './deps.ts';
import { newSteps, signIntent, writeIntent } from './mint.ts';

/** How often a change is tried against others of the same command before that is taken for a fault. */
export const maxTries = 20;

/** Steps as an intent states them, for judging them again. */
export const asIntent = (steps: readonly StepRecord[]): Pick<Intent, 'steps'> => ({
  steps: steps.map(
    ({ relay, action, target, params, after }): Step => ({
      relay,
      action,
      target,
      params: { ...params },
      after: [...after],
    }),
  ),
});

/** Whether trust still lets the signer order all of an attempt, as every relay will judge it. */
export const stillAllowed = (trust: Trust, signer: string, steps: readonly StepRecord[]): boolean =>
  evaluateIntent(trust, signer, asIntent(steps) as Intent).ok;

/** What is noted of a change: how the command stands, once that is another state than before. */
export function changeNotes(before: Command, after: Command, now: number): AuditNote[] {
  if (before.state === after.state) return [];
  return [
    {
      time: now,
      event: `command.${after.state}`,
      principal: controllerName,
      facts: { command: after.id, code: after.code },
    },
  ];
}

/** A change as the store takes it, with the further attempt that it may ask for. */
export async function toUpdate(
  deps: ControlDeps,
  home: string,
  before: Command,
  change: Change,
  notes: readonly AuditNote[],
): Promise<CommandUpdate> {
  const now = deps.clock.now();
  const all = [...notes, ...changeNotes(before, change.command, now)];
  if (!change.retry) return { ...change, next: null, notes: all };
  const steps = stepsOfRetry(change.command).map((step) => ({
    ...step,
    params: { ...step.params },
    after: [...step.after],
  }));
  const written = await writeIntent(deps, home, steps, now);
  const attempt = change.command.intents.at(-1)!.attempt + 1;
  const intent = await signIntent(deps, written, attempt);
  return {
    command: { ...change.command, dueAt: intent.expires + expiryGraceMs },
    steps: change.steps,
    release: false,
    next: { intent, steps: newSteps(written.digest, attempt, steps, now) },
    notes: [
      ...all,
      {
        time: now,
        event: 'command.tried_again',
        principal: controllerName,
        facts: { command: before.id, intent: written.digest, attempt },
      },
    ],
  };
}

/** Rings for all that an update may have brought. */
export function ringFor(deps: ControlDeps, log: AuditLog, update: CommandUpdate): void {
  const relays = new Set<string>();
  for (const step of [...update.steps, ...(update.next?.steps ?? [])]) {
    if (step.state === 'queued') relays.add(step.relay);
    // A wake that begins: the woken host's relay is asked for a report.
    if (step.state === 'started' && step.action === 'host.wake') relays.add(step.target);
  }
  for (const name of relays) deps.doorbell.ring(bells.relay(name));
  deps.doorbell.ring(bells.command(update.command.id));
  deps.doorbell.ring(bells.timer);
  log.grew();
}

/**
 * Changes a command by a pure function of what it is, again and again until no other change came in between.
 * Null from `how`: there is nothing to change. Gives whether it changed.
 */
export async function changeCommand(
  deps: ControlDeps,
  log: AuditLog,
  home: string,
  load: () => Promise<Command | null>,
  how: (command: Command) => Change | null,
  notes: (change: Change) => readonly AuditNote[] = () => [],
): Promise<boolean> {
  for (let tries = 0; tries < maxTries; tries += 1) {
    const before = await load();
    const change = before === null ? null : how(before);
    if (before === null || change === null) return false;
    const update = await toUpdate(deps, home, before, change, notes(change));
    if ((await deps.store.commands.update(update)) === 'updated') {
      ringFor(deps, log, update);
      return true;
    }
  }
  throw new Error('a command was changed by others too often');
}
