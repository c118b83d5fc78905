import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Release } from '../../../schema/wire/release.ts';
import { buildRepos, readRepoFrom } from '../../../src/cli/build-folder.ts';
import { type Ran, runWrit } from '../../src/cli/terminal-fixture.ts';
import { filesOf, tarOf } from '../../support/machine-copy.ts';
import type { MovedMachine } from './homes.ts';

/** A folder in which a new user stands, and the repo that comes to be in it. */
export type Place = {
  readonly folder: string;
  readonly repo: string;
  /** A command line of `writ`, with this folder's own configuration. */
  writ(...words: string[]): Promise<Ran>;
};

export function newPlace(t: { after(work: () => void): void }): Place {
  const folder = mkdtempSync(join(tmpdir(), 'writ-moving-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return {
    folder,
    repo: join(folder, 'homelab'),
    writ: (...words) => runWrit([...words, '--config', join(folder, 'config')]),
  };
}

/** Copies a machine, adopts it, and holds what came of it against what the machine is known to make. */
export async function adoptMachine(place: Place, machine: MovedMachine): Promise<Ran> {
  const archive = join(place.folder, `${machine.name}.tar`);
  writeFileSync(archive, tarOf(machine));
  const words = ['adopt', archive, '--on', machine.name, '--into', place.repo, ...machine.words];
  const ran = await place.writ(...words, '--json');
  assert.equal(ran.exit, 0, ran.out + ran.err);
  const told = JSON.parse(ran.out) as {
    readonly apps: readonly { readonly units: readonly string[]; readonly files: readonly string[] }[];
    readonly left: readonly { readonly code: string; readonly path: string }[];
  };
  assert.deepEqual(told.left.map(({ code, path }) => `${code} ${path}`).sort(), machine.left);
  const files = told.apps.reduce((sum, { units, files: own }) => sum + units.length + own.length, 0);
  assert.deepEqual({ apps: told.apps.length, files }, { apps: machine.apps, files: machine.files });
  return ran;
}

/** Every file of a repo by its path. */
export function repoFiles(repo: string): ReadonlyMap<string, string> {
  const paths = readdirSync(repo, { recursive: true, encoding: 'utf8' });
  return new Map(
    paths
      .filter((path) => statSync(join(repo, path)).isFile())
      .sort()
      .map((path) => [path, readFileSync(join(repo, path), 'latin1')]),
  );
}

export async function releaseOf(repo: string): Promise<Release> {
  const read = readRepoFrom(repo);
  assert.ok(read.ok);
  const [built] = await buildRepos([read.value]);
  assert.deepEqual(
    built!.findings.filter(({ severity }) => severity === 'error'),
    [],
  );
  return built!.release!;
}

/** What a release brings to a machine, by path: mode, owner and bytes. */
export function broughtTo(release: Release, machine: string): ReadonlyMap<string, string> {
  const part = release.manifest.parts.find(({ target }) => target === machine);
  return new Map(
    (part?.files ?? []).map(({ path, mode, owner, digest }) => [
      path,
      `${mode} ${owner} ${Buffer.from(release.blobs.get(digest)!).toString('latin1')}`,
    ]),
  );
}

/** The same of what the machine has; `without` are the paths of the machine that the repo is not to have. */
export function onMachine(machine: MovedMachine, without: readonly string[]): ReadonlyMap<string, string> {
  const name = (id: number): string => (id === 0 ? 'root' : String(id));
  return new Map(
    filesOf(machine)
      .filter(({ path }) => !without.includes(`/${path}`))
      .map(({ path, bytes, attributes: { mode, uid, gid } }) => [
        `/${path}`,
        `0${mode.toString(8)} ${name(uid)}:${name(gid)} ${Buffer.from(bytes).toString('latin1')}`,
      ]),
  );
}

/** Paths that stay the machine's alone: told as left out, or excluded by name. */
export const leftPaths = ({ left, words }: MovedMachine, folder: readonly string[] = []): string[] => [
  ...left.map((line) => line.slice(line.indexOf(' ') + 1)),
  ...folder.filter((path) =>
    words.some((word, index) => words[index - 1] === '--exclude' && path.endsWith(`/${word}`)),
  ),
];
