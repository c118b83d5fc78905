import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { lackingFor } from '../../schema/change/part-needs.ts';
import { houseFileOf } from '../../schema/manifest/homelab.ts';
import { houseOf } from '../../schema/manifest/house.ts';
import { judgePart, unitsOf } from '../../schema/trust/judge-part.ts';
import { judgeUnit } from '../../schema/trust/judge-unit.ts';
import { readHouseFrom } from '../../src/cli/house-source.ts';
import { buildRepo } from '../../src/config/build/build.ts';
import { readManifest } from '../../src/config/read/manifest.ts';
import { jsonSchemaOf, schemaFile, schemaNames } from '../../src/config/schemas.ts';
import { renderHere } from '../support/repo-fixture.ts';
import { buildExample, exampleFolder, exampleRepo } from './example.ts';

const root = join(import.meta.dirname, '../..');
const main = join(root, 'src/cli/main.ts');

/** Warnings that the example has, each with the reason why it stays. */
const accepted: Readonly<Record<string, string>> = {};

test('the example has no errors, and no warnings but those that are told here', async () => {
  const { findings, release } = await buildExample();
  const told = findings.map(({ file, code, message }) => `${file} ${code}: ${message}`);
  assert.deepEqual(told, Object.keys(accepted));
  assert.ok(release !== undefined);
  const { parts } = release.manifest;
  assert.deepEqual(
    parts.map(({ target }) => target),
    ['ap', 'cloud', 'homesvcs', 'nas', 'pve1', 'pve2', 'router', 'secsvcs', 'websvcs'],
  );
  assert.ok(new Set(parts.flatMap(({ apps }) => apps.map(({ name }) => name))).size >= 35);
});

test('relays can do all that it asks for, and would refuse none of it', async () => {
  const { release } = await buildExample();
  const parts = release!.manifest.parts.filter(({ relay }) => relay !== undefined);
  for (const part of parts) {
    assert.deepEqual(lackingFor(part, part.target !== part.relay), [], part.target);
    assert.deepEqual(judgePart(['/**'], part), { ok: true, value: true }, part.target);
    for (const { name, digest } of unitsOf(part)) {
      const text = new TextDecoder().decode(release!.blobs.get(digest));
      assert.equal(judgeUnit(name, text), null, `${name} on ${part.target}`);
    }
  }
  assert.equal(parts.length, 8);
});

test('copies in other places, time zones and locales, built by processes, have one digest', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'writ-example-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const places = [
    { name: 'a', TZ: 'Pacific/Kiritimati', LANG: 'tr_TR.UTF-8', LC_ALL: 'tr_TR.UTF-8' },
    { name: 'another/place', TZ: 'America/St_Johns', LANG: 'C', LC_ALL: 'C' },
  ];
  const [one, other] = places.map(({ name, ...env }, index) => {
    const repo = join(folder, name);
    cpSync(exampleFolder, repo, { recursive: true });
    const file = join(folder, `${index}.tar`);
    const words = [main, 'config', 'build', '--repo', repo, '--release', file];
    const ran = spawnSync(process.execPath, words, {
      encoding: 'utf8',
      env: { PATH: process.env.PATH, ...env },
    });
    assert.equal(ran.status, 0, ran.stdout + ran.stderr);
    return { said: ran.stdout, tar: readFileSync(file) };
  });
  assert.match(one!.said, /sha256:[0-9a-f]{64}\n$/);
  assert.deepEqual(other, one);
});

test('the order in which files are read makes no difference', async () => {
  const { files } = exampleRepo();
  const digests = [
    [...files],
    [...files].reverse(),
    [...files].sort(([a], [b]) => (a.slice(-9) < b.slice(-9) ? -1 : 1)),
  ].map(
    async (order) => (await buildRepo({ files: new Map(order), findings: [] }, renderHere)).release?.digest,
  );
  const [first, ...others] = await Promise.all(digests);
  assert.ok(first !== undefined);
  assert.deepEqual(others, [first, first]);
});

test('homelab.yaml is a house file too, of the same home as house.yaml', () => {
  const [whole, house] = [join(exampleFolder, 'homelab.yaml'), join(root, 'examples/house.yaml')].map(
    (path) => {
      const read = readHouseFrom(path);
      assert.ok(read.ok, JSON.stringify(read));
      assert.ok(houseOf(read.value).ok);
      return read.value;
    },
  );
  const { nas, ...guests } = whole!.guests;
  assert.equal(nas?.kind, 'lxc', 'the only machine that house.yaml does not have');
  assert.deepEqual({ ...whole, guests, runbooks: {} }, { ...house, runbooks: {} });
  for (const [name, runbook] of Object.entries(house!.runbooks))
    assert.deepEqual(whole!.runbooks[name], runbook);
  // What the control plane is told is what the release is made from.
  const { manifest } = readManifest(exampleRepo());
  assert.deepEqual(houseFileOf(manifest!.homelab), whole);
});

test('each YAML file of the example names its schema, and the schemas are those of today', () => {
  const kinds: readonly (readonly [pattern: string, kind: string])[] = [
    ['homelab.yaml', 'homelab'],
    ['vars.yaml', 'vars'],
    ['apps/*/app.yaml', 'app'],
    ['runbooks/*.yaml', 'runbook'],
    ['secrets/recipients.yaml', 'recipients'],
  ];
  for (const [pattern, kind] of kinds) {
    const files = globSync(pattern, { cwd: exampleFolder });
    assert.ok(files.length > 0, pattern);
    for (const file of files) {
      const text = readFileSync(join(exampleFolder, file), 'utf8');
      const named = /^# yaml-language-server: \$schema=(\S+)\n/.exec(text)?.[1];
      assert.ok(named !== undefined, `${file} names no schema`);
      assert.equal(join(dirname(file), named), join('.schema', schemaFile(kind)), file);
    }
  }
  assert.deepEqual(kinds.map(([, kind]) => kind).sort(), [...schemaNames].sort());
  for (const name of schemaNames) {
    const path = join(exampleFolder, '.schema', schemaFile(name));
    const kept: unknown = JSON.parse(readFileSync(path, 'utf8'));
    assert.deepEqual(
      kept,
      JSON.parse(JSON.stringify(jsonSchemaOf(name))),
      `writ config schema -o examples/homelab/.schema`,
    );
  }
});
