import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { assignmentsOf } from '../../../schema/quadlet/edit.ts';
import { judgeUnits } from '../../../schema/quadlet/judge.ts';
import { isAtLeast, podmanKeys, quadletKeys } from '../../../schema/quadlet/keys.ts';
import { expandSpecifiers, type QuadletKind, sectionOf } from '../../../schema/quadlet/names.ts';
import { dialectOf, isReadable, parseUnit, printUnit } from '../../../schema/quadlet/syntax.ts';
import { all, readUnits, resourceName } from '../../../schema/quadlet/unit.ts';
import { splitWords } from '../../../schema/quadlet/words.ts';
import { missing } from '../../support/missing.ts';
import { findGenerator, type Verdict } from '../../support/quadlet-generator.ts';
import { asUnits, corpus } from './corpus.ts';
import { type Mutant, mutate } from './mutations.ts';

const podman = '5.4';
const generator = findGenerator(podman);
if (generator === null) missing(`Podman ${podman}'s Quadlet generator, which unit files are checked against`);

const keysOf54 = JSON.parse(readFileSync(join(import.meta.dirname, 'keys-5.4.2.json'), 'utf8')) as Record<
  string,
  string[]
>;

/** Names of the files that the generator would refuse, as our own rules have it. */
function ourRefusals(files: ReadonlyMap<string, string>): Map<string, string> {
  const refused = new Map<string, string>();
  for (const one of judgeUnits(asUnits(files), { podman })) {
    if (one.generator) refused.set(one.file.slice(one.file.lastIndexOf('/') + 1), one.message);
  }
  return refused;
}

test('the corpus is large enough and has every key of the generator', () => {
  const quadlets = [...corpus.keys()].filter((name) => dialectOf(name) === 'quadlet');
  assert.ok(quadlets.length >= 150, `${quadlets.length} files`);
  const lacking: string[] = [];
  for (const [section, keys] of Object.entries(keysOf54)) {
    for (const key of keys) {
      const found = quadlets.some((name) =>
        assignmentsOf(parseUnit(corpus.get(name)!, 'quadlet'), section).some((node) => node.key === key),
      );
      if (!found) lacking.push(`${section}.${key}`);
    }
  }
  assert.deepEqual(lacking, []);
});

test('our table has the keys of 5.4.2, no more and no fewer', () => {
  for (const [section, keys] of Object.entries(keysOf54)) {
    assert.deepEqual(podmanKeys(section, '5.4').sort(), [...keys].sort(), section);
  }
  assert.deepEqual(podmanKeys('Artifact', '5.4'), []);
});

test('each file of the corpus is printed as it was read', () => {
  for (const [name, text] of corpus) assert.equal(printUnit(parseUnit(text, dialectOf(name))), text, name);
});

