import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type QuadletCode, quadletCodes } from '../../../schema/quadlet/codes.ts';
import { judgeUnits } from '../../../schema/quadlet/judge.ts';
import { quadletKeys } from '../../../schema/quadlet/keys.ts';
import { missing } from '../../support/missing.ts';
import { findGenerator } from '../../support/quadlet-generator.ts';
import { asUnits, corpus } from './corpus.ts';
import { machineFaults } from './machine-faults.ts';
import { unitFaults } from './unit-faults.ts';

const podman = '5.4';
const faults = [...unitFaults, ...machineFaults];
const judge = (files: Readonly<Record<string, string>>, more: { secrets?: ReadonlySet<string> } = {}) =>
  judgeUnits(asUnits(new Map(Object.entries(files))), { podman, ...more });

for (const { name, files, expected } of faults) {
  test(name, () => {
    const found = judge(files, { secrets: new Set(['known']) });
    assert.deepEqual(
      found
        .map(({ file, line, column, severity, code, suggestion }) => {
          const mark = severity === 'warning' ? '?' : '!';
          return `${file}:${line}:${column} ${mark}${code}${suggestion === undefined ? '' : ` ${suggestion}`}`;
        })
        .sort(),
      [...expected].sort(),
      JSON.stringify(found, null, 1),
    );
  });
}

test('every code is found in some case, and its sentence is one', () => {
  const told = new Set(faults.flatMap(({ expected }) => expected.map((one) => /[!?](\w+)/.exec(one)![1]!)));
  const lacking = (Object.keys(quadletCodes) as QuadletCode[]).filter((code) => !told.has(code));
  assert.deepEqual(lacking, []);
  for (const meaning of Object.values(quadletCodes)) assert.match(meaning, /^[A-Z].*\.$/);
});

test('the corpus has no fault but two short names', () => {
  const found = judgeUnits(asUnits(corpus), { podman });
  assert.deepEqual(
    found.map(({ file, code }) => `${file} ${code}`),
    ['short.image image_short', 'shortname.container image_short'],
  );
});

test('what later versions brought is an error only before them', () => {
  const files = {
    'a.container': '[Container]\nImage=docker.io/library/busybox:1\nMemory=1g\nHttpProxy=no\n',
  };
  const at = (version: string) =>
    judgeUnits(asUnits(new Map(Object.entries(files))), { podman: version }).map(({ code, message }) => [
      code,
      message,
    ]);
  assert.deepEqual(at('5.4.2'), [
    ['key_too_new', 'Memory in [Container] came with Podman 5.5, and this machine has 5.4.2'],
    ['key_too_new', 'HttpProxy in [Container] came with Podman 5.7, and this machine has 5.4.2'],
  ]);
  assert.equal(at('5.5').length, 1);
  assert.equal(at('5.10').length, 0);
  const artifact = { 'a.artifact': '[Artifact]\nArtifact=docker.io/x/y:1\n' };
  assert.deepEqual(
    judge(artifact).map(({ code }) => code),
    ['kind_too_new'],
  );
});

test('no text makes the judge throw, and a finding points into its file', () => {
  const keys = fc.constantFrom(...quadletKeys.map(({ key }) => key));
  const line = fc.oneof(
    fc.tuple(keys, fc.string({ maxLength: 12 })).map(([key, value]) => `${key}=${value}`),
    fc.constantFrom(
      ...faults.flatMap(({ files }) => Object.values(files).flatMap((text) => text.split('\n'))),
    ),
    fc.string({ unit: 'binary', maxLength: 12 }),
  );
  const text = fc.array(line, { maxLength: 12 }).map((lines) => lines.join('\n'));
  const name = fc.constantFrom(
    'a.container',
    'b.volume',
    'c.network',
    'd.pod',
    'e.kube',
    'f.image',
    'g.build',
    'h.service',
  );
  fc.assert(
    fc.property(fc.dictionary(name, text, { maxKeys: 5 }), (files) => {
      for (const { file, line: at, column } of judge(files)) {
        const lines = files[file]!.split('\n');
        assert.ok(
          at >= 1 && at <= lines.length && column >= 1 && column <= lines[at - 1]!.length + 2,
          `${at}:${column}`,
        );
      }
    }),
    { numRuns: 1500 },
  );
});

test('long runs cost no more than their length', () => {
  const long = 20_000;
  const run = (character: string): string => character.repeat(long);
  const lines = ['"', '\\', '/', ' ', '%', ':', '-', '_', 'a', ',', '[', '='].flatMap((character) => [
    `Image=${run(character)}x`,
    `Volume=${run(character)}:x`,
    `Exec=${run(character)}x`,
    `PublishPort=${run(character)}x`,
    `${run(character)}x=1`,
  ]);
  const started = process.cpuUsage();
  for (const kind of ['container', 'service']) judge({ [`a.${kind}`]: `[Container]\n${lines.join('\n')}\n` });
  const { user } = process.cpuUsage(started);
  assert.ok(user < 8_000_000, `${user / 1000} ms`);
});

const generator = findGenerator(podman);
if (generator === null) missing(`Podman ${podman}'s Quadlet generator, which unit files are checked against`);
else {
  test('the generator refuses of these cases what we say that it refuses, and no more', () => {
    for (const { name, files } of faults) {
      const { refused, broken } = generator.judge(new Map(Object.entries(files)));
      const ours = judge(files).filter((one) => one.generator);
      if (broken) {
        assert.deepEqual(
          ours.map(({ code }) => code),
          ['mount_without_source'],
          name,
        );
        continue;
      }
      const files_ = new Set(ours.map(({ file }) => file.slice(file.lastIndexOf('/') + 1)));
      assert.deepEqual(
        [...files_].sort(),
        [...refused.keys()].sort(),
        `${name}: ${JSON.stringify([...refused])}`,
      );
    }
  });
}
