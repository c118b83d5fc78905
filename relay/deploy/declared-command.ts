import * as v from 'valibot';
import { commandTimeoutOf, commandWordsSchema } from '../../schema/manifest/app-commands.ts';
import { ok, type Result, refuse } from '../../schema/result.ts';
import type { ReleaseApp } from '../../schema/wire/release.ts';
import type { Machine } from '../machine/machine.ts';
import { containersOf } from './probes.ts';
import { readKeptPart, readTargetState, type StateReason } from './target-state.ts';

/** A command as the part in force on a target declares it. */
export type DeclaredCommand = {
  /** The program and its arguments. */
  readonly words: readonly [string, ...string[]];
  /** The service whose container it runs in; null: on the machine itself. */
  readonly service: string | null;
  readonly app: ReleaseApp;
  readonly timeoutMs: number;
};

export type CommandReason = 'target_unsettled' | 'command_undeclared' | 'command_unfit';

/** Finds a command in what the target runs, and nowhere else: neither a newer release nor an older one counts. */
export async function findCommand(
  machine: Machine,
  { app, command }: { readonly app: string; readonly command: string },
): Promise<Result<DeclaredCommand, CommandReason | StateReason>> {
  const state = await readTargetState(machine);
  if (!state.ok) return state;
  const { current, pending } = state.value;
  if (pending !== null) return refuse('target_unsettled', 'an activation has not settled');
  if (current === null) return refuse('command_undeclared', `no release runs on ${machine.name}`);
  const part = await readKeptPart(machine, current);
  if (!part.ok) return part;
  const found = part.value.apps.find(({ name }) => name === app);
  const declared = found?.commands.find(({ name }) => name === command);
  if (found === undefined || declared === undefined) {
    return refuse('command_undeclared', `what runs on ${machine.name} declares no ${command} of ${app}`);
  }
  const timeoutMs = commandTimeoutOf(declared.timeout);
  const [program, ...words] = declared.exec;
  if (timeoutMs === null || program === undefined || !v.is(commandWordsSchema, declared.exec)) {
    return refuse('command_unfit', 'its words or its time-out are not as they must be');
  }
  const service = declared.container === undefined ? null : serviceOf(found, declared.container);
  if (service === undefined) return refuse('command_unfit', `${app} has no unit ${declared.container}`);
  return ok({ words: [program, ...words], service, app: found, timeoutMs });
}

/** The service that a unit file of the app makes. In the repo it may lie in a folder, or be a template. */
function serviceOf({ units }: ReleaseApp, container: string): string | undefined {
  const file = container.replace(/^.*\//, '').replace(/\.j2$/, '');
  return units.find(({ files }) => files.some((name) => name.replace(/^.*\//, '') === file))?.service;
}

/** What a command prints beyond this is dropped on the target, its end is kept. */
const keptBytes = 4096;
/**
 * Runs its arguments and prints the end of what they print, with their exit code. The text is fixed; `nice` runs a program
 * by its argv, where the shell would take some words for its own.
 */
const tailProgram = `exec 4>&1; code=$( { { nice -n 0 -- "$@" 3>&- 4>&- </dev/null; echo "$?" >&3; } 2>&1 | tail -c ${keptBytes} >&4; } 3>&1 ); exit "$code"`;

export type CommandEnd = { readonly code: number; readonly said: string };

/** Runs a command once, in its container or on the machine, as root there. */
export async function runCommand(
  machine: Machine,
  { words, service, app, timeoutMs }: DeclaredCommand,
  signal: AbortSignal,
): Promise<Result<CommandEnd, 'command_container_off' | StateReason>> {
  let argv: readonly string[] = words;
  if (service !== null) {
    const [container] = await containersOf(machine, [{ app, services: [service] }], signal);
    if (container === undefined || !/^[0-9a-f]{12,64}$/.test(container.id)) {
      return refuse('command_container_off', `${service} has no running container`);
    }
    argv = ['podman', 'exec', container.id, ...words];
  }
  const ran = await machine.run(['/bin/sh', '-c', tailProgram, 'writ-command', ...argv], {
    timeoutMs,
    maxBytes: 4 * keptBytes,
    signal,
  });
  if (!ran.ok) return ran;
  return ok({ code: ran.value.code, said: new TextDecoder().decode(ran.value.stdout) });
}
