import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { adoptTree, broughtBy, type GivenTree } from '../../../support/adopt-fixture.ts';

const stems = [
  'a',
  'a-db',
  'web',
  'web-front',
  'tv',
  'x@',
  'x@1',
  'home_net',
  'Big',
  'été',
  'mnt-my\\x2dssd',
];
const stem = fc.constantFrom(...stems);
const quadletFolder = 'etc/containers/systemd/';
const systemdFolder = 'etc/systemd/system/';

/** Names that YAML, git, patterns, templates and shells read as something else. */
const odd = fc.constantFrom(
  ...[
    'x.conf',
    'y: z',
    '#z',
    '- a',
    '"q"',
    "it's",
    '*',
    'a?b',
    'a*b.yml',
    '[x]',
    '{y}',
    '&a',
    '!b',
    '@c',
    '%d',
  ],
  ...['0644', 'true', 'null', '1e3', '~', 'a\\b', '.env', '.gitignore', '.gitattributes', 'app.yaml', 'x.j2'],
  ...['naïve', 'a b ', ' a', 'web.container', 'config', 'x.container.j2', 'very.many.dots', 'COM1', '-rf'],
);

const line = fc.oneof(
  stem.map((name) => `Volume=${name}.volume:/data`),
  stem.map((name) => `Network=${name}.network`),
  stem.map((name) => `Pod=${name}.pod`),
  stem.map((name) => `Volume=/etc/opt/${name}/x.conf:/x.conf`),
  stem.map((name) => `Volume=/srv/${name}:/srv`),
  odd.map((name) => `EnvironmentFile=/etc/opt/web/${name}`),
  fc.constantFrom('ContainerName=same', 'PublishPort=80:80', 'Secret=DB,type=env', 'Secret=_odd', 'Foo=bar'),
  fc.constantFrom('Label=a=b', '# {{ nothing }}', '; {% if %}', 'Exec=run $$x %i \\\n  --more', 'Tmpfs=/x\r'),
  fc.constantFrom('[Service]', '[Unit]\nAfter=a.service', '[Install]\nWantedBy=multi-user.target', '[X]'),
);
const container = fc
  .array(line, { maxLength: 6 })
  .map((lines) => ['[Container]', 'Image=docker.io/library/x:1', ...lines, ''].join('\n'));
const unit = fc.oneof(
  fc.tuple(
    stem.map((name) => `${quadletFolder}${name}.container`),
    container,
  ),
  fc.tuple(
    fc
      .tuple(stem, fc.constantFrom('network', 'volume', 'pod'))
      .map(([name, kind]) => `${quadletFolder}${name}.${kind}`),
    fc.constantFrom('', '[Volume]\n', '[Network]\n', '[Pod]\n'),
  ),
  fc.tuple(
    fc
      .tuple(stem, fc.constantFrom('media', 'a'))
      .map(([name, folder]) => `${quadletFolder}${folder}/${name}.container`),
    container,
  ),
  fc.tuple(
    fc
      .tuple(stem, fc.constantFrom('container.d', '.container.d', '-.container.d', '.pod.d'), odd)
      .map(([name, folder, file]) => `${quadletFolder}${name}${folder}/${file}.conf`),
    fc.constantFrom('[Container]\nReadOnly=true\n', '[Service]\nNice=1\n', 'junk\n'),
  ),
  fc.tuple(
    fc
      .tuple(stem, fc.constantFrom('service', 'timer', 'socket', 'mount', 'slice', 'automount'))
      .map(([name, kind]) => `${systemdFolder}${name}.${kind}`),
    fc.constantFrom('[Service]\nExecStart=/usr/local/bin/a.sh\n', '[Timer]\nOnCalendar=daily\n', ''),
  ),
  fc.tuple(
    fc
      .tuple(stem, fc.constantFrom('service', 'timer', 'mount', 'slice'), odd)
      .map(([name, kind, file]) => `${systemdFolder}${name}.${kind}.d/${file}.conf`),
    fc.constantFrom('[Service]\nNice=1\n', '[Unit]\nAfter=a.service\n'),
  ),
);
const roots = ['etc/opt/', 'etc/', 'srv/', 'opt/', 'var/lib/', 'usr/local/bin/', quadletFolder, 'home/me/'];
const config = fc.tuple(
  fc
    .tuple(fc.constantFrom(...roots), fc.array(fc.oneof(stem, odd), { minLength: 0, maxLength: 3 }), odd)
    .map(([root, folders, name]) => [root.slice(0, -1), ...folders, name].join('/')),
  fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 40 }),
    fc.constantFrom('', '{{ x }}', '{% raw %}', '~writ:secret:db~', 'a\r\nb', '\ufeffa', '~writ:secret:DB~'),
  ),
);
const attributes = fc.record({
  mode: fc.constantFrom(0o644, 0o600, 0o755, 0o640, 0o664, 0o777, 0o444),
  uid: fc.constantFrom(0, 472, 1000),
  gid: fc.constantFrom(0, 472, 100),
});

