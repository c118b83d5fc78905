import type { Finding } from '../../config/finding.ts';
import { secretErrors } from '../../config/secrets/judge.ts';
import { recipientsFile, secretFilesOf } from '../../config/secrets/repo-paths.ts';
import { buildRepos, readRepoFrom, repoOption } from '../build-folder.ts';
import { type Context, defineCommand } from '../command.ts';
import { findingsJson, findingsText } from '../findings.ts';
import { isHome } from '../home.ts';
import { done, exits, type Failure } from '../outcome.ts';
import { doubtOf, judgeOwner, openJudge, openVault } from '../secrets/vault.ts';

const isAboutSecrets = ({ code, file }: Finding): boolean =>
  /^(secret|recipient)_/.test(code) || file === 'secrets' || file.startsWith('secrets/');

/** What `writ config check` warns of is an error here. */
const raised = (finding: Finding): Finding =>
  secretErrors.has(finding.code) ? { ...finding, severity: 'error' } : finding;

export const secretsCheck = defineCommand({
  name: 'secrets check',
  summary: 'Say what is wrong with the secrets of a repo, without any key',
  usage: '',
  more: [
    'It finds secrets that an app or a unit names and nobody has set, files that nobody uses or that no machine can read, those encrypted to others than the recipients of today, and those that mix post-quantum and classic recipients. It needs neither a key nor the network, so that CI can run it.',
    'On your own computer, where trust is kept, it also holds every recipient against what the relays signed.',
  ],
  examples: [
    { line: 'writ secrets check', about: 'exits with 1 when there is an error, with 0 for warnings alone' },
    { line: 'writ secrets check --repo ~/homelab --json', about: 'the findings as JSON, for a program' },
  ],
  options: { ...repoOption },
  async run(context, _, { repo = '.' }) {
    const read = readRepoFrom(repo);
    if (!read.ok) return read;
    const [built] = await buildRepos([read.value]);
    const { findings, home } = built!;
    const told = findings.filter((one) => isAboutSecrets(one) || home === undefined).map(raised);
    const trusted = await holdAgainstTrust(context, repo);
    if (!trusted.ok) return trusted;
    const all = [...told, ...trusted.findings];
    const errors = all.some(({ severity }) => severity === 'error');
    const count = secretFilesOf(read.value.files).secrets.length;
    const broken = findings.filter((one) => one.severity === 'error' && !isAboutSecrets(one)).length;
    const lines = [
      ...findingsText(all),
      ...(errors ? [] : [`No errors: ${count === 1 ? '1 secret' : `${count} secrets`}.`]),
      ...(broken > 0 && home !== undefined
        ? ['The repo has other errors (writ config check), so unused secrets were not looked for.']
        : []),
      trusted.version === null
        ? 'Recipients were not held against trust, which is not on this computer.'
        : `Recipients were held against trust version ${trusted.version}.`,
    ];
    return done(
      lines.join('\n'),
      { ...findingsJson(all), secrets: count, trust_version: trusted.version },
      errors ? exits.failed : exits.ok,
    );
  },
});

/** On the owner's computer: recipients that neither a relay of trust nor this computer confirms. */
async function holdAgainstTrust(
  context: Context,
  repo: string,
): Promise<{ ok: true; findings: readonly Finding[]; version: number | null } | Failure> {
  const vault = openVault(repo);
  // What is malformed is found without trust.
  if (!isHome(context.configDir) || !vault.ok) return { ok: true, findings: [], version: null };
  const judge = await openJudge(context);
  if (!judge.ok) return judge;
  const { recipients } = vault.value;
  const machines = Object.keys(recipients.machines);
  const finding = (message: string): Finding => ({
    file: recipientsFile,
    line: 1,
    column: 1,
    severity: 'error',
    code: 'recipient_untrusted',
    message,
  });
  const owner = recipients.owner.length > 0 ? judgeOwner(recipients, judge.value.known) : null;
  const doubts = await Promise.all(machines.map((machine) => doubtOf(vault.value, judge.value, machine)));
  return {
    ok: true,
    version: judge.value.trust.document.version,
    findings: [
      ...(owner === null ? [] : [finding(owner.detail.replace(' Nothing was encrypted.', ''))]),
      ...doubts.flatMap((doubt) => (doubt === null ? [] : [finding(doubt.detail)])),
    ],
  };
}
