import { existsSync } from 'node:fs';
import { toBytes } from '../../../schema/jose/digest.ts';
import type { Recipients } from '../../../schema/manifest/recipients.ts';
import { ageKindOf } from '../../../schema/wire/age-recipient.ts';
import { textOrNull } from '../../config/read/text.ts';
import { recipientsText } from '../../config/secrets/recipients-file.ts';
import { recipientsFile, reportPath } from '../../config/secrets/repo-paths.ts';
import { repoOption } from '../build-folder.ts';
import { type Context, defineCommand } from '../command.ts';
import { makePrivateDirectory, replaceFile } from '../files.ts';
import { type Done, done, exits, type Failure, fail } from '../outcome.ts';
import { confirm, newPassphrase, passphraseFileOption } from '../passphrase.ts';
import { makeIdentity, sealUnderPassphrase } from '../secrets/age.ts';
import { askReports, readReports } from '../secrets/bring-reports.ts';
import { ownIdentityPath } from '../secrets/identity.ts';
import { type Known, writeKnown } from '../secrets/known.ts';
import { type BroughtReport, judgeReports, type Taken } from '../secrets/take-reports.ts';
import { doubtOf, type Judge, openJudge, openVault, type Vault } from '../secrets/vault.ts';
import { writeIntoRepo } from '../secrets/write.ts';
import { ago, table } from '../text.ts';
import { shortRecipient as short } from '../trust-words.ts';

const usage = (detail: string): Failure => fail(exits.usage, 'usage', `${detail} Nothing was written.`);

export const secretsRecipients = defineCommand({
  name: 'secrets recipients',
  summary: 'Take the recipients of machines from what their relays signed, and name your own',
  usage: '',
  more: [
    'Each machine has an age identity that never leaves it; its relay tells the public half in a report that it signs. The control plane is asked for these reports, or they are given as files. Each is verified by the trust document on this computer: it must be signed by the relay that trust’s house names for the machine, and be no older than what is known. The report is kept as secrets/MACHINE.jws beside secrets/recipients.yaml, so that every later command verifies it again.',
    'Your own identity reads every secret. --new-identity makes one under a passphrase, in identity.age beside your keys: back it up, for without it no secret can be edited or taken to a machine that was installed anew. --owner names recipients that you have already, all of them.',
  ],
  examples: [
    { line: 'writ secrets recipients --new-identity', about: 'once: an identity of your own' },
    { line: 'writ secrets recipients', about: 'asks the control plane, and takes what is new' },
    { line: 'writ secrets recipients --report pve1.jws', about: 'takes a report from a file' },
    {
      line: 'writ secrets recipients --owner age1… --owner age1…',
      about: 'your own recipients are these, such as one whose identity is in a safe',
    },
    { line: 'writ secrets recipients --offline', about: 'shows what is known here' },
  ],
  options: {
    ...repoOption,
    report: {
      type: 'list',
      value: 'FILE',
      about: 'a report of a relay, in place of asking (- for standard input)',
    },
    offline: { type: 'flag', about: 'ask nobody' },
    'new-identity': { type: 'flag', about: 'make an age identity of your own' },
    'post-quantum': {
      type: 'flag',
      about: 'with --new-identity: one for post-quantum recipients (age1pq1…) too',
    },
    owner: {
      type: 'list',
      value: 'RECIPIENT',
      about: 'a recipient of your own; those not named are dropped',
    },
    'passphrase-file': passphraseFileOption,
    yes: { type: 'flag', about: 'take another recipient of a known machine without asking' },
  },
  async run(context, _, values) {
    const bad = values.owner.find((one) => ageKindOf(one) === null);
    if (bad !== undefined)
      return usage(`${bad} is no recipient of age (age1… or age1pq1…), or has a slip in it.`);
    if (values['post-quantum'] && !values['new-identity'])
      return usage('--post-quantum goes with --new-identity.');
    const path = ownIdentityPath(context.configDir);
    if (values['new-identity'] && existsSync(path))
      return usage(`${path} is there already. Another one is made once you have put it elsewhere.`);
    const opened = openVault(values.repo ?? '.');
    if (!opened.ok) return opened;
    const vault = opened.value;
    const judged = await openJudge(context);
    if (!judged.ok) return judged;

    const own = values['new-identity'] || values.owner.length > 0;
    const asks = !values.offline && values.report.length === 0 && !own;
    const brought = await bring(context, asks ? null : values.report);
    if (!brought.ok) return brought;
    const judge = { ...judged.value, ...brought.value.judge };
    const taken = await judgeReports(vault, judge, brought.value.reports, asks);
    if (!taken.ok) return taken;
    const agreed = await agreeToChanges(context, taken.value, values.yes);
    if (agreed !== true) return agreed;

    const made = values['new-identity']
      ? await newIdentity(context, path, values)
      : { ok: true as const, value: [] };
    if (!made.ok) return made;
    const before = judge.known.owner;
    const owner = [...new Set([...(values.owner.length > 0 ? values.owner : before), ...made.value])];
    return write(context, vault, judge, taken.value, own ? owner : null);
  },
});

type Brought = { readonly reports: readonly BroughtReport[]; readonly judge: Partial<Judge> };