/** A file cannot be a folder of another, too. */
function treeOf(
  files: readonly (readonly [string, { text: string } & Record<string, unknown>])[],
): GivenTree {
  const tree = new Map(files);
  for (const path of [...tree.keys()])
    if ([...tree.keys()].some((other) => other.startsWith(`${path}/`))) tree.delete(path);
  return Object.fromEntries(tree) as GivenTree;
}

const machine = fc
  .array(fc.tuple(fc.oneof(unit, config), attributes), { minLength: 1, maxLength: 25 })
  .map((all) => treeOf(all.map(([[path, text], own]) => [path, { text, ...own }] as const)));

test('whatever a machine has comes back byte for byte, or is told; and a second time changes nothing', async () => {
  let [brought, left] = [0, 0];
  await fc.assert(
    fc.asyncProperty(machine, async (tree) => {
      const adopted = await adoptTree(tree, { owned: true, at: '/' });
      assert.deepEqual(adopted.blocking, []);
      const made = adopted.files.size === 0 ? {} : await broughtBy(adopted.files);
      const told = new Set(adopted.left.map(({ path }) => path));
      for (const [path, given] of Object.entries(tree)) {
        const { text, mode, uid, gid } = given as { text: string; mode: number; uid: number; gid: number };
        const owner = uid === 0 && gid === 0 ? 'root:root' : `${uid}:${gid}`;
        const bytes = Buffer.from(text).toString('latin1');
        const expected = `0${mode.toString(8)} ${owner} ${bytes}`;
        if (told.has(`/${path}`)) {
          left += 1;
          assert.equal(made[`/${path}`], undefined, path);
        } else {
          brought += 1;
          assert.equal(made[`/${path}`], expected, path);
        }
      }
      const given = new Set(Object.keys(tree).map((path) => `/${path}`));
      for (const path of Object.keys(made)) assert.ok(given.has(path), path);
      for (const path of adopted.files.keys()) {
        // biome-ignore lint/suspicious/noControlCharactersInRegex: the reader of repos takes no such names
        assert.doesNotMatch(path, /[\u0000-\u001f\u007f\\\ufffd]|(^|\/)node_modules(\/|$)/);
        assert.doesNotMatch(path.replace(/^\.gitattributes$/, ''), /(^|\/)\.git/, 'git would read it');
      }
      const repo = Object.fromEntries(adopted.files);
      if (adopted.files.size === 0) return;
      const again = await adoptTree(tree, { owned: true, at: '/', repo });
      assert.deepEqual([again.blocking, again.texts, again.apps], [[], {}, []]);
    }),
    { numRuns: Number(process.env.WRIT_RUNS ?? 100) },
  );
  assert.ok(brought > 4 * left, `${brought} brought, ${left} left out`);
});
