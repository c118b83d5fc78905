import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import { encodeBase64url } from '../../schema/jose/base64url.ts';
import { ok, type Result, refuse } from '../../schema/result.ts';
import type { HostFacts } from '../../schema/wire/report.ts';
import { systemClock } from '../agent/clock.ts';
import type { ProxmoxConfig } from '../agent/config.ts';
import { enrol } from '../agent/enrol.ts';
import { nodeDisk } from '../agent/node-disk.ts';
import { openProxmox } from '../agent/proxmox-port.ts';
import { lockState } from '../agent/state-lock.ts';
import { createLog, formatTextLine } from '../log.ts';
import { helperOf, seedHelper } from './helper.ts';
import { enrolSentences, helperSentences, startSentences } from './sentences.ts';
import { type ExitCode, type Terminal, tell, tellRefusal } from './terminal.ts';

export type EnrollArguments = {
  readonly code: string;
  readonly stateDir: string;
  readonly json: boolean;
  readonly again: boolean;
  readonly trial: boolean;
  readonly proxmox: {
    readonly url: string | undefined;
    readonly node: string | undefined;
    readonly tokenFile: string | undefined;
    readonly fingerprint: string | undefined;
    readonly spki: string | undefined;
  };
  /** What `setup` found on this host; null or absent: what `proxmox` says. */
  readonly found?: { readonly config: ProxmoxConfig; readonly facts: HostFacts } | null;
};

/** `writ-relay enroll CODE`; `-` reads the code from standard input. */
export async function enrollCommand(args: EnrollArguments, terminal: Terminal): Promise<ExitCode> {
  const { json, stateDir } = args;
  const wanted = readProxmoxArguments(args.proxmox);
  if (!wanted.ok) {
    tellRefusal(terminal, json, { reason: 'usage' }, wanted.detail ?? 'the options of Proxmox do not fit');
    return 2;
  }
  const held = await lockState(stateDir);
  if (!held.ok) {
    tellRefusal(terminal, json, held, startSentences[held.reason]);
    return 1;
  }
  const opened = wanted.value === null ? null : await openProxmox(wanted.value, undefined);
  if (opened !== null && !opened.ok) {
    tellRefusal(terminal, json, opened, startSentences[opened.reason]);
    await held.value.release();
    return 1;
  }
  const disk = nodeDisk(stateDir);
  const clock = systemClock();
  const log = createLog({
    now: clock.now,
    write: (entry) => {
      if (!json && entry.level !== 'info') terminal.err(formatTextLine(entry));
    },
  });
  const enrolled = await enrol(
    {
      disk,
      clock,
      log,
      nonce: () => encodeBase64url(randomBytes(16)),
      config: args.found?.config ?? wanted.value,
      proxmox: opened?.value.proxmox ?? null,
      ...(args.found && { facts: args.found.facts }),
    },
    {
      code: args.code === '-' ? await terminal.readInput() : args.code,
      again: args.again,
      trial: args.trial,
    },
  );
  await disk.close();
  opened?.value.close();
  await held.value.release();
  if (!enrolled.ok) {
    tellRefusal(terminal, json, enrolled, enrolSentences[enrolled.reason]);
    return 1;
  }
  const { relay, fingerprint, trustVersion, admitted } = enrolled.value.enrolled;
  const helper = args.trial ? 'none' : helperOf(stateDir);
  const seeded = helper === 'root' ? await seedHelper({ relay, trust: enrolled.value.trust }) : ok(true);
  if (!seeded.ok) {
    tellRefusal(terminal, json, seeded, helperSentences.enrolled_unwritable);
    return 1;
  }
  tell(terminal, json, { ok: true, ...enrolled.value.enrolled }, [
    `This host is enrolled as ${relay}, under version ${trustVersion} of the trust document.`,
    '',
    `  fingerprint  ${fingerprint}`,
    '',
    ...(args.found !== undefined ? [] : [nextSteps(admitted)]),
    ...(helper === 'not_root' ? [helperSentences.not_root] : []),
  ]);
  return 0;
}

const nextSteps = (admitted: boolean): string =>
  admitted
    ? 'Next: `writ-relay run`.'
    : 'Next: start `writ-relay run` here, then run `writ relays approve` on your computer and compare the fingerprint. Until then it obeys nobody.';

/** `AA:BB:…`, as Proxmox VE shows it, or `sha256:<hex>`. */
function readPin(text: string): string | null {
  const bare = text.trim().toLowerCase();
  const hex = /^[0-9a-f]{2}(:[0-9a-f]{2}){31}$/.test(bare)
    ? bare.replaceAll(':', '')
    : bare.replace(/^sha256:/, '');
  return /^[0-9a-f]{64}$/.test(hex) ? `sha256:${hex}` : null;
}

function readProxmoxArguments(args: EnrollArguments['proxmox']): Result<ProxmoxConfig | null, 'usage'> {
  const { url, node, tokenFile, fingerprint, spki } = args;
  const given = [url, node, tokenFile, fingerprint ?? spki].filter((value) => value !== undefined);
  if (given.length === 0) return ok(null);
  if (url === undefined || node === undefined || tokenFile === undefined || given.length < 4) {
    return refuse(
      'usage',
      '--proxmox, --proxmox-node, --proxmox-token-file and --proxmox-fingerprint (or --proxmox-spki) go together',
    );
  }
  if (!/^https:\/\/[^/]+\/?$/.test(url) || !URL.canParse(url)) {
    return refuse('usage', '--proxmox must be such as https://127.0.0.1:8006');
  }
  const pin = readPin(spki ?? fingerprint ?? '');
  if (pin === null) return refuse('usage', 'the fingerprint must be sha256:<64 hex digits> or AA:BB:…');
  return ok({
    url,
    node,
    token_file: resolve(tokenFile),
    pin,
    pin_kind: spki === undefined ? 'certificate' : 'spki',
  });
}
