import { planImport } from '../../config/secrets/import-plan.ts';
import { repoOption } from '../build-folder.ts';
import { defineCommand } from '../command.ts';
import { done, exits, fail } from '../outcome.ts';
import { confirm } from '../passphrase.ts';
import { identityOptions } from '../secrets/identity.ts';
import { type ImportSource, maxImportBytes, readImport } from '../secrets/import-file.ts';
import { usersOf } from '../secrets/targets.ts';
import { readInput } from '../secrets/value.ts';
import { confirmRecipients, openJudge, openVault } from '../secrets/vault.ts';
import { writeSecrets } from '../secrets/write.ts';
import { table } from '../text.ts';

const sources: Readonly<Record<ImportSource, string>> = {
  sops: 'SOPS, decrypted with your age identity; its MAC fits',
  age: 'YAML, decrypted with your age identity',
  clear: 'YAML in clear',
};

export const secretsImport = defineCommand({
  name: 'secrets import',
  summary: 'Take secrets over from a file of SOPS, or from YAML that age encrypted',
  usage: 'FILE',
  more: [
    'FILE is YAML or JSON: encrypted by SOPS to a key of age, encrypted as a whole by age, or in clear, which is warned of; also what podman secret inspect --showsecret prints. - is standard input. Each value becomes a secret whose name is its keys joined by _, in lower case; --map gives it another. It goes to the machines whose apps list that name, unless --on or --map say otherwise. What would be done is shown first.',
  ],
  examples: [
    {
      line: 'writ secrets import secrets.sops.yaml --identity ~/.config/sops/age/keys.txt --dry-run',
      about: 'shows what would become of each value',
    },
    {
      line: 'writ secrets import old.yaml --map db.root=postgres_password@secsvcs --on websvcs',
      about: 'one value for another machine and under another name',
    },
    {
      line: "writ secrets import - --on secsvcs --yes < <(ssh secsvcs 'sudo podman secret inspect --showsecret $(sudo podman secret ls -q)')",
      about: 'the secrets that a machine’s Podman has',
    },
    {
      line: 'writ secrets import - --on secsvcs --yes < <(sops -d other.yaml)',
      about: 'what only SOPS can read',
    },
  ],
  options: {
    ...repoOption,
    on: { type: 'list', value: 'MACHINE', about: 'a machine that gets every value without one of its own' },
    map: {
      type: 'list',
      value: 'KEY=NAME[@MACHINE,…]',
      about: 'another name, or other machines, for a value',
    },
    only: { type: 'list', value: 'KEY', about: 'take this value, or all below this key, and no others' },
    ...identityOptions,
    'dry-run': { type: 'flag', about: 'write nothing' },
    yes: { type: 'flag', about: 'write without asking' },
  },
  async run(context, [file = ''], values) {
    const opened = openVault(values.repo ?? '.');
    if (!opened.ok) return opened;
    const vault = opened.value;
    const judge = await openJudge(context);
    if (!judge.ok) return judge;
    const input = await readInput(context, file, maxImportBytes);
    if (!input.ok) return input;
    const read = await readImport(context, file === '-' ? 'standard input' : file, input.value, values);
    if (!read.ok) return read;
    const { source, leaves } = read.value;
    const plan = planImport(leaves, {
      maps: values.map,
      only: values.only,
      on: values.on,
      usersOf: (name) => usersOf(vault, name),
    });
    if (!plan.ok)
      return fail(exits.usage, 'import_unclear', [...plan.problems, 'Nothing was imported.'].join('\n'));
    const { incoming } = plan;
    const machines = [...new Set(incoming.flatMap((one) => one.machines))];
    const confirmed = await confirmRecipients(vault, judge.value, machines);
    if (!confirmed.ok) return confirmed;

    const secrets = incoming.map(({ key, name, machines: on, clear }) => ({
      key,
      name,
      machines: on,
      replaces: on.filter((machine) =>
        vault.secrets.some((there) => there.name === name && there.machine === machine),
      ),
      clear,
    }));
    const lines = [
      `${sources[source]}:`,
      table(
        secrets.map(({ key, name, machines: on, replaces, clear }) => [
          key,
          name,
          on.join(', '),
          replaces.length > 0 ? `replaces that of ${replaces.join(', ')}` : 'new',
          clear && source === 'sops' ? 'stood in clear' : '',
        ]),
      ),
    ];
    if (source === 'clear') {
      context.progress.end();
      context.terminal.err(
        `WARNING: ${file === '-' ? 'what came in' : file} is not encrypted. Whoever can read it, a backup of it or a repo that it was ever in has these secrets. Delete it, and give new values to those that others may have seen: writ secrets rotate.\n`,
      );
    }
    if (values['dry-run']) {
      return done([...lines, 'Nothing was written (--dry-run).'].join('\n'), {
        source,
        secrets,
        files: [],
        dry_run: true,
      });
    }
    if (!values.yes) {
      context.progress.end();
      context.terminal.err(`${lines.join('\n')}\n`);
    }
    const agreed = await confirm(context, `Write these ${incoming.length} secrets?`, values.yes);
    if (agreed !== true) return agreed;
    const written = await writeSecrets(vault, judge.value, incoming);
    if (!written.ok) return written;
    return done([...lines, ...written.value, 'Next: git add secrets'].join('\n'), {
      source,
      secrets,
      files: written.value,
      dry_run: false,
    });
  },
});
