// biome-ignore-all lint/suspicious/noTemplateCurlyInString: texts in other languages
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { secretPlaceholder } from '../../../../schema/manifest/placeholder.ts';
import { parseUnit } from '../../../../schema/quadlet/syntax.ts';
import { splitWords } from '../../../../schema/quadlet/words.ts';
import { cases } from '../template/jinja-cases.ts';
import { told } from '../template/render.ts';
import { container, home } from './built.ts';

/**
 * What was found out about templates on a living homelab, and where it is held. Literal output: jinja-cases.ts, which
 * Jinja2 itself must give as well. What is refused: strict.test.ts.
 */
test('what templates were found to use has literal cases', () => {
  const sources = Object.values(cases).flatMap((all) => all.map(([source]) => source));
  const used = {
    raw: '{% raw %}',
    for: '{% for ',
    if: '{% if ',
    join: '| join(',
    title: '| title',
    replace: "| replace('.', '_')",
    'replace as a method': ".replace('.', '-')",
    split: ".split('.')",
    index: 'loop.index }}',
    range: 'range(',
    urlsplit: '| urlsplit(',
    'negative index': 'hosts[-1]',
    'escapes that stay': "'\\.'",
  };
  for (const [name, text] of Object.entries(used))
    assert.ok(
      sources.some((source) => source.includes(text)),
      name,
    );
  assert.deepEqual(
    [
      'blocks leave their white space: trim and lstrip are off',
      'texts have the methods of Python',
      'indices and slices count from the end too',
      'a backslash before any other letter stays',
      'addresses come apart',
    ].filter((title) => !Object.hasOwn(cases, title)),
    [],
  );
});

test('templates give what was measured', () => {
  const values = { domain: 'one.two.example.net', hosts: ['a', 'b'], url: 'https://x.example.net:8443/p' };
  const measured: readonly (readonly [source: string, text: string])[] = [
    // The native method of JavaScript would replace the first dot alone.
    ["{{ domain.replace('.', '\\.') }}", 'one\\.two\\.example\\.net'],
    ["{{ domain.split('.')[-2] }} {{ hosts[-1] }}", 'example b'],
    ['acl\n{% for h in hosts %}\n  {{ h }}\n{% endfor %}\n', 'acl\n\n  a\n\n  b\n\n'],
    ["{{ url | urlsplit('hostname') }}:{{ url | urlsplit('port') }}", 'x.example.net:8443'],
    ["{{ 'grafana oss' | title }} {{ range(3) | join('.') }}", 'Grafana Oss 0.1.2'],
    [
      '{{ hosts | random }}',
      '1:12 template_unknown: there is no filter random: a build must come out the same every time',
    ],
    ['{% for h in hosts %}{{ h ~ port }}{% endfor %}', '1:28 template_undefined: port is not defined'],
    ['{% if hosts and port %}{% endif %}', '1:17 template_undefined: port is not defined'],
    ["{{ 'a' + port }}", '1:10 template_undefined: port is not defined'],
    ['{{ port | upper }}', '1:4 template_undefined: port is not defined'],
  ];
  for (const [source, text] of measured) assert.equal(told(source, values), text, source);
});

test('a placeholder is like nothing that apps fill in themselves, and any file can hold it', () => {
  const syntaxes = [
    /\$\{[^}]*\}/,
    /\{\{.*\}\}/,
    /\$\w/,
    /%\{[^}]*\}/,
    /^!\w/,
    /\{\$?\w[^}]*\}/,
    /%\(?\w+\)?[s%]/,
    /\$__\w+\{/,
    /#\{[^}]*\}/,
  ];
  const text = secretPlaceholder('pg_password');
  assert.equal(text, '~writ:secret:pg_password~');
  for (const syntax of syntaxes) assert.doesNotMatch(text, syntax);
  assert.equal(syntaxes.length, 9);
  assert.deepEqual(parse(`a: ${text}\nb: [${text}, "x${text}"]\n`), { a: text, b: [text, `x${text}`] });
  assert.deepEqual(JSON.parse(`{"a":"${text}"}`), { a: text });
  const others = 'a: ${X} {$X} $X %{X} %(X)s !secret x $__env{X} #{X}\n';
  assert.equal(told(`{% raw %}{{X}}{% endraw %} ${others}`), `{{X}} ${others}`);
});

test('texts of units that were met are kept and understood', async () => {
  const unit = [
    'Environment=A=1 B="two words" \\',
    '    # why',
    '    \'C=three "quoted" words\'',
    'Environment=FORMAT="%%{X} is $$X"',
    'HealthCmd=curl -o /dev/null -w %%{http_code} http://localhost',
    'Exec=sh -c "echo $$HOME" --format=%{X}',
  ];
  const { told: findings, text } = await home({
    'apps/web/app.yaml': 'on: websvcs\nunits: [web.container]\n',
    'apps/web/web.container': container(...unit),
  });
  assert.deepEqual(findings, []);
  assert.equal(text('websvcs', '/etc/containers/systemd/web.container'), container(...unit));
  const read = parseUnit(container(...unit), 'quadlet').nodes.flatMap((node) =>
    node.kind === 'assignment' ? [[node.key, node.value] as const] : [],
  );
  assert.deepEqual(
    read
      .filter(([key]) => key === 'Environment')
      .map(([, value]) => splitWords(value, 'arguments').words.map((word) => word.text)),
    [['A=1', 'B=two words', 'C=three "quoted" words'], ['FORMAT=%%{X} is $$X']],
  );
  assert.deepEqual(read.at(-1), ['Exec', 'sh -c "echo $$HOME" --format=%{X}']);
});

test('two flags in one argument and the update of a local image are told, and block nothing', async () => {
  const { told: findings, built } = await home({
    'apps/web/app.yaml': 'on: websvcs\nunits: [web.container]\n',
    'apps/web/web.container':
      '[Container]\nImage=localhost/web:1\nAutoUpdate=registry\nPodmanArgs="--cpus 1 --memory 1g"\n',
  });
  assert.deepEqual(
    findings.map((line) => line.split(':').slice(0, 2).join(':')),
    ['apps/web/web.container:2 warning image_local_updated', 'apps/web/web.container:4 warning two_flags'],
  );
  assert.ok(built.release !== undefined);
});

test('files of apps are nobody’s to parse: merge keys, tags and braces that YAML does not have pass', async () => {
  const files: Readonly<Record<string, string>> = {
    'traefik.yml': 'a: &a { x: 1 }\nb:\n  <<: *a\n  x: 2\n',
    'hass.yaml': 'password: !secret db\nother: !include_dir_merge_named packages\n',
    'unquoted.yaml': 'alert: {{X}} down\nkey: {{ $labels.instance }}\n',
    'twice.yaml': 'a: 1\na: 2\n',
    'broken.yml': 'a: [\n',
    'bytes.yml': '\u0000\ufeff\r\n',
  };
  const { told: findings, text } = await home({
    'apps/web/app.yaml': 'on: websvcs\nfiles: [{ from: conf/, to: /etc/opt/web/ }]\n',
    ...Object.fromEntries(Object.entries(files).map(([name, content]) => [`apps/web/conf/${name}`, content])),
  });
  assert.deepEqual(findings, []);
  for (const [name, content] of Object.entries(files))
    assert.equal(text('websvcs', `/etc/opt/web/${name}`), content, name);
});
