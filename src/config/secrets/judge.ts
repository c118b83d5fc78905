import { parsePayload, readJws } from '../../../schema/jose/jws.ts';
import type { MachineRecipient, Recipients } from '../../../schema/manifest/recipients.ts';
import { didYouMean } from '../../../schema/near.ts';
import { maxReportBytes } from '../../../schema/wire/limits.ts';
import { own } from '../../../schema/wire/record.ts';
import { reportSchema } from '../../../schema/wire/report.ts';
import { unlessMachine } from '../broken.ts';
import type { ConfigCode } from '../codes.ts';
import type { Finding, Place } from '../finding.ts';
import type { Home } from '../home.ts';
import { textOrNull } from '../read/text.ts';
import type { RepoFiles } from '../repo.ts';
import { addresseesOf, chooseRecipients } from './addressees.ts';
import { judgeSecretFile } from './judge-file.ts';
import { readRecipients } from './recipients-file.ts';
import { recipientsFile, reportPath, type SecretFile, secretFilesOf } from './repo-paths.ts';

/** What `writ secrets check` fails for. While an app is being written they are doubts: `writ config check` warns. */
export const secretErrors: ReadonlySet<string> = new Set<ConfigCode>([
  'secret_missing',
  'secret_not_age',
  'secret_header_large',
  'secret_size',
  'secret_unreadable',
  'secret_mixed',
  'secret_recipients_changed',
  'secret_machine_unknown',
  'recipient_missing',
  'recipient_evidence',
]);

const doubt = (
  place: Place,
  code: ConfigCode,
  message: string,
  suggestion = '',
  unless: readonly string[] = [],
): Finding => ({
  ...place,
  severity: 'warning',
  code,
  message,
  ...(suggestion.trim() !== '' && { suggestion: suggestion.trim() }),
  ...(unless.length > 0 && { unless }),
});

const start = (file: string): Place => ({ file, line: 1, column: 1 });

/**
 * What is doubtful about the files under `secrets/`, found without a key: files that no machine can read, that nobody
 * uses, or that are encrypted to others than `secrets/recipients.yaml` names. A secret without a file is found with its app.
 *
 * @param whole whether every app could be read: otherwise nobody is said to be unused
 */
export async function judgeSecrets(files: RepoFiles, home: Home, whole: boolean): Promise<Finding[]> {
  const { secrets, others } = secretFilesOf(files);
  if (secrets.length === 0 && others.length === 0) return [];
  const read = readRecipients(files);
  if (!read.ok) return [...read.findings];
  const { recipients, yaml } = read;
  const at = (path: readonly (string | number)[]): Place => yaml?.place(path) ?? start(recipientsFile);
  const findings = [
    ...others.flatMap((path) => judgeOther(path, recipients)),
    ...judgeMachines(recipients, files, home, at),
  ];
  const addressees = await expectedAddressees(recipients, secrets);
  const told = new Set<string>();
  for (const file of secrets) {
    const expected = expectedOf(recipients, file.machine);
    const { faults } = judgeSecretFile(file.bytes, addressees.get(file.machine) ?? null);
    for (const { code, message, suggestion } of faults)
      findings.push(doubt(start(file.path), code, message, suggestion));
    findings.push(...judgeUse(file, home, whole));
    if (!expected.ok && isMachine(home, file.machine) && !told.has(file.machine)) {
      told.add(file.machine);
      findings.push(doubt(at(['machines']), 'recipient_missing', expected.why, expected.mend));
    }
  }
  return findings;
}

/** To whom a machine's secrets should be encrypted, as the repo says. */
export function expectedOf(
  { owner, machines }: Recipients,
  machine: string,
):
  | { readonly ok: true; readonly recipients: readonly string[] }
  | { readonly ok: false; readonly why: string; readonly mend: string } {
  const known = own(machines, machine);
  if (known === undefined) {
    return {
      ok: false,
      why: `${recipientsFile} names no recipient of ${machine}`,
      mend: 'writ secrets recipients takes it from its relay’s report.',
    };
  }
  const chosen = chooseRecipients(known.recipient, owner);
  if (chosen.ok) return chosen;
  const kind = chosen.protection === 'classic' ? 'classic (age1…)' : 'post-quantum (age1pq1…)';
  return {
    ok: false,
    why: `${recipientsFile} names no ${kind} recipient of the owner, and that of ${machine} is one`,
    mend: 'writ secrets recipients --owner names one.',
  };
}

