import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { parse } from 'yaml';

const root = join(import.meta.dirname, '../..');

/** A command as a runner reads it in a step's output. */
export type RunnerCommand = {
  readonly name: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly data: string;
};

export type StepRan = {
  readonly exit: number | null;
  /** Everything that it printed. */
  readonly log: string;
  readonly commands: readonly RunnerCommand[];
  /** Messages of its annotations of errors. */
  readonly errors: readonly string[];
  readonly summary: string;
  readonly outputs: Readonly<Record<string, string>>;
};

export type StepOptions = {
  /** The folder of the action in this repository. */
  readonly action: string;
  readonly with: Readonly<Record<string, string>>;
  readonly env: Readonly<Record<string, string>>;
  readonly workspace?: string;
  /** Fills the expressions in what action.yml has inputs default to. */
  readonly fill?: (text: string) => string;
  /** The payload of the event. */
  readonly event?: object;
};

type ActionFile = {
  readonly inputs: Readonly<Record<string, { required?: boolean; default?: string }>>;
  readonly runs: { readonly using: string; readonly main: string };
};

const unescapeData = (text: string): string =>
  text.replaceAll('%0D', '\r').replaceAll('%0A', '\n').replaceAll('%25', '%');
const unescapeProperty = (text: string): string =>
  text
    .replaceAll('%0D', '\r')
    .replaceAll('%0A', '\n')
    .replaceAll('%3A', ':')
    .replaceAll('%2C', ',')
    .replaceAll('%25', '%');

/** What a runner takes for commands (actions/runner: ActionCommand.TryParse and TryParseV2). */
export function commandsIn(output: string): RunnerCommand[] {
  return output.split(/\r\n|\r|\n/).flatMap((line): RunnerCommand[] => {
    const old = /##\[(\S+?)(?: ([^\]]*))?\](.*)/.exec(line);
    if (old !== null) return [{ name: `##${old[1]}`, properties: {}, data: old[3]! }];
    const found = /^\s*::([^\s:]+)(?: ([\s\S]*?))?::([\s\S]*)$/.exec(line);
    if (found === null) return [];
    const pairs = (found[2] ?? '').split(',').flatMap((pair) => {
      const at = pair.indexOf('=');
      return at < 0 ? [] : [[pair.slice(0, at).trim(), unescapeProperty(pair.slice(at + 1))] as const];
    });
    return [{ name: found[1]!, properties: Object.fromEntries(pairs), data: unescapeData(found[3]!) }];
  });
}

/** Runs the very program that a workflow's step would, in the environment that GitHub's runner gives it. */
export async function runStep(t: TestContext, options: StepOptions): Promise<StepRan> {
  const folder = mkdtempSync(join(tmpdir(), 'writ-runner-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = (name: string): string => join(folder, name);
  const file = join(root, options.action, 'action.yml');
  const action = parse(readFileSync(file, 'utf8')) as ActionFile;
  assert.equal(action.runs.using, 'node24');
  const inputs: Record<string, string> = {};
  for (const [name, { default: usual, required }] of Object.entries(action.inputs)) {
    const value = options.with[name] ?? (usual === undefined ? undefined : (options.fill?.(usual) ?? usual));
    assert.ok(value !== undefined || required !== true, `the input ${name} is required`);
    inputs[`INPUT_${name.toUpperCase()}`] = value ?? '';
  }
  const stranger = Object.keys(options.with).find((name) => !Object.hasOwn(action.inputs, name));
  assert.equal(stranger, undefined, `action.yml has no input ${stranger}`);
  writeFileSync(path('event.json'), JSON.stringify(options.event ?? {}));
  for (const name of ['output', 'summary', 'state', 'env', 'path']) writeFileSync(path(name), '');
  const child = spawn(process.execPath, [join(dirname(file), action.runs.main)], {
    cwd: options.workspace ?? folder,
    env: {
      PATH: process.env.PATH,
      HOME: folder,
      CI: 'true',
      GITHUB_ACTIONS: 'true',
      GITHUB_EVENT_PATH: path('event.json'),
      GITHUB_OUTPUT: path('output'),
      GITHUB_STEP_SUMMARY: path('summary'),
      GITHUB_STATE: path('state'),
      GITHUB_ENV: path('env'),
      GITHUB_PATH: path('path'),
      GITHUB_WORKSPACE: options.workspace ?? folder,
      RUNNER_OS: 'Linux',
      RUNNER_ARCH: 'X64',
      RUNNER_TEMP: folder,
      RUNNER_ENVIRONMENT: 'github-hosted',
      ...inputs,
      ...options.env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => {
      log += text;
    });
  }
  const exit = await new Promise<number | null>((resolve) => child.once('close', resolve));
  const commands = commandsIn(log);
  const outputs = readFileSync(path('output'), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line): [string, string] => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]);
  return {
    exit,
    log,
    commands,
    errors: commands.filter(({ name }) => name === 'error').map(({ data }) => data),
    summary: readFileSync(path('summary'), 'utf8'),
    outputs: Object.fromEntries(outputs),
  };
}