async function bring(
  context: Context,
  files: readonly string[] | null,
): Promise<{ ok: true; value: Brought } | Failure> {
  if (files === null) {
    const asked = await askReports(context);
    if (!asked.ok) return asked;
    const { trust, reports } = asked.value;
    return { ok: true, value: { reports, judge: { trust } } };
  }
  const read = await readReports(context, files);
  return read.ok ? { ok: true, value: { reports: read.value, judge: {} } } : read;
}

/** A machine whose recipient is another was installed anew, or is not what it was. */
async function agreeToChanges(
  context: Context,
  taken: readonly Taken[],
  yes: boolean,
): Promise<true | Failure> {
  const changed = taken.filter(({ change }) => change === 'changed');
  if (changed.length === 0) return true;
  for (const { machine, entry, before } of changed) {
    context.terminal.err(
      `${machine} has another recipient: ${short(entry.recipient)} instead of ${short(before!)}, as ${entry.relay} signed.\n`,
    );
  }
  return confirm(context, 'Were these machines installed anew?', yes);
}

async function newIdentity(
  context: Context,
  path: string,
  values: { readonly 'post-quantum': boolean; readonly 'passphrase-file': string | undefined },
): Promise<{ ok: true; value: readonly string[] } | Failure> {
  const passphrase = await newPassphrase(
    context,
    values['passphrase-file'],
    'Passphrase for your age identity: ',
  );
  if (!passphrase.ok) return passphrase;
  context.progress.say('Making an identity');
  const kinds = values['post-quantum'] ? (['classic', 'post_quantum'] as const) : (['classic'] as const);
  const made = await Promise.all(kinds.map(makeIdentity));
  const text = made.map(({ identity, recipient }) => `# public key: ${recipient}\n${identity}\n`).join('');
  makePrivateDirectory(context.configDir);
  replaceFile(path, await sealUnderPassphrase(text, passphrase.value));
  context.progress.end();
  return { ok: true, value: made.map(({ recipient }) => recipient) };
}

/**
 * Writes what was taken into the repo, then what this computer knows of it.
 *
 * @param owner the owner's recipients where they are set
 */
async function write(
  context: Context,
  vault: Vault,
  judge: Judge,
  taken: readonly Taken[],
  owner: readonly string[] | null,
): Promise<Done | Failure> {
  const changes = taken.filter(({ change }) => change !== 'none');
  const next: Recipients = {
    ...vault.recipients,
    ...(owner !== null && { owner: [...owner] }),
    machines: {
      ...vault.recipients.machines,
      ...Object.fromEntries(changes.map(({ machine, entry }) => [machine, entry])),
    },
  };
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  if (changes.length > 0 || owner !== null) {
    const before = textOrNull(vault.files.get(recipientsFile) ?? new Uint8Array()) ?? '';
    for (const { machine, jws } of changes) files.set(reportPath(machine), toBytes(`${jws}\n`));
    files.set(recipientsFile, toBytes(recipientsText(before, next)));
    const written = writeIntoRepo(vault.root, files);
    if (!written.ok) return written;
    const known: Known = {
      ...judge.known,
      ...(owner !== null && { owner: [...owner] }),
      seen: {
        ...judge.known.seen,
        ...Object.fromEntries(
          changes.map(({ machine, entry: { kid, report } }) => [machine, { kid, report }]),
        ),
      },
    };
    writeKnown(context.configDir, known);
    return tell(
      context,
      { ...vault, recipients: next, files: new Map([...vault.files, ...files]) },
      { ...judge, known },
      taken,
      [...files.keys()],
    );
  }
  return tell(context, vault, judge, taken, []);
}

async function tell(
  context: Context,
  vault: Vault,
  judge: Judge,
  taken: readonly Taken[],
  files: readonly string[],
): Promise<Done> {
  const { owner, machines } = vault.recipients;
  const rows = await Promise.all(
    Object.entries(machines).map(async ([machine, { recipient, relay, report }]) => {
      const doubt = await doubtOf(vault, judge, machine);
      const now = taken.find((one) => one.machine === machine);
      const change = now === undefined || now.change === 'none' ? '' : now.change;
      const when = now === undefined ? '' : ` ${ago(context.now() - now.time)}`;
      return {
        cells: [
          machine,
          short(recipient),
          doubt === null ? `report ${report} of ${relay}${when}` : 'NOT CONFIRMED',
          change,
        ],
        json: { machine, recipient, relay, report, confirmed: doubt === null, change: now?.change ?? 'none' },
        doubt: doubt?.detail,
      };
    }),
  );
  const stale = taken.some(({ change }) => change === 'changed') || files.includes(recipientsFile);
  const text = [
    table([...owner.map((one) => ['you', short(one)]), ...rows.map(({ cells }) => cells)]),
    ...rows.flatMap(({ doubt }) => (doubt === undefined ? [] : [doubt])),
    ...(rows.length === 0 ? ['No machine has a recipient yet.'] : []),
    ...(stale && vault.secrets.length > 0
      ? [
          'What is encrypted to others is told by writ secrets check, and encrypted again by writ secrets rotate --recipients.',
        ]
      : []),
    ...(owner.length > 0 && judge.trust.document.recipients === undefined
      ? ['Relays may send you what failing apps say: writ trust readers']
      : []),
    ...files,
  ].filter((line) => line !== '');
  return done(text.join('\n'), { owner, machines: rows.map(({ json }) => json), files });
}
