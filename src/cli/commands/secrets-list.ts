import { own } from '../../../schema/wire/record.ts';
import { byText } from '../../config/repo.ts';
import { expectedAddressees } from '../../config/secrets/judge.ts';
import { judgeSecretFile, type SecretState } from '../../config/secrets/judge-file.ts';
import { repoOption } from '../build-folder.ts';
import { defineCommand } from '../command.ts';
import { done } from '../outcome.ts';
import { openVault, type Vault } from '../secrets/vault.ts';
import { table } from '../text.ts';

/** How a secret stands on one machine. */
type Place = { readonly machine: string; readonly state: SecretState | 'missing' | 'derived' };

const words: Readonly<Record<Place['state'], string>> = {
  current: 'set',
  changed: 'set, for other recipients',
  unknown: 'set, by another program',
  broken: 'broken',
  missing: 'not set',
  derived: 'made there',
};

function placesOf(
  { secrets, home }: Vault,
  addressees: ReadonlyMap<string, readonly string[]>,
  name: string,
): Place[] {
  const needed = home === undefined ? undefined : own(home.secrets, name);
  const files = secrets.filter((file) => file.name === name);
  const machines = new Set([...files.map(({ machine }) => machine), ...(needed?.targets ?? [])]);
  return [...machines].sort(byText).map((machine): Place => {
    const file = files.find((one) => one.machine === machine);
    if (file === undefined) {
      return { machine, state: (needed?.from.length ?? 0) > 0 ? 'derived' : 'missing' };
    }
    return { machine, state: judgeSecretFile(file.bytes, addressees.get(machine) ?? null).state };
  });
}

export const secretsList = defineCommand({
  name: 'secrets list',
  summary: 'List the secrets of a repo: where they are set, and which apps use them',
  usage: '',
  more: ['No key is needed, and no value is shown. writ secrets check tells what is wrong with them.'],
  examples: [
    { line: 'writ secrets list', about: 'every secret that is set or that an app lists' },
    { line: 'writ secrets list --json', about: 'the same for a program' },
  ],
  options: { ...repoOption },
  async run(_, __, { repo = '.' }) {
    const opened = openVault(repo);
    if (!opened.ok) return opened;
    const vault = opened.value;
    const names = new Set([
      ...vault.secrets.map(({ name }) => name),
      ...Object.keys(vault.home?.secrets ?? {}),
    ]);
    const addressees = await expectedAddressees(vault.recipients, vault.secrets);
    const secrets = [...names].sort(byText).map((name) => {
      const needed = vault.home === undefined ? undefined : own(vault.home.secrets, name);
      const machines = placesOf(vault, addressees, name);
      return { name, machines, apps: needed?.apps ?? [], from: needed?.from ?? [] };
    });
    const rows = secrets.flatMap(({ name, machines, apps, from }) =>
      machines.map(({ machine, state }, index) => [
        index === 0 ? name : '',
        machine,
        words[state],
        index === 0 ? (apps.length > 0 ? `used by ${apps.join(', ')}` : 'used by no app') : '',
        index === 0 && from.length > 0 ? `from ${from.join(', ')}` : '',
      ]),
    );
    const text = rows.length > 0 ? table(rows) : 'There are no secrets yet. Next: writ secrets set SECRET';
    return done(text, { secrets });
  },
});
