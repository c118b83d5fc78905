#!/usr/bin/env node
import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { programVersion } from '../schema/version.ts';
import { clockAcceptCommand } from './cli/clock.ts';
import { doctorCommand } from './cli/doctor.ts';
import { enrollCommand } from './cli/enroll.ts';
import { helpText } from './cli/help.ts';
import { packagedState } from './cli/helper.ts';
import { runCommand } from './cli/run.ts';
import { setupCommand } from './cli/setup.ts';
import { setupProxmoxCommand } from './cli/setup-proxmox.ts';
import { type ExitCode, type Terminal, tellRefusal } from './cli/terminal.ts';
import { trustInstallCommand, trustShowCommand } from './cli/trust.ts';
import { trustSeedCommand } from './cli/trust-seed.ts';

export { startRelay } from './start.ts';

const options = {
  state: { type: 'string' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
  version: { type: 'boolean', default: false },
  again: { type: 'boolean', default: false },
  trial: { type: 'boolean', default: false },
  proxmox: { type: 'string' },
  'proxmox-node': { type: 'string' },
  'proxmox-token-file': { type: 'string' },
  'proxmox-fingerprint': { type: 'string' },
  'proxmox-spki': { type: 'string' },
  'dry-run': { type: 'boolean', default: false },
} as const;

/** Which options belong to which commands alone; the others are of every command. */
const ownOptions: Readonly<Record<string, readonly string[]>> = {
  again: ['enroll', 'setup'],
  trial: ['enroll'],
  proxmox: ['enroll'],
  'proxmox-node': ['enroll'],
  'proxmox-token-file': ['enroll'],
  'proxmox-fingerprint': ['enroll'],
  'proxmox-spki': ['enroll'],
  'dry-run': ['setup-proxmox'],
};

/** The command line, apart from the process: gives the exit code. `stop` is what SIGTERM is to `run`. */
export async function main(
  argv: readonly string[],
  terminal: Terminal,
  deps: { readonly stop: AbortSignal; readonly env: Readonly<Record<string, string | undefined>> },
): Promise<ExitCode> {
  const usage = (sentence: string, json = false): ExitCode => {
    tellRefusal(terminal, json, { reason: 'usage' }, `${sentence} See \`writ-relay help\`.`);
    return 2;
  };
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(argv);
  } catch (error) {
    return usage(`${error instanceof Error ? (error.message.split('\n')[0] ?? '') : ''}.`);
  }
  const { values, positionals } = parsed;
  const { json } = values;
  const [command, ...rest] = positionals;
  if (values.version) {
    terminal.out(`writ-relay ${programVersion}\n`);
    return 0;
  }
  if (values.help || command === 'help' || command === undefined) {
    terminal.out(helpText);
    return command === undefined && !values.help ? 2 : 0;
  }
  const stateDir = resolve(values.state ?? deps.env.WRIT_RELAY_STATE ?? packagedState);
  const foreign = Object.entries(ownOptions).find(
    ([name, owners]) => isGiven(values, name) && !owners.includes(command),
  );
  if (foreign !== undefined) return usage(`--${foreign[0]} belongs to ${foreign[1].join(' and ')}.`, json);

  switch (command) {
    case 'enroll': {
      const [code, ...more] = rest;
      if (code === undefined || more.length > 0) return usage('enroll takes one code.', json);
      return enrollCommand(
        {
          code,
          stateDir,
          json,
          again: values.again,
          trial: values.trial,
          proxmox: {
            url: values.proxmox,
            node: values['proxmox-node'],
            tokenFile: values['proxmox-token-file'],
            fingerprint: values['proxmox-fingerprint'],
            spki: values['proxmox-spki'],
          },
        },
        terminal,
      );
    }
    case 'setup': {
      const [code, ...more] = rest;
      if (more.length > 0) return usage('setup takes one code.', json);
      return setupCommand({ code, stateDir, json, again: values.again }, terminal);
    }
    case 'setup-proxmox':
      if (rest.length > 0) return usage('setup-proxmox takes no further word.', json);
      return setupProxmoxCommand({ stateDir, json, dryRun: values['dry-run'] }, terminal);
    case 'doctor':
      if (rest.length > 0) return usage('doctor takes no further word.', json);
      return doctorCommand({ stateDir, json }, terminal);
    case 'run':
      if (rest.length > 0) return usage('run takes no further word.', json);
      return runCommand({ stateDir, json }, terminal, deps.stop);
    case 'trust': {
      const [verb, file, ...more] = rest;
      if (verb === 'show' && file === undefined) return trustShowCommand({ stateDir, json }, terminal);
      if (verb === 'install' && file !== undefined && more.length === 0) {
        return trustInstallCommand({ stateDir, json, file }, terminal);
      }
      if (verb === 'seed' && file !== undefined && more.length === 0) {
        return trustSeedCommand({ stateDir, json, digest: file }, terminal);
      }
      return usage('It is `trust show`, `trust install FILE` or `trust seed DIGEST`.', json);
    }
    case 'clock':
      if (rest.length === 1 && rest[0] === 'accept') return clockAcceptCommand({ stateDir, json }, terminal);
      return usage('It is `clock accept`.', json);
    default:
      return usage(`There is no command ${JSON.stringify(command)}.`, json);
  }
}

const parse = (argv: readonly string[]) => parseArgs({ args: [...argv], options, allowPositionals: true });

const isGiven = (values: Readonly<Record<string, unknown>>, name: string): boolean =>
  values[name] !== undefined && values[name] !== false;

const maxInputBytes = 64 * 1024;

async function readInput(): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of process.stdin) {
    size += (chunk as Buffer).length;
    if (size > maxInputBytes) break;
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function isEntry(): boolean {
  try {
    return realpathSync(process.argv[1] ?? '') === realpathSync(fileURLToPath(import.meta.url));
  } catch {
    return false;
  }
}

if (isEntry()) {
  // Node 20 calls Ed25519 experimental (RFC 8032 is not); everything else that it warns of is printed.
  process.removeAllListeners('warning');
  process.on('warning', (warning) => {
    if (warning.name !== 'ExperimentalWarning') process.stderr.write(`${warning.stack ?? warning.message}\n`);
  });
  const isService = process.argv[2] === 'run';
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // Whoever reads the log of a relay may go away: its work goes on.
    if (isService) return;
    if (error.code === 'EPIPE') process.exit(0);
    process.stderr.write(`writ-relay: Not all could be printed: ${error.message}.\n`);
    process.exit(1);
  });
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stop.abort());
  const terminal: Terminal = {
    out: (line) => void process.stdout.write(`${line}\n`),
    err: (line) => void process.stderr.write(`${line}\n`),
    readInput,
  };
  const whole = main(process.argv.slice(2), terminal, { stop: stop.signal, env: process.env });
  // Not awaited: the bundle is CommonJS, which has no await out here.
  void whole.then((code) => {
    process.exitCode = code;
  });
}