if (generator !== null) {
  test('the generator and we agree on every file of the corpus', () => {
    const { refused, broken, services } = generator.judge(corpus);
    assert.equal(broken, false);
    assert.ok(services.size > 150);
    assert.deepEqual([...ourRefusals(corpus)], [...refused]);
  });

  test('the generator reads the values that we read: lists, resets, quotes, drop-ins', () => {
    const { services } = generator.judge(corpus);
    const units = readUnits(asUnits(corpus)).filter(({ name }) => name.kind !== 'systemd');
    let compared = 0;
    for (const unit of units) {
      const service = services.get(unit.service);
      assert.ok(service !== undefined, `${unit.file.name} makes ${unit.service}`);
      const line = /^Exec(?:StartPre|Start)=(.* (?:run|create|play|build|pull) .*)$/m.exec(service)?.[1];
      if (line === undefined) continue;
      const words = splitWords(line, 'arguments').words.map(({ text }) => text);
      const given = (flag: string): string[] =>
        words.flatMap((word, index) => (word === flag ? [words[index + 1]!] : []));
      const section = sectionOf(unit.name.kind as QuadletKind);
      const own = (key: string, how?: 'arguments' | 'list'): string[] =>
        all(unit, section, key).flatMap(({ value }) =>
          how === undefined ? [value] : splitWords(value, how).words.map(({ text }) => text),
        );
      const pairs = (key: string): string[] => [
        ...new Map(
          own(key, 'arguments')
            .filter((word) => word.includes('='))
            .map((word) => [word.split('=')[0]!, word]),
        ).values(),
      ];
      const expected: Readonly<Record<string, string[]>> = {
        '--publish': own('PublishPort'),
        '--secret': own('Secret', 'arguments'),
        '--env': pairs('Environment').sort(),
        '--cap-add': own('AddCapability', 'list').map((name) => name.toLowerCase()),
        '--sysctl': own('Sysctl', 'list'),
        '--tmpfs': own('Tmpfs'),
        '--dns': own('DNS'),
        '--subnet': own('Subnet'),
        '--network-alias': own('NetworkAlias'),
      };
      for (const [flag, values] of Object.entries(expected)) {
        const theirs = flag === '--env' ? given(flag).sort() : given(flag);
        if (flag === '--tmpfs' && all(unit, section, 'VolatileTmp').length > 0) continue;
        assert.deepEqual(theirs, values, `${unit.file.name} ${flag}`);
        compared += values.length;
      }
      if (unit.name.kind === 'container' || unit.name.kind === 'network' || unit.name.kind === 'volume') {
        const resource = resourceName(unit);
        const name = unit.name.kind === 'container' ? given('--name')[0]! : words.at(-1)!;
        const filled = expandSpecifiers(name, unit.name, unit.service.slice(0, -'.service'.length));
        assert.equal(filled, resource, unit.file.name);
      }
    }
    assert.ok(compared > 100, `${compared} values`);
  });

  test('the generator knows the keys that the table gives to its version, and no later one', () => {
    const files = new Map<string, string>();
    for (const [index, { section, key }] of quadletKeys.entries()) {
      const kind = section === 'Quadlet' ? 'container' : section.toLowerCase();
      // A build says its tag before anybody looks at its keys.
      files.set(`k${index}.${kind}`, `[${section}]\n${key}=x\n${kind === 'build' ? 'ImageTag=x\n' : ''}`);
    }
    const { refused } = generator.judge(files);
    for (const [index, { section, key, since }] of quadletKeys.entries()) {
      if (section === 'Artifact') continue;
      const kind = section === 'Quadlet' ? 'container' : section.toLowerCase();
      const said = refused.get(`k${index}.${kind}`) ?? '';
      assert.equal(
        said.includes(`unsupported key '${key}' in group '${section}'`),
        !isAtLeast(podman, since),
        `${section}.${key}: ${said}`,
      );
    }
  });

  test('the generator and we agree on mutations of every file', () => {
    // A third of them; all with WRIT_MUTANTS=all.
    const every = process.env.WRIT_MUTANTS === 'all' ? 1 : 3;
    const mutants = [...corpus]
      .filter(([name]) => dialectOf(name) === 'quadlet' && !/[@]|\.d\//.test(name))
      .flatMap(([name, text]) => mutate(name, text))
      .filter((_, index) => index % every === 0);
    const disagreements: string[] = [];
    const sentences = new Set<string>();
    let refusals = 0;
    const compare = (batch: readonly Mutant[], beside: ReadonlyMap<string, string>, apart: boolean): void => {
      const files = new Map(beside);
      const nameOf = ({ kind }: Mutant, index: number): string => `m${index}.${kind}`;
      for (const [index, mutant] of batch.entries()) {
        files.set(`${apart ? `m${index}/` : ''}${nameOf(mutant, index)}`, mutant.text);
      }
      const verdict: Verdict = generator.judge(files);
      const ours = ourRefusals(files);
      assert.equal(verdict.broken, false);
      for (const [index, mutant] of batch.entries()) {
        const theirs = verdict.refused.get(nameOf(mutant, index));
        const own = ours.get(nameOf(mutant, index));
        if (theirs !== undefined) {
          refusals += 1;
          sentences.add(theirs.split(' ').slice(0, 3).join(' '));
        }
        if ((theirs === undefined) === (own === undefined)) continue;
        disagreements.push(
          `${mutant.of}, ${mutant.how}: the generator says ${theirs ?? 'yes'}, we say ${own ?? 'yes'}\n${mutant.text}`,
        );
      }
    };
    // A file that cannot be read takes its folder with it: each of those in one of its own.
    const readable = mutants.filter(({ text }) => isReadable(parseUnit(text, 'quadlet')));
    const others = mutants.filter(({ text }) => !isReadable(parseUnit(text, 'quadlet')));
    for (let from = 0; from < readable.length; from += 1500) {
      compare(readable.slice(from, from + 1500), corpus, false);
    }
    for (let from = 0; from < others.length; from += 50)
      compare(others.slice(from, from + 50), new Map(), true);
    assert.deepEqual(disagreements.slice(0, 5), [], `${disagreements.length} of ${mutants.length} mutants`);
    assert.ok(refusals > mutants.length / 5, `${refusals} of ${mutants.length} refused`);
    assert.ok(sentences.size > 30, [...sentences].join('\n'));
  });
}
