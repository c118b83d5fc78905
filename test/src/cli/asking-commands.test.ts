import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { test } from 'node:test';
import { commands } from '../../../src/cli/commands.ts';
import { scan } from '../../architecture/scan.ts';

const cli = join(import.meta.dirname, '../../../src/cli');

/** Every command that may ask for the passphrase of the root key: who may order what changes, or a machine does. */
const askingForRoot = [
  'house set',
  'move',
  'relays approve',
  'trust add-github',
  'trust add-key',
  'trust add-notary',
  'trust command',
  'trust heal',
  'trust readers',
  'trust revoke',
  'trust rotate',
  'trust sign',
];
/** Those that have a new passphrase made, for a root key that they make. */
const makingRoot = ['init', 'trust recover', 'trust rotate'];
/** Those that ask for another passphrase: of the private CA, or of an age identity by which secrets and logs are read. */
const askingForOther = [
  ...['ca init', 'ca sign'],
  ...['command', 'deploy', 'deployments', 'history'],
  ...['secrets edit', 'secrets import', 'secrets recipients', 'secrets rotate'],
];

/** The command files from which a file of src/cli is reached by imports that are there when it runs. */
function commandsReaching(file: string): string[] {
  const importsOf = new Map<string, readonly string[]>();
  const visit = (path: string): readonly string[] => {
    const known = importsOf.get(path);
    if (known !== undefined) return known;
    const found = scan(path, readFileSync(path, 'utf8'))
      .imports.filter(({ typeOnly, specifier }) => !typeOnly && specifier.startsWith('.'))
      .map(({ specifier }) => resolve(dirname(path), specifier))
      .filter((target) => !relative(cli, target).startsWith('..'));
    importsOf.set(path, found);
    return found;
  };
  const reaches = (path: string, seen: Set<string>): boolean =>
    path === join(cli, file) ||
    visit(path).some((target) => !seen.has(target) && reaches(target, seen.add(target)));
  return readdirSync(join(cli, 'commands'))
    .filter((name) => reaches(join(cli, 'commands', name), new Set()))
    .map((name) => name.replace('.ts', ''))
    .sort();
}

const namesWith = (option: string): string[] =>
  commands
    .filter(({ options }) => Object.hasOwn(options, option))
    .map(({ name }) => name)
    .sort();
const filesOf = (names: readonly string[]): string[] =>
  [...new Set(names)].map((name) => name.replace(' ', '-')).sort();

test('the passphrase is asked for by these commands alone, all others never do', () => {
  assert.deepEqual(namesWith('paper'), askingForRoot);
  assert.deepEqual(
    namesWith('passphrase-file'),
    [...new Set([...askingForRoot, ...makingRoot, ...askingForOther])].sort(),
  );
});

test('what asks for the root key is out of reach of every other command', () => {
  // `trust recover` asks for the one on paper alone.
  assert.deepEqual(commandsReaching('root-key.ts'), filesOf([...askingForRoot, 'trust recover']));
  assert.deepEqual(commandsReaching('sign-trust.ts'), filesOf(askingForRoot));
});
