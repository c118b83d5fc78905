import type { Recipients } from '../../../schema/manifest/recipients.ts';
import { didYouMean } from '../../../schema/near.ts';
import { type Trust, trustExpired } from '../../../schema/trust/read.ts';
import { maxReportBytes } from '../../../schema/wire/limits.ts';
import { own } from '../../../schema/wire/record.ts';
import { compileHome } from '../../config/compile/compile.ts';
import type { Home } from '../../config/home.ts';
import { readManifest } from '../../config/read/manifest.ts';
import { textOrNull } from '../../config/read/text.ts';
import type { RepoFiles } from '../../config/repo.ts';
import { expectedOf } from '../../config/secrets/judge.ts';
import { readRecipients } from '../../config/secrets/recipients-file.ts';
import {
  recipientsFile,
  reportPath,
  type SecretFile,
  secretFilesOf,
} from '../../config/secrets/repo-paths.ts';
import { readReported, relayOf } from '../../config/secrets/reported.ts';
import { readRepoFrom } from '../build-folder.ts';
import type { Context } from '../command.ts';
import { findingsText } from '../findings.ts';
import { readHome } from '../home.ts';
import { exits, type Failure, fail } from '../outcome.ts';
import { type Known, readKnown } from './known.ts';

/** The secrets of a repo as they lie there. */
export type Vault = {
  readonly root: string;
  readonly files: RepoFiles;
  readonly recipients: Recipients;
  readonly secrets: readonly SecretFile[];
  /** What apps say of secrets, as far as homelab.yaml and the apps can be read. */
  readonly home: Home | undefined;
};

/** Reads a repo for a command about its secrets. Apps that are not right do not keep anybody from setting one. */
export function openVault(root: string): { ok: true; value: Vault } | Failure {
  const read = readRepoFrom(root);
  if (!read.ok) return read;
  const { files } = read.value;
  const recipients = readRecipients(files);
  if (!recipients.ok) {
    const lines = [...findingsText(recipients.findings), 'Nothing was done.'];
    return fail(exits.usage, 'recipients_malformed', lines.join('\n'));
  }
  const { manifest } = readManifest(read.value);
  return {
    ok: true,
    value: {
      root,
      files,
      recipients: recipients.recipients,
      secrets: secretFilesOf(files).secrets,
      home: manifest.hasHomelab ? compileHome(manifest, new Map()).home : undefined,
    },
  };
}

/** What this computer holds against the repo's word: trust, and its own memory. */
export type Judge = { readonly trust: Trust; readonly known: Known };

export async function openJudge(context: Context): Promise<{ ok: true; value: Judge } | Failure> {
  const home = await readHome(context.configDir);
  if (!home.ok) return home;
  const { trust } = home.value;
  if (trustExpired(trust, context.now())) {
    return fail(
      exits.refused,
      'trust_expired',
      `Trust version ${trust.document.version} has expired, and confirms no recipient any more. Nothing was encrypted. Renew it: writ trust sign.`,
    );
  }
  const known = readKnown(context.configDir);
  return known.ok ? { ok: true, value: { trust, known: known.value } } : known;
}

const refused = (reason: string, detail: string): Failure =>
  fail(exits.refused, reason, `${detail} Nothing was encrypted.`);

/**
 * The recipients of each machine's secrets, each one confirmed: the machine's by the report of the relay that trust's
 * house names for it, the owner's by this computer. The repo alone is not believed.
 */
export async function confirmRecipients(
  vault: Vault,
  judge: Judge,
  machines: readonly string[],
): Promise<{ ok: true; value: ReadonlyMap<string, readonly string[]> } | Failure> {
  const ownerFault = judgeOwner(vault.recipients, judge.known);
  if (ownerFault !== null) return ownerFault;
  const confirmed = new Map<string, readonly string[]>();
  for (const machine of machines) {
    const { house } = judge.trust.document;
    if (relayOf(house, machine) === undefined) {
      const all = [...Object.keys(house.guests), ...Object.keys(house.hosts)];
      return refused(
        'machine_unknown',
        `Trust version ${judge.trust.document.version} names no guest or host ${machine}.${didYouMean(machine, all)}`,
      );
    }
    const expected = expectedOf(vault.recipients, machine);
    if (!expected.ok) return refused('recipient_missing', `${expected.why}. ${expected.mend}`);
    const doubt = await doubtOf(vault, judge, machine);
    if (doubt !== null) return refused(doubt.reason, doubt.detail);
    confirmed.set(machine, expected.recipients);
  }
  return { ok: true, value: confirmed };
}

/** The owner's recipients are those that were named on this computer, and no others. */
export function judgeOwner({ owner }: Recipients, { owner: known }: Known): Failure | null {
  if (known.length === 0) {
    return refused(
      'owner_unknown',
      'This computer does not know your own recipient yet. Make an identity with writ secrets recipients --new-identity, or name the recipient that you have with --owner.',
    );
  }
  const strangers = owner.filter((one) => !known.includes(one));
  const missing = known.filter((one) => !owner.includes(one));
  if (strangers.length === 0 && missing.length === 0) return null;
  const parts = [
    ...strangers.map((one) => `it names ${one}, which this computer does not know as yours`),
    ...missing.map((one) => `it lacks ${one}`),
  ];
  return refused(
    'owner_changed',
    `${recipientsFile} has other recipients of the owner than were named on this computer: ${parts.join('; ')}. If you changed them elsewhere, name all of them again with writ secrets recipients --owner. If not, somebody who can write to the repo did.`,
  );
}

/** Why a machine's recipient is not confirmed, or null. */
export async function doubtOf(
  { recipients, files }: Pick<Vault, 'recipients' | 'files'>,
  { trust, known }: Judge,
  machine: string,
): Promise<{ readonly reason: string; readonly detail: string } | null> {
  const entry = own(recipients.machines, machine);
  const path = reportPath(machine);
  const again = 'Take it anew from a report of today: writ secrets recipients.';
  const untrusted = (why: string) => ({
    reason: 'recipient_untrusted',
    detail: `The recipient of ${machine} in ${recipientsFile} is not confirmed: ${why}. ${again}`,
  });
  if (entry === undefined) return untrusted('there is none');
  const bytes = files.get(path);
  const text = bytes === undefined || bytes.length > maxReportBytes ? null : textOrNull(bytes);
  if (text === null) return untrusted(`there is no report ${path}`);
  const reported = await readReported(trust, text.trim());
  if (!reported.ok) return untrusted(`in ${path}, ${reported.detail ?? reported.reason}`);
  const { relay, kid, seq } = reported.value;
  if (own(reported.value.recipients, machine) !== entry.recipient)
    return untrusted(`${relay} signed another in ${path}`);
  const seen = own(known.seen, machine);
  if (seen !== undefined && seen.kid === kid && seq < seen.report) {
    return {
      reason: 'recipient_older',
      detail: `The recipient of ${machine} is from report ${seq} of ${relay}, and this computer has seen report ${seen.report}: ${path} was put back to an older one. ${again}`,
    };
  }
  return null;
}
