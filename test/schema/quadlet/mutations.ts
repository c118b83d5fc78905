import { quadletKeys } from '../../../schema/quadlet/keys.ts';
import { readUnitName, sectionOf } from '../../../schema/quadlet/names.ts';
import { type AssignmentNode, parseUnit } from '../../../schema/quadlet/syntax.ts';

export type Mutant = {
  readonly of: string;
  readonly kind: string;
  readonly how: string;
  readonly text: string;
};

/** Values that some key does not take, or reads in a way of its own. */
const values = [
  '',
  'nonsense',
  '"',
  'a "" b',
  'a\\d',
  '%t',
  'absent.volume',
  'absent.network',
  'absent.image',
  'absent.pod',
  'absent.container:ip=1',
  'named.container:x',
  'type=bind,source=absent.volume,target=/x',
  './x:/x',
  '0',
] as const;

/** Lines of which each asks for a rule of the generator. */
const lines: Readonly<Record<string, readonly string[]>> = {
  Container: [
    'Rootfs=/x',
    'Image=',
    'Image=absent.image',
    'Image=absent.build',
    'Group=5',
    'User=5',
    'RemapUsers=auto',
    'RemapUsers=huh',
    'RemapUsers=keep-id',
    'RemapUid=1 2',
    'UserNS=auto',
    'UIDMap=1',
    'Pod=web',
    'Pod=web.pod',
    'Pod=absent.pod',
    'Network=absent.network',
    'Network=named.container',
    'Network=named.container:x',
    'Network=tmpl@.container',
    'Network=specifiers.container',
    'Mount=target=/x',
    'Mount=type=tmpfs',
    'Mount=type=bind,source',
    'Mount=type=bind,"source=/a,target=/b',
    'Mount=type=volume,source=absent.volume,target=/x',
    'Mount=type=image,source=absent.image,target=/x',
    'Mount=type=tmpfs,source=absent.volume,target=/x',
    'ExposeHostPort=x',
    'ExposeHostPort=x80',
    'ExposeHostPort=80/sctp',
    'Memory=1g',
    'HttpProxy=no',
  ],
  Volume: ['Driver=image', 'Image=absent.image', 'Type=x', 'Options=x', 'Device=', 'Device=/x'],
  Network: ['Gateway=10.0.0.1', 'IPRange=10.0.0.0/25', 'Subnet=', 'Subnet=10.0.0.0/24', 'InterfaceName=x'],
  Kube: ['Yaml=', 'SetWorkingDirectory=file', 'SetWorkingDirectory=YAML', 'RemapUsers=manual'],
  Image: ['Image=', 'Retry=3', 'Policy=always'],
  Build: [
    'ImageTag=',
    'File=x',
    'File=',
    'SetWorkingDirectory=yaml',
    'SetWorkingDirectory=file',
    'SetWorkingDirectory=unit',
    'SetWorkingDirectory=',
    'SetWorkingDirectory=x',
    'BuildArg=a=b',
  ],
  Pod: ['Network=absent.network', 'Volume=absent.volume:/x', 'RemapUsers=huh', 'UserNS=auto', 'Label=a=b'],
};
const serviceLines = [
  'KillMode=none',
  'KillMode=',
  'Type=simple',
  'Type=oneshot',
  'WorkingDirectory=/x',
  'Foo=1',
];
const tails = [
  'not a line',
  '[',
  '[]',
  '[Two]s',
  '=x',
  ' =x',
  '[Quadlet]\nFoo=1',
  '[Quadlet]\nDefaultDependencies=perhaps',
  '[Nonsense]\nImage=x',
  'Image=x \\\n\n# lost',
  'Foo=1 \\',
  '\ufeff',
];

/** What could go wrong with a unit file: keys, sections, values and lines, one at a time. */
export function mutate(of: string, text: string): Mutant[] {
  const name = readUnitName(of);
  if (name.kind === 'systemd') return [];
  const section = sectionOf(name.kind);
  const mutants: Mutant[] = [];
  const add = (how: string, changed: string): void => {
    if (!breaksGenerator(changed)) mutants.push({ of, kind: name.kind, how, text: changed });
  };
  const append = (header: string, line: string): void =>
    add(`[${header}] ${line}`, `${text}\n[${header}]\n${line}\n`);
  add('as it is', text);
  add('with a byte order mark', `\ufeff${text}`);
  add('without its section', text.replaceAll(`[${section}]`, '[Other]'));
  add('in lower case', text.replaceAll(`[${section}]`, `[${section.toLowerCase()}]`));
  add('its section unclosed', text.replace(`[${section}]`, `[${section}`));
  add('twice', `${text}\n${text}`);
  add('with CRLF', text.replaceAll(/\r?\n/g, '\r\n'));
  add('in one line', text.replaceAll('\n', ' '));
  add('every line continued', text.replaceAll('\n', '\\\n'));
  for (const line of lines[section] ?? []) append(section, line);
  for (const line of serviceLines) append('Service', line);
  for (const tail of tails) add(`with ${JSON.stringify(tail)} behind`, `${text}\n${tail}`);
  const all = parseUnit(text, 'quadlet').nodes.filter(
    (node): node is AssignmentNode => node.kind === 'assignment',
  );
  for (const [index, node] of all.entries()) {
    const replace = (raw: string): string => {
      const nodes = parseUnit(text, 'quadlet').nodes;
      const at = nodes.findIndex((one) => one.kind === 'assignment' && one.line === node.line);
      return nodes.map((one, i) => (i === at ? raw : one.raw)).join('');
    };
    add(`without line ${node.line}`, replace(''));
    add(`${node.key} mistyped`, replace(`${node.key}z=${node.value}\n`));
    add(`${node.key} with a space`, replace(`${node.key} x=${node.value}\n`));
    // Each value for some keys, so that all of them come to each key over the corpus.
    for (const [i, value] of values.entries()) {
      if ((i + index + of.length) % 5 === 0) add(`${node.key}=${value}`, replace(`${node.key}=${value}\n`));
    }
  }
  for (const [index, { section: other, key, since }] of quadletKeys.entries()) {
    if (other === section || other === 'Quadlet') continue;
    if ((index + of.length * 7) % 40 === 0) append(section, `${key}=1`);
    if ((index + of.length) % 60 === 0) append('Unit', `${key}=${since}`);
  }
  return mutants;
}

/** A mount without a source breaks the generator, and all units with it: that has a test of its own. */
const breaksGenerator = (text: string): boolean =>
  text
    .split('\n')
    .filter((line) => /^\s*Mount\s*=/.test(line))
    .flatMap((line) => line.split(/\s+/))
    .some((word) => /type=(bind|volume|glob|image)/.test(word) && !/(source|src)(=.|$|,)/.test(word));
