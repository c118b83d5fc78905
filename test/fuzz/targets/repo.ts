import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { parseSetupCode } from '../../../schema/api/access.ts';
import { parseSubnet } from '../../../schema/manifest/address.ts';
import { houseFileSchema, houseOf } from '../../../schema/manifest/house.ts';
import { readVolumePlace } from '../../../schema/manifest/values.ts';
import { parseImage } from '../../../schema/quadlet/image.ts';
import { parseCidr, parseIp } from '../../../schema/quadlet/ip.ts';
import { judgeUnits } from '../../../schema/quadlet/judge.ts';
import { parseMount, parseVolume } from '../../../schema/quadlet/mount.ts';
import { readUnitName } from '../../../schema/quadlet/names.ts';
import { parsePublish, parseRange } from '../../../schema/quadlet/port.ts';
import { parseUnit } from '../../../schema/quadlet/syntax.ts';
import { ok } from '../../../schema/result.ts';
import { judgeUnit } from '../../../schema/trust/judge-unit.ts';
import { parseEnrolmentCode } from '../../../schema/wire/enrolment.ts';
import { readCommandName } from '../../../schema/wire/ids.ts';
import { compileHome } from '../../../src/config/compile/compile.ts';
import { readApp } from '../../../src/config/read/app.ts';
import { readHomelab } from '../../../src/config/read/homelab.ts';
import { readManifest } from '../../../src/config/read/manifest.ts';
import { readYaml } from '../../../src/config/read/yaml.ts';
import type { RepoFiles } from '../../../src/config/repo.ts';
import { faultOf } from '../../../src/config/template/fault.ts';
import { parseTemplate } from '../../../src/config/template/syntax.ts';
import { corpus as units } from '../../schema/quadlet/corpus.ts';
import { declared, type Target, textOf } from '../target.ts';

const example = join(import.meta.dirname, '..', '..', '..', 'examples', 'homelab');

function filesUnder(folder: string, ending: RegExp): Map<string, Uint8Array<ArrayBuffer>> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && ending.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));
  return new Map(
    files.sort().map((file) => [file.slice(folder.length + 1), new Uint8Array(readFileSync(file))]),
  );
}

const yamlText = (name: string) => readFileSync(join(example, name));
const yamls = (ending: RegExp) =>
  [...filesUnder(example, ending).values()].filter(({ length }) => length < 12_000);

const yaml: Target = {
  name: 'yaml',
  covers: ['src/config/read/yaml.ts:readYaml', 'schema/manifest/house.ts:houseOf'],
  maxBytes: 4_000,
  words: [
    '&a',
    '*a',
    '<<: *a',
    '!!binary',
    '!!set',
    '? ',
    '? ? ? ? ? ? ? ? ',
    '- - - - - - - - ',
    '%YAML 1.1',
    '---',
    '...',
    '|2+',
    '>-',
  ],
  corpus: () => [
    ...yamls(/\.ya?ml$/).slice(0, 20),
    'a: &a [1, 2]\nb: *a\n? [x, y]\n: z\n',
    '- - - - a\n',
    'x: |2\n    y\nz: >-\n  folded\n  text\n"q\\u0041": \'s\'\n',
  ],
  open: () => (input) => {
    const read = readYaml('a.yaml', input);
    readYaml('a.yaml', input, { ordered: true, texts: true });
    if (read.ok) {
      read.yaml.place(['a', 0, 'b']);
      const house = v.safeParse(houseFileSchema, read.yaml.value);
      if (house.success) houseOf(house.output);
    }
    return read;
  },
};

const homelab: Target = {
  name: 'homelab',
  covers: ['src/config/read/homelab.ts:readHomelab'],
  maxBytes: 8_000,
  corpus: () => [yamlText('homelab.yaml'), readFileSync(join(example, '..', 'house.yaml'))],
  open: () => (input) => ok(readHomelab('homelab.yaml', input)),
};

const app: Target = {
  name: 'app',
  covers: ['src/config/read/app.ts:readApp'],
  maxBytes: 6_000,
  corpus: () => yamls(/^app\.yaml$/),
  open: () => (input) => ok(readApp('wiki', input, false)),
};

/** One file of a small repo is the input; by its first line, which. */
const repo: Target = {
  name: 'repo',
  covers: ['src/config/read/manifest.ts:readManifest', 'src/config/compile/compile.ts:compileHome'],
  maxBytes: 6_000,
  corpus: () => [
    ...yamls(/^app\.yaml$/).map((bytes) => `#app\n${textOf(bytes)}`),
    ...[...filesUnder(join(example, 'runbooks'), /yaml$/).values()].map(
      (bytes) => `#runbook\n${textOf(bytes)}`,
    ),
    ...[...units.entries()]
      .filter(([name]) => /\.(container|service)$/.test(name))
      .slice(0, 12)
      .map(([, text]) => `#unit\n${text}`),
    '#vars\ndomain: example.net\nlist: [1, 2]\n',
    `#homelab\n${textOf(yamlText('homelab.yaml'))}`,
  ],
  open() {
    const fixed: RepoFiles = new Map([
      ['homelab.yaml', new Uint8Array(yamlText('homelab.yaml'))],
      ['apps/wiki/app.yaml', new TextEncoder().encode('on: websvcs\nunits: [wiki.container]\n')],
      ['apps/wiki/wiki.container', new TextEncoder().encode('[Container]\nImage=docker.io/library/wiki:1\n')],
    ]);
    const places: Readonly<Record<string, string>> = {
      '#app': 'apps/wiki/app.yaml',
      '#unit': 'apps/wiki/wiki.container',
      '#runbook': 'runbooks/evening.yaml',
      '#vars': 'vars.yaml',
      '#homelab': 'homelab.yaml',
    };
    return (input) => {
      const end = input.indexOf(0x0a);
      const place = places[textOf(input.subarray(0, Math.max(0, end)))] ?? 'apps/wiki/app.yaml';
      const files = new Map(fixed).set(place, input.slice(end + 1));
      const { manifest, findings } = readManifest({ files, findings: [] });
      compileHome(manifest, new Map());
      return ok(findings);
    };
  },
};

