import { toBytes } from '../../../schema/jose/digest.ts';
import { addresseesOf } from '../../config/secrets/addressees.ts';
import { judgeSecretFile } from '../../config/secrets/judge-file.ts';
import {
  alphabets,
  defaultLength,
  maxLength,
  randomValue,
  readAlphabet,
  strengthBits,
} from '../../config/secrets/random-value.ts';
import type { SecretFile } from '../../config/secrets/repo-paths.ts';
import { repoOption } from '../build-folder.ts';
import { type Context, defineCommand } from '../command.ts';
import { type Done, done, exits, type Failure, fail } from '../outcome.ts';
import { type IdentityValues, identityOptions, readIdentity } from '../secrets/identity.ts';
import { decryptFiles, filesOf, judgeName, onOption } from '../secrets/targets.ts';
import { confirmRecipients, type Judge, openJudge, openVault, type Vault } from '../secrets/vault.ts';
import { writeSecrets } from '../secrets/write.ts';
import { listed } from '../text.ts';

const usage = (detail: string): Failure => fail(exits.usage, 'usage', `${detail} Nothing was done.`);

export const secretsRotate = defineCommand({
  name: 'secrets rotate',
  summary: 'Give a secret a new random value, or encrypt secrets to changed recipients',
  usage: '[SECRET]',
  more: [
    'A new value goes to every machine that has the secret, all at once, and no key is needed for that. It is shown to nobody; where it must be entered by hand too, writ secrets edit shows it. With --on it goes to those machines, whether they had one or not.',
    'With --recipients values stay as they are: what is encrypted to others than the recipients of today (all secrets, or the one that is named) is decrypted with your identity and encrypted again. Whoever could read a file before has read it: where that matters, give the secret a new value.',
  ],
  examples: [
    { line: 'writ secrets rotate grafana_pg_password', about: `${defaultLength} letters and digits` },
    { line: 'writ secrets rotate session_key --length 64 --alphabet hex', about: 'as an app wants it' },
    { line: 'writ secrets rotate db_password --on secsvcs', about: 'a first value for a machine' },
    { line: 'writ secrets rotate --recipients', about: 'after a machine or your identity is another' },
  ],
  options: {
    ...repoOption,
    ...onOption,
    length: {
      type: 'text',
      value: 'N',
      about: `how many characters, 1 to ${maxLength} (default: ${defaultLength})`,
    },
    alphabet: {
      type: 'text',
      value: 'NAME',
      about: `${Object.keys(alphabets).join(', ')}, or the characters themselves (default: alphanumeric)`,
    },
    recipients: { type: 'flag', about: 'keep the values, and encrypt them to the recipients of today' },
    ...identityOptions,
  },
  async run(context, [name], values) {
    const bad = name === undefined ? null : judgeName(name);
    if (bad !== null) return bad;
    if (name === undefined && !values.recipients)
      return usage('Which secret? writ secrets rotate SECRET; or --recipients for all of them.');
    if (values.recipients && (values.length !== undefined || values.alphabet !== undefined))
      return usage('--recipients keeps the values: --length and --alphabet do not go with it.');
    const length = Number(values.length ?? defaultLength);
    if (!Number.isInteger(length) || length < 1 || length > maxLength)
      return usage(`--length ${values.length} is no number from 1 to ${maxLength}.`);
    const alphabet = readAlphabet(values.alphabet ?? 'alphanumeric');
    if (alphabet === null) {
      return usage(
        `--alphabet is one of ${Object.keys(alphabets).join(', ')}, or at least two characters, each once, without blanks.`,
      );
    }
    const vault = openVault(values.repo ?? '.');
    if (!vault.ok) return vault;
    const judge = await openJudge(context);
    if (!judge.ok) return judge;
    if (values.recipients) return reencrypt(context, vault.value, judge.value, name, values);

    const given = new Set(values.on);
    const there = filesOf(vault.value, name!, []);
    if (!there.ok && given.size === 0) return there;
    const machines =
      given.size > 0 ? [...given].sort() : there.ok ? there.value.map((one) => one.machine) : [];
    const value = toBytes(randomValue(context.random, alphabet, length));
    const written = await writeSecrets(vault.value, judge.value, [{ name: name!, value, machines }]);
    if (!written.ok) return written;
    const bits = strengthBits(alphabet, length);
    const left = there.ok ? there.value.filter(({ machine }) => !machines.includes(machine)) : [];
    const lines = [
      ...written.value,
      `${name} has a new value of ${bits} bits on ${listed(machines)}. Next: git add secrets`,
      ...(left.length > 0
        ? [
            `${listed(left.map(({ machine }) => machine))} ${left.length === 1 ? 'keeps' : 'keep'} the old one.`,
          ]
        : []),
    ];
    return done(lines.join('\n'), { name, machines, files: written.value, bits });
  },
});

/** Encrypts again what is not encrypted to the recipients of today. */
async function reencrypt(
  context: Context,
  vault: Vault,
  judge: Judge,
  name: string | undefined,
  values: IdentityValues & { readonly on: readonly string[] },
): Promise<Done | Failure> {
  const named = name === undefined ? undefined : filesOf(vault, name, values.on);
  if (named?.ok === false) return named;
  const all = vault.secrets.filter(({ machine }) => values.on.length === 0 || values.on.includes(machine));
  const files = named?.value ?? all;
  const confirmed = await confirmRecipients(vault, judge, [...new Set(files.map(({ machine }) => machine))]);
  if (!confirmed.ok) return confirmed;
  const stale: SecretFile[] = [];
  for (const file of files) {
    const wanted = await addresseesOf(confirmed.value.get(file.machine)!);
    if (judgeSecretFile(file.bytes, wanted).state !== 'current') stale.push(file);
  }
  if (stale.length === 0) {
    return done(
      `${files.length === 1 ? 'It is' : `All ${files.length} are`} encrypted to the recipients of today. Nothing was written.`,
      {
        files: [],
      },
    );
  }
  const identity = await readIdentity(context, values);
  if (!identity.ok) return identity;
  context.progress.say('Encrypting again');
  const opened = await decryptFiles(stale, identity.value);
  if (!opened.ok) return opened;
  const settings = stale.map(({ name: one, machine }, index) => ({
    name: one,
    value: opened.value[index]!,
    machines: [machine],
  }));
  const written = await writeSecrets(vault, judge, settings);
  if (!written.ok) return written;
  return done([...written.value, 'Values are as they were. Next: git add secrets'].join('\n'), {
    files: written.value,
  });
}
