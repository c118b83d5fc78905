import { mkdirSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Phase } from '../../../relay/deploy/phases.ts';
import type { Machine } from '../../../relay/machine/machine.ts';
import { ok, refuse } from '../../../schema/result.ts';
import type { Asked, LabFault } from './engine-request.ts';

/** What the program prints when it waits for the guest to be cut. */
export const hangs = 'WAITS FOR THE END';

/** A machine that counts what it is asked for, and on which things go wrong as told; and the control plane alike. */
export function createFaultyMachine(
  machine: Machine,
  programs: () => number,
  fault: LabFault | undefined,
  disks: readonly string[],
): {
  readonly machine: Machine;
  /** Does what the control plane is asked for; gives `silence` once it is gone. */
  api<T>(method: string, work: () => T, silence: T): Promise<T>;
  at(phase: Phase): void;
  asked(): Asked;
} {
  const phases: Record<string, number> = {};
  const methods: Record<string, number> = {};
  let phase: Phase = 'look';
  let isCut = false;
  let isApiGone = false;

  const happen = async (): Promise<void> => {
    switch (fault!.kind) {
      case 'kill':
        process.kill(process.pid, 'SIGKILL');
        return;
      case 'hang':
        writeSync(1, `${hangs}\n`);
        await new Promise((resolve) => setTimeout(resolve, 600_000));
        return;
      case 'fill':
        for (const disk of disks) fill(disk);
        return;
      case 'cut':
        isCut = true;
        return;
      case 'api':
        isApiGone = true;
    }
  };

  /** Counts a step, and lets happen what is to happen before or after it. */
  const step = async <T>(method: string, work: () => Promise<T> | T): Promise<T> => {
    methods[method] = (methods[method] ?? 0) + 1;
    const number = (phases[phase] ?? 0) + 1;
    phases[phase] = number;
    const now = fault?.phase === phase && fault.call === number;
    if (now && fault.when === 'before') await happen();
    const done = await work();
    if (now && fault.when === 'after') await happen();
    return done;
  };

  const call = async (method: string, work: () => Promise<unknown>): Promise<unknown> => {
    const unheard = refuse('unreachable', 'the link is cut');
    const done = await step(method, () => (isCut ? unheard : work()));
    // It was done, and nobody hears of it.
    return isCut ? unheard : done;
  };

  /** Many changes are as many steps: something may happen between any two. */
  const oneByOne = async <T>(
    method: 'change' | 'writeAll',
    all: readonly T[],
    work: (one: readonly T[]) => Promise<{ readonly ok: boolean }>,
  ): Promise<unknown> => {
    for (const one of all) {
      const done = (await call(method, () => work([one]))) as { readonly ok: boolean };
      if (!done.ok) return done;
    }
    return ok(true);
  };

  const wrapped = new Proxy(machine, {
    get(of, name: keyof Machine) {
      if (name === 'name') return of.name;
      if (name === 'change') return (all: never) => oneByOne('change', all, of.change);
      if (name === 'writeAll') return (all: never) => oneByOne('writeAll', all, of.writeAll);
      const method = of[name] as (...given: unknown[]) => Promise<unknown>;
      return (...given: unknown[]) => call(name, () => method(...given));
    },
  });
  return {
    machine: wrapped,
    async api(method, work, silence) {
      const done = await step(method, () => (isApiGone ? silence : work()));
      return isApiGone ? silence : done;
    },
    at: (next) => {
      phase = next;
    },
    asked: () => ({ phases, methods, programs: programs() }),
  };
}

/** Takes all space that is left. */
function fill(folder: string): void {
  mkdirSync(folder, { recursive: true });
  for (const bytes of [65_536, 4_096, 1]) {
    try {
      for (let index = 0; ; index += 1) {
        writeFileSync(join(folder, `.full-${bytes}-${index}`), Buffer.alloc(bytes));
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    }
  }
}