const dialects = ['quadlet', 'systemd'] as const;

const unitFiles: Target = {
  name: 'units',
  covers: [
    'schema/quadlet/syntax.ts:parseUnit',
    'schema/quadlet/unit.ts:readUnits',
    'schema/quadlet/judge.ts:judgeUnits',
    'schema/trust/judge-unit.ts:judgeUnit',
  ],
  maxBytes: 20_000,
  corpus: () => [...units].map(([name, text]) => `${name}\n${text}`),
  open: () => (input) => {
    const [first = '', ...rest] = textOf(input).split('\n');
    const name = /^[\w@.-]{1,60}$/.test(first) ? first : 'a.container';
    const text = rest.join('\n');
    for (const dialect of dialects) parseUnit(text, dialect as never);
    judgeUnit(name, text);
    judgeUnits([{ name, text, file: name }], { podman: '5.4' });
    const beside = [...units].slice(0, 10).map(([other, said]) => ({ name: other, text: said, file: other }));
    judgeUnits([{ name, text, file: name }, ...beside.filter((unit) => unit.name !== name)], {
      podman: '5.4',
      secrets: new Set(['a']),
    });
    return null;
  },
};

const values: Target = {
  name: 'values',
  covers: [
    'schema/quadlet/image.ts:parseImage',
    'schema/quadlet/ip.ts:parseIp',
    'schema/quadlet/ip.ts:parseCidr',
    'schema/quadlet/mount.ts:parseMount',
    'schema/quadlet/mount.ts:parseVolume',
    'schema/quadlet/names.ts:readUnitName',
    'schema/quadlet/port.ts:parsePublish',
    'schema/quadlet/port.ts:parseRange',
    'schema/manifest/address.ts:parseSubnet',
    'schema/manifest/values.ts:readVolumePlace',
    'schema/wire/ids.ts:readCommandName',
    'schema/wire/enrolment.ts:parseEnrolmentCode',
    'schema/api/access.ts:parseSetupCode',
  ],
  maxBytes: 20_000,
  corpus: () => [
    'docker.io/library/wiki:1.2@sha256:0000000000000000000000000000000000000000000000000000000000000000',
    ...[
      '10.0.0.1',
      'fe80::1%eth0',
      '10.0.0.0/8',
      '::ffff:1.2.3.4/96',
      '8080-8090:80-90/udp',
      '[::1]:53:53/tcp',
    ],
    ...[
      'type=bind,source=/a,target=/b,ro',
      'type="tmpfs","dst=/a,b"',
      '/a:/b:ro,Z',
      'data.volume:/x',
      'app-data.volume/sub',
    ],
    ...[
      '/etc/containers/systemd/a@b.container',
      'websvcs/wiki/reindex',
      '0-65535',
      'ABCD-EFGH-JKMN-PQRS',
      'writ1-abc',
    ],
  ],
  open: () => (input) => {
    const text = textOf(input);
    for (const read of [
      parseImage,
      parseIp,
      parseCidr,
      parseMount,
      parseVolume,
      readUnitName,
      parsePublish,
      parseRange,
    ]) {
      read(text);
    }
    for (const read of [parseSubnet, readVolumePlace, readCommandName]) read(text);
    parseSetupCode(text);
    return parseEnrolmentCode(text);
  },
};

const templates: Target = {
  name: 'templates',
  covers: ['src/config/template/syntax.ts:parseTemplate'],
  maxBytes: 8_000,
  words: [
    '{{',
    '}}',
    '{%',
    '%}',
    '{#',
    '#}',
    '{%-',
    'raw',
    'endraw',
    'macro',
    'set',
    '| default(',
    'is defined',
    '~',
  ],
  corpus: () => [
    '{% for x in list if x.a is defined %}{{ x.a | default("b", true) }}{% else %}-{% endfor %}',
    '{%- raw -%}{{ a }}{%- endraw -%}\n{# note #}{{ "a\\nb" ~ 1 + 2 ** 3 // 4 }}',
    '{% macro m(a, b=[1, {"c": 2}]) %}{{ a[1:2] }}{% endmacro %}{{ m(1) }}{% set q = 1 if x else 2 %}',
    ...[...filesUnder(example, /\.(j2|tpl|tmpl)$/).values()].slice(0, 20),
  ],
  open: () => (input) => {
    declared(
      () => parseTemplate(textOf(input), undefined),
      (error) => faultOf(error) !== undefined,
    );
    return null;
  },
};

export const repoTargets: readonly Target[] = [yaml, homelab, app, repo, unitFiles, values, templates];
