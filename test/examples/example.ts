import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Release, ReleasePart } from '../../schema/wire/release.ts';
import { readRepo } from '../../src/cli/repo-files.ts';
import { type Built, buildRepo } from '../../src/config/build/build.ts';
import type { Repo } from '../../src/config/repo.ts';
import { renderHere } from '../support/repo-fixture.ts';

/** The folder of the whole example. */
export const exampleFolder = join(import.meta.dirname, '../../examples/homelab');

/** The file of a test key in the example, `owner` or a machine. */
export const testKeyPath = (name: string): string => `test-keys/${name}.txt`;

/** A test key of the example, as age writes identities. */
export function testIdentity(name: string): string {
  const text = readFileSync(join(exampleFolder, testKeyPath(name)), 'utf8');
  const identity = /^AGE-SECRET-KEY-\S+$/m.exec(text)?.[0];
  if (identity === undefined) throw new Error(`${testKeyPath(name)} holds no key`);
  return identity;
}

export const exampleRepo = (): Repo => readRepo(exampleFolder);

/** The example built, with some of its files otherwise; `undefined` takes one away. */
export function buildExample(changes: Readonly<Record<string, string | undefined>> = {}): Promise<Built> {
  const files = new Map(exampleRepo().files);
  for (const [path, text] of Object.entries(changes)) {
    if (text === undefined) files.delete(path);
    else files.set(path, new TextEncoder().encode(text));
  }
  return buildRepo({ files, findings: [] }, renderHere);
}

/** What the release has for one machine: texts by path. */
export function filesOf({ manifest, blobs }: Release, target: string): ReadonlyMap<string, string> {
  const part = partOf(manifest.parts, target);
  return new Map(part.files.map(({ path, digest }) => [path, new TextDecoder().decode(blobs.get(digest)!)]));
}

export function partOf(parts: readonly ReleasePart[], target: string): ReleasePart {
  const part = parts.find((one) => one.target === target);
  if (part === undefined) throw new Error(`the release has nothing for ${target}`);
  return part;
}

/** The example as it was built, and ways to look into it. */
export function lookInto({ release, home, findings }: Built) {
  if (release === undefined || home === undefined) throw new Error(JSON.stringify(findings));
  const { parts } = release.manifest;
  return {
    release,
    home,
    parts,
    fileOf: (target: string, path: string) => partOf(parts, target).files.find((file) => file.path === path)!,
    textOf: (target: string, path: string): string => filesOf(release, target).get(path)!,
    appOf: (target: string, name: string) => partOf(parts, target).apps.find((app) => app.name === name)!,
    routesOf: (app: string) => home.routes.filter((route) => route.app === app),
  };
}
