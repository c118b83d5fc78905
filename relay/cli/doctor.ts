import { execFile } from 'node:child_process';
import { readdir, readFile, stat } from 'node:fs/promises';
import { type Finding, findingLines, isHealthy } from '../../schema/doctor.ts';
import { ok } from '../../schema/result.ts';
import { actFolder, openActState } from '../act/act-state.ts';
import { systemClock } from '../agent/clock.ts';
import { credentialsFolder, readConfig } from '../agent/config.ts';
import { nodeDisk } from '../agent/node-disk.ts';
import { openProxmox } from '../agent/proxmox-port.ts';
import type { Check, Patient, Ran } from './doctor/check.ts';
import { checkClock } from './doctor/clock.ts';
import { checkFiles } from './doctor/files.ts';
import { checkFirewall } from './doctor/firewall.ts';
import { checkGuestAgents } from './doctor/guests.ts';
import { checkHelper } from './doctor/helper.ts';
import { checkProxmox } from './doctor/proxmox.ts';
import { checkService } from './doctor/service.ts';
import { checkTailnet } from './doctor/tailnet.ts';
import { checkVersions } from './doctor/versions.ts';
import { helperOf } from './helper.ts';
import { type ExitCode, type Terminal, tell } from './terminal.ts';
import { withState } from './with-state.ts';

const checks: readonly Check[] = [
  checkClock,
  checkFiles,
  checkService,
  checkHelper,
  checkProxmox,
  checkTailnet,
  checkFirewall,
  checkGuestAgents,
  checkVersions,
];

/** `writ-relay doctor`: looks at this host, changes nothing, and says how to mend what it finds. */
export const doctorCommand = (
  args: { readonly stateDir: string; readonly json: boolean },
  terminal: Terminal,
): Promise<ExitCode> =>
  withState(args, terminal, { exclusive: false }, async (state) => {
    const disk = nodeDisk(args.stateDir);
    const config = await readConfig(disk);
    await disk.close();
    const port =
      config.ok && config.value.proxmox !== null
        ? await openProxmox(config.value.proxmox, process.env.CREDENTIALS_DIRECTORY)
        : null;
    const patient: Patient = {
      stateDir: args.stateDir,
      credentials: credentialsFolder,
      clock: systemClock(),
      isRoot: process.getuid?.() === 0,
      nodeVersion: process.version,
      relay: state.relay,
      trust: state.trust.current(),
      config: config.ok ? config.value : null,
      proxmox:
        port === null
          ? null
          : port.ok
            ? { api: port.value.proxmox, rights: port.value.rights }
            : `${port.reason} (${port.detail})`,
      helper: await lookAtHelper(args.stateDir),
      helperFolder: actFolder,
      run,
      stat: (path) =>
        stat(path).then(
          (facts) => ({ uid: facts.uid, mode: facts.mode & 0o7777, isFolder: facts.isDirectory() }),
          () => null,
        ),
      list: (folder) => readdir(folder).catch(() => null),
      read: (path) => readFile(path, 'utf8').catch(() => null),
    };
    try {
      const findings: Finding[] = [];
      for (const check of checks) findings.push(...(await check(patient)));
      const healthy = isHealthy(findings);
      tell(terminal, args.json, { ok: healthy, relay: state.relay, findings }, findingLines(findings));
      return healthy ? 0 : 1;
    } finally {
      if (port?.ok === true) port.value.close();
    }
  });

async function lookAtHelper(stateDir: string): Promise<Patient['helper']> {
  const helper = helperOf(stateDir);
  if (helper !== 'root') return helper;
  const disk = nodeDisk(actFolder);
  const state = await openActState(disk);
  await disk.close();
  if (!state.ok) return state;
  const { home, relay, trust } = state.value;
  return ok({ home, relay, version: trust().document.version });
}

const runMs = 15_000;
const maxOutputBytes = 8 * 1024 * 1024;

/** Runs a program that only tells something. */
const run = ([file = '', ...args]: readonly string[]): Promise<Ran> =>
  new Promise((resolve) => {
    execFile(file, args, { timeout: runMs, maxBuffer: maxOutputBytes }, (error, out) => {
      if (error === null) return resolve({ status: 0, out });
      const { code } = error as { code?: unknown };
      resolve(code === 'ENOENT' ? null : { status: typeof code === 'number' ? code : 1, out });
    });
  });
