import { ok, type Result, refuse } from '../../schema/result.ts';
import type { Machine, MachineReason, MachineResult, Ran } from '../machine/machine.ts';

/** What systemd knows of a unit (systemctl(1), show). */
export type UnitState = {
  readonly service: string;
  /** `loaded`, `not-found`, `bad-setting`, … */
  readonly load: string;
  /** `active`, `activating`, `failed`, `inactive`, … */
  readonly active: string;
  readonly type: string;
  readonly result: string;
  readonly restarts: number;
  readonly mainPid: number;
  /** Another one for each start. */
  readonly invocation: string;
  /** `enabled`, `disabled`, `static`, `generated`, …; empty for what has no file. */
  readonly file: string;
  /** What a service says of itself (sd_notify(3)). */
  readonly status: string;
  readonly requiredBy: readonly string[];
  /** Services that a socket or a timer starts. */
  readonly triggers: readonly string[];
};

/** Whether it runs, or is about to. */
export const isRunning = ({ active }: UnitState): boolean => /^(active|activating|reloading)$/.test(active);

export type SystemdReason = MachineReason | 'systemd_refused';

const maxBytes = 1024 * 1024;
/** An image may have to be pulled before a container is up. */
const startMs = 15 * 60_000;
const shortMs = 60_000;
const properties = [
  'Id',
  'LoadState',
  'ActiveState',
  'Type',
  'Result',
  'NRestarts',
  'MainPID',
  'InvocationID',
  'UnitFileState',
  'StatusText',
  'RequiredBy',
  'Triggers',
] as const;

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** Speaks to the systemd of a machine through systemctl, by argv. */
export type Systemd = {
  /** None of them may be a template, which systemd has no state of. */
  show(services: readonly string[]): Promise<Result<readonly UnitState[], SystemdReason>>;
  /** The instances of templates that run. */
  instances(templates: readonly string[]): Promise<Result<readonly string[], SystemdReason>>;
  reloadUnits(): Promise<Result<true, SystemdReason>>;
  /** What the files on disk say, loaded or not: `enabled`, `disabled`, `static`, `not-found`, … */
  isEnabled(services: readonly string[]): Promise<Result<readonly string[], SystemdReason>>;
  /** Waits for the end. None: nothing is done. */
  ask(verb: Verb, services: readonly string[]): Promise<Result<true, SystemdReason>>;
  /** Makes or takes away the links that [Install] asks for; it counts once the units are read again. None: nothing is done. */
  link(
    verb: 'enable' | 'reenable' | 'disable',
    services: readonly string[],
  ): Promise<Result<true, SystemdReason>>;
};

export type Verb =
  | 'start'
  | 'stop'
  | 'restart'
  | 'reload-or-restart'
  /** Those two of what runs alone. */
  | 'try-restart'
  | 'try-reload-or-restart'
  | 'reset-failed';

export function createSystemd(machine: Machine, signal?: AbortSignal): Systemd {
  const run = (words: readonly string[], timeoutMs: number): Promise<MachineResult<Ran>> =>
    machine.run(['systemctl', ...words], { timeoutMs, maxBytes, ...(signal && { signal }) });
  const systemctl = async (
    words: readonly string[],
    timeoutMs: number,
  ): Promise<Result<string, SystemdReason>> => {
    const ran = await run(words, timeoutMs);
    if (!ran.ok) return ran;
    if (ran.value.code === 0) return ok(text(ran.value.stdout));
    return refuse('systemd_refused', text(ran.value.stderr).trim().slice(0, 500));
  };
  return {
    async show(services) {
      if (services.length === 0) return ok([]);
      const shown = await systemctl(['show', '-p', properties.join(','), '--', ...services], shortMs);
      return shown.ok ? ok(shown.value.trim().split('\n\n').map(readUnitState)) : shown;
    },
    async instances(templates) {
      if (templates.length === 0) return ok([]);
      const patterns = templates.map((name) => name.replace('@.', '@*.'));
      const words = [
        'list-units',
        '--plain',
        '--no-legend',
        '--no-pager',
        '--state=active,activating,reloading',
      ];
      const listed = await systemctl([...words, '--', ...patterns], shortMs);
      if (!listed.ok) return listed;
      return ok(listed.value.split('\n').flatMap((line) => line.trim().split(/\s+/)[0] || []));
    },
    async reloadUnits() {
      const done = await systemctl(['daemon-reload'], shortMs);
      return done.ok ? ok(true) : done;
    },
    async isEnabled(services) {
      if (services.length === 0) return ok([]);
      // It ends with 1 or 4 where one of them is not, and tells of each in a line.
      const told = await run(['is-enabled', '--', ...services], shortMs);
      if (!told.ok) return told;
      const states = text(told.value.stdout).trim().split('\n');
      if (states.length === services.length) return ok(states);
      return refuse('systemd_refused', text(told.value.stderr).trim().slice(0, 500));
    },
    async link(verb, services) {
      if (services.length === 0) return ok(true);
      const done = await systemctl(['--no-reload', '--quiet', verb, '--', ...services], shortMs);
      return done.ok ? ok(true) : done;
    },
    async ask(verb, services) {
      if (services.length === 0) return ok(true);
      const done = await systemctl([verb, '--', ...services], startMs);
      return done.ok ? ok(true) : done;
    },
  };
}

function readUnitState(block: string): UnitState {
  const values = new Map(
    block.split('\n').map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
  const value = (name: (typeof properties)[number]): string => values.get(name) ?? '';
  return {
    service: value('Id'),
    load: value('LoadState'),
    active: value('ActiveState'),
    type: value('Type'),
    result: value('Result'),
    restarts: Number(value('NRestarts')) || 0,
    mainPid: Number(value('MainPID')) || 0,
    invocation: value('InvocationID'),
    file: value('UnitFileState'),
    status: value('StatusText'),
    requiredBy: value('RequiredBy').split(' ').filter(Boolean),
    triggers: value('Triggers').split(' ').filter(Boolean),
  };
}
