import { randomBytes } from 'node:crypto';
import { mkdir, open, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ok, type Result } from '../../schema/result.ts';
import type { TrustDocument } from '../../schema/trust/document.ts';
import { releasableTargets } from '../../schema/trust/evaluate.ts';
import { credentialsFolder } from '../agent/config.ts';
import { readProxmoxFiles } from '../drivers/proxmox-files.ts';
import {
  type AccessRefusal,
  type Pveum,
  readAccess,
  readTokenSecret,
  systemPveum,
} from '../drivers/pveum.ts';
import { planAccess, relayUser, tokenIdOf, type WantedAccess } from './proxmox-access.ts';
import { type ExitCode, type Terminal, tell, tellRefusal } from './terminal.ts';
import { withState } from './with-state.ts';

export const tokenFile = `${credentialsFolder}/proxmox-token`;

/** What the setup stands on, replaced by tests. */
export type ProxmoxConsole = {
  readonly pveum: Pveum;
  readonly tokenFile: string;
  /** Where /etc/pve is. */
  readonly root?: string;
  readonly node?: string;
};

export const systemConsole: ProxmoxConsole = { pveum: systemPveum, tokenFile };

/** `writ-relay setup-proxmox`: a user, roles and a token for this host's relay, for the guests that trust names. */
export async function setupProxmoxCommand(
  args: { readonly stateDir: string; readonly json: boolean; readonly dryRun: boolean },
  terminal: Terminal,
  console: ProxmoxConsole = systemConsole,
): Promise<ExitCode> {
  const files = await readProxmoxFiles(console.root, console.node);
  if (files === null) {
    tellRefusal(
      terminal,
      args.json,
      { reason: 'proxmox_absent' },
      'This host runs no Proxmox VE: there is nothing to set up.',
    );
    return 1;
  }
  return withState(args, terminal, { exclusive: false }, async (state) => {
    const { document } = state.trust.current();
    const done = await setUpProxmox(
      { document, relay: state.relay, node: files.node },
      args,
      terminal,
      console,
    );
    if (done.ok) return 0;
    tellRefusal(terminal, args.json, done, accessSentences[done.reason]);
    return 1;
  });
}

export const accessSentences = {
  pveum_failed:
    'Proxmox VE refused a change of its users and rights. What was done before it stays; run it again.',
  pveum_malformed: 'pveum answered in a form that is not known here. Nothing more was changed.',
} as const satisfies Record<AccessRefusal, string>;

/** Shows what is to be done, and does it unless this is a dry run. Doing it again changes nothing. */
export async function setUpProxmox(
  wanted: { readonly document: HouseAndGrants; readonly relay: string; readonly node: string },
  args: { readonly json: boolean; readonly dryRun: boolean },
  terminal: Terminal,
  console: ProxmoxConsole,
): Promise<Result<true, AccessRefusal>> {
  const access = await readAccess(console.pveum, relayUser);
  if (!access.ok) return access;
  const changes = planAccess(access.value, {
    node: wanted.node,
    guests: guestsOf(wanted.document, wanted.relay),
    hasSecret: await exists(console.tokenFile),
  });
  const said = changes.map(({ say, argv }) => ({ say, command: `pveum ${argv.join(' ')}` }));
  tell(
    terminal,
    args.json,
    { proxmox: wanted.node, dry_run: args.dryRun, changes: said },
    changes.length === 0
      ? ['Proxmox VE: all is set up already.']
      : [
          args.dryRun ? 'Proxmox VE: this would be done:' : 'Proxmox VE: setting up',
          ...said.map(({ say }) => `  ${say}`),
        ],
  );
  if (args.dryRun) return ok(true);
  for (const { argv, makesToken } of changes) {
    const ran = await console.pveum(argv);
    if (!ran.ok) return ran;
    if (makesToken !== true) continue;
    const secret = readTokenSecret(ran.value);
    if (!secret.ok) return secret;
    await writeSecret(console.tokenFile, `${relayUser}!${tokenIdOf(wanted.node)}=${secret.value}\n`);
  }
  return ok(true);
}

type HouseAndGrants = Pick<TrustDocument, 'house' | 'identities'>;

/** The guests of a host, and to which of them releases are brought through their agent. */
export function guestsOf(document: HouseAndGrants, relay: string): WantedAccess['guests'] {
  const released = new Set(releasableTargets(document, relay));
  return Object.entries(document.house.guests)
    .filter(([, guest]) => guest.host === relay)
    .map(([name, { vmid, kind, agent }]) => ({
      name,
      vmid,
      isReleased: kind === 'qemu' && agent && released.has(name),
    }));
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/** Replaces a file that its owner alone may read, durably: Proxmox VE tells a token's secret once. */
async function writeSecret(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const part = `${path}.${randomBytes(6).toString('hex')}`;
  const file = await open(part, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(part, path);
}