/** The addressees that the secrets of each machine should have, where they are known. */
export async function expectedAddressees(
  recipients: Recipients,
  secrets: readonly SecretFile[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const found = new Map<string, readonly string[]>();
  for (const machine of new Set(secrets.map((file) => file.machine))) {
    const expected = expectedOf(recipients, machine);
    if (expected.ok) found.set(machine, await addresseesOf(expected.recipients));
  }
  return found;
}

const isMachine = (home: Home, name: string): boolean =>
  Object.hasOwn(home.guests, name) || Object.hasOwn(home.hosts, name);

const machinesOf = (home: Home): string[] => [...Object.keys(home.guests), ...Object.keys(home.hosts)];

function judgeUse({ machine, name, path }: SecretFile, home: Home, whole: boolean): Finding[] {
  if (!isMachine(home, machine)) {
    const message = `there is no guest or host ${machine}`;
    return [
      doubt(
        start(path),
        'secret_machine_unknown',
        message,
        didYouMean(machine, machinesOf(home)),
        unlessMachine(machine),
      ),
    ];
  }
  if (!whole) return [];
  const needed = own(home.secrets, name);
  if (needed?.targets.includes(machine) === true) {
    if (needed.from.length === 0) return [];
    const message = `${name} is made on ${machine} from ${needed.from.join(', ')}, so nobody reads this file`;
    return [doubt(start(path), 'secret_unused', message)];
  }
  const named = Object.keys(home.secrets).filter((one) => home.secrets[one]!.targets.includes(machine));
  return [
    doubt(
      start(path),
      'secret_unused',
      `no app on ${machine} lists the secret ${name}`,
      didYouMean(name, named),
    ),
  ];
}

function judgeOther(path: string, { machines }: Recipients): Finding[] {
  const name = path.slice('secrets/'.length);
  const report = /^([^/]+)\.jws$/.exec(name)?.[1];
  if (path === recipientsFile || (report !== undefined && own(machines, report) !== undefined)) return [];
  if (/(^|\/)\.|\.md$/.test(name)) return [];
  const message = 'it is no secret: those are secrets/MACHINE/NAME.age';
  return [doubt(start(path), 'secret_stray', message)];
}

/** Each recipient is the one that the report beside it gives. Who signed that, only trust can tell. */
function judgeMachines(
  { machines }: Recipients,
  files: RepoFiles,
  home: Home,
  at: (path: readonly (string | number)[]) => Place,
): Finding[] {
  return Object.entries(machines).flatMap(([machine, known]) => {
    const place = at(['machines', machine]);
    if (!isMachine(home, machine)) {
      const message = `there is no guest or host ${machine}`;
      return [
        doubt(
          place,
          'secret_machine_unknown',
          message,
          didYouMean(machine, machinesOf(home)),
          unlessMachine(machine),
        ),
      ];
    }
    const why = contradiction(machine, known, files);
    if (why === null) return [];
    return [doubt(place, 'recipient_evidence', why, 'Take it again: writ secrets recipients.')];
  });
}

function contradiction(machine: string, known: MachineRecipient, files: RepoFiles): string | null {
  const path = reportPath(machine);
  const bytes = files.get(path);
  if (bytes === undefined) return `there is no ${path}, the report that the recipient of ${machine} is from`;
  const text = bytes.length > maxReportBytes ? null : textOrNull(bytes);
  const jws = text === null ? null : readJws('report', text.trim(), maxReportBytes);
  if (jws?.ok !== true) return `${path} is no report of a relay`;
  const report = parsePayload(jws.value.payload, reportSchema, maxReportBytes);
  if (!report.ok) return `${path} is no report of a relay`;
  const { relay, seq, recipients } = report.value;
  const fits =
    relay === known.relay &&
    jws.value.kid === known.kid &&
    seq === known.report &&
    own(recipients ?? {}, machine) === known.recipient;
  return fits ? null : `${path} says otherwise of ${machine} than this file`;
}
