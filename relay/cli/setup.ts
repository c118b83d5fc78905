import { execFile } from 'node:child_process';
import { chown, mkdir, readFile, stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { HostFacts } from '../../schema/wire/report.ts';
import { gatherHostFacts } from '../agent/host-facts.ts';
import { type ProxmoxFiles, readProxmoxFiles } from '../drivers/proxmox-files.ts';
import { identityText } from '../drivers/proxmox-guests.ts';
import { enrollCommand } from './enroll.ts';
import { helperSocket } from './helper.ts';
import { accessSentences, type ProxmoxConsole, setUpProxmox, systemConsole } from './setup-proxmox.ts';
import { type ExitCode, type Terminal, tell, tellRefusal } from './terminal.ts';
import { withState } from './with-state.ts';

const run = promisify(execFile);
const unit = 'writ-relay.service';

export type SetupArguments = {
  /** Absent: the host is enrolled, and what comes after is to be done again. */
  readonly code: string | undefined;
  readonly stateDir: string;
  readonly json: boolean;
  readonly again: boolean;
};

/**
 * `writ-relay setup CODE`: all that a host needs, by one line at its console. Enrols it, on Proxmox VE makes the
 * relay's user and token, and starts the service. After a failure on the way it is run again, without the code
 * once the host is enrolled.
 */
export async function setupCommand(
  args: SetupArguments,
  terminal: Terminal,
  console: ProxmoxConsole = systemConsole,
): Promise<ExitCode> {
  const { json, stateDir } = args;
  if (process.getuid?.() !== 0) {
    tellRefusal(
      terminal,
      json,
      { reason: 'not_root' },
      'Setting a host up needs root: sudo writ-relay setup CODE.',
    );
    return 2;
  }
  await makeStateFolder(stateDir);
  const files = await readProxmoxFiles(console.root, console.node);
  if (args.code !== undefined) {
    const enrolled = await enrollCommand(
      {
        code: args.code,
        stateDir,
        json,
        again: args.again,
        trial: false,
        proxmox: noProxmoxArguments,
        found: files === null ? null : await whatIsFound(files, console.tokenFile),
      },
      terminal,
    );
    if (enrolled !== 0) return enrolled;
  }
  if (files !== null) {
    const code = await withState(args, terminal, { exclusive: false }, async (state) => {
      const { document } = state.trust.current();
      const wanted = { document, relay: state.relay, node: files.node };
      const done = await setUpProxmox(wanted, { json, dryRun: false }, terminal, console);
      if (done.ok) return 0;
      tellRefusal(terminal, json, done, accessSentences[done.reason]);
      terminal.err('This host is enrolled. Mend that, then run: writ-relay setup');
      return 1;
    });
    if (code !== 0) return code;
  }
  return startService(json, terminal);
}

const noProxmoxArguments = {
  url: undefined,
  node: undefined,
  tokenFile: undefined,
  fingerprint: undefined,
  spki: undefined,
} as const;

/** What the enrolment needs of Proxmox VE, without having a token yet. */
async function whatIsFound(files: ProxmoxFiles, tokenFile: string) {
  const own = await gatherHostFacts(null, AbortSignal.timeout(10_000));
  if (!own.ok) throw new Error('without Proxmox nothing can fail there');
  const facts: HostFacts = {
    ...own.value,
    guests: files.guests.map((guest) => ({
      vmid: guest.vmid,
      kind: guest.kind,
      name: guest.name.slice(0, 64),
      identity: identityText(guest),
    })),
  };
  const config = {
    url: 'https://127.0.0.1:8006',
    node: files.node,
    token_file: tokenFile,
    pin: files.spki,
    pin_kind: 'spki' as const,
  };
  return { config, facts };
}

/** The folder is the service's own: what root writes into it is given to its owner. */
async function makeStateFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const { uid } = await stat(folder);
  if (uid !== 0) return;
  const passwd = await readFile('/etc/passwd', 'utf8');
  const [, , user, group] = /^writ:.*$/m.exec(passwd)?.[0].split(':') ?? [];
  if (user !== undefined && group !== undefined) await chown(folder, Number(user), Number(group));
}

async function startService(json: boolean, terminal: Terminal): Promise<ExitCode> {
  try {
    await run('systemctl', ['enable', unit]);
    await run('systemctl', ['restart', unit]);
    // On a host that was enrolled before there was a helper, it waits for `writ-relay trust seed`.
    await run('systemctl', ['enable', '--now', helperSocket]);
  } catch (error) {
    const detail = String((error as { stderr?: unknown }).stderr ?? error)
      .trim()
      .slice(0, 300);
    const sentence = `The host is enrolled, but ${unit} did not start. See: journalctl -u ${unit}`;
    tellRefusal(terminal, json, { reason: 'service_not_started', detail }, sentence);
    return 1;
  }
  tell(terminal, json, { service: unit, started: true }, [
    'The relay runs, and starts with this host. On your own computer, run `writ relays approve` and compare the fingerprint.',
  ]);
  return 0;
}
