import assert from 'node:assert/strict';
import { test } from 'node:test';
import { render, told } from './render.ts';

const values = { x: 'text', n: 1, list: ['a'], map: { port: 80, name: 'web' }, yes: true, empty: null };

/** Each template with what is said of it. */
const refused: Readonly<Record<string, readonly (readonly [source: string, said: string])[]>> = {
  'what is undefined is an error wherever it stands, at its own place': [
    ['{{ nope }}', '1:4 template_undefined: nope is not defined'],
    ['a\n  {{ map.prot }}', '2:10 template_undefined: map has no member prot. Did you mean port?'],
    ["{{ map['prot'] }}", '1:8 template_undefined: map has no member prot. Did you mean port?'],
    ['{% for a in nope %}{% endfor %}', '1:13 template_undefined: nope is not defined'],
    [
      '{% for a in list %}\n{{ a }}{{ b }}{% endfor %}',
      '2:11 template_undefined: b is not defined. Did you mean a?',
    ],
    ['{% if nope %}x{% endif %}', '1:7 template_undefined: nope is not defined'],
    [
      '{% if yes or false %}{% elif nope %}{% endif %}{% if nope.a %}{% endif %}',
      '1:54 template_undefined: nope is not defined',
    ],
    ['{{ x ~ nope }}', '1:8 template_undefined: nope is not defined'],
    ["{{ 'a' + nope }}", '1:10 template_undefined: nope is not defined'],
    ['{{ nope | upper }}', '1:4 template_undefined: nope is not defined'],
    ['{{ list | join(nope) }}', '1:16 template_undefined: nope is not defined'],
    ['{{ nope.a | default(1) }}', '1:4 template_undefined: nope is not defined'],
    ['{{ list[3] }}', '1:9 template_undefined: list has no item 3'],
    ['{{ [] | first }}', '1:9 template_undefined: the list is empty, it has no first item'],
    [
      "{{ [map] | map(attribute='nme') | join }}",
      '1:12 template_undefined: a mapping has no member nme. Did you mean name?',
    ],
    [
      '{{ x if n == 2 }}',
      "1:4 template_undefined: the condition does not hold and there is no else. Write else ''.",
    ],
    [
      '{% macro m(a) %}{{ a }}{% endmacro %}{{ m() }}',
      '1:20 template_undefined: a is not defined. Did you mean m?',
    ],
    ['{% set y = nope %}', '1:12 template_undefined: nope is not defined'],
  ],
  'no name reaches the program': [
    [
      '{{ x.constructor }}',
      '1:6 template_reach: constructor reaches into the program, which a template cannot',
    ],
    [
      '{{ x["constructor"] }}',
      '1:6 template_reach: constructor reaches into the program, which a template cannot',
    ],
    [
      '{{ constructor }}',
      '1:4 template_reach: constructor reaches into the program, which a template cannot',
    ],
    [
      '{{ map.__proto__ }}',
      '1:8 template_reach: __proto__ reaches into the program, which a template cannot',
    ],
    [
      "{{ map['__pro' ~ 'to__'] }}",
      '1:16 template_reach: __proto__ reaches into the program, which a template cannot',
    ],
    [
      '{{ x.constructor("return 1")() }}',
      '1:6 template_reach: constructor reaches into the program, which a template cannot',
    ],
    [
      '{{ range.constructor("return process")() }}',
      '1:10 template_reach: constructor reaches into the program, which a template cannot',
    ],
    [
      "{{ [1] | map(attribute='constructor.name') | join }}",
      '1:10 template_undefined: a number has no member constructor',
    ],
    ['{{ x.toString() }}', '1:6 template_unknown: a text has no method toString'],
    ['{{ map.hasOwnProperty("port") }}', '1:8 template_unknown: a mapping has no method hasOwnProperty'],
    ['{{ process.env }}', '1:4 template_undefined: process is not defined'],
    ['{{ globalThis }}', '1:4 template_undefined: globalThis is not defined'],
    ['{{ toString }}', '1:4 template_undefined: toString is not defined'],
    ['{{ x | constructor }}', '1:8 template_unknown: there is no filter constructor'],
    ['{{ x is constructor }}', '1:9 template_unknown: there is no test constructor'],
    ['{{ range | join }}', '1:12 template_type: a function has no items to go through'],
  ],
  'nothing depends on chance or on the clock': [
    [
      '{{ list | random }}',
      '1:11 template_unknown: there is no filter random: a build must come out the same every time',
    ],
    ['{{ now() }}', '1:4 template_undefined: now is not defined'],
    ['{{ lipsum() }}', '1:4 template_undefined: lipsum is not defined'],
  ],
  'only templates of the folder can be included': [
    ["{% include '../other/x.j2' %}", "1:4 template_outside: ../other/x.j2 leads out of the app's folder"],
    ["{% include '/etc/passwd' %}", "1:4 template_outside: /etc/passwd leads out of the app's folder"],
    [
      "{% include 'prat.j2' %}",
      "1:4 template_missing: there is no template prat.j2 in the app's folder. Did you mean part.j2?",
    ],
    ["{% include 'part.j2' %}", 'apps/x/part.j2:2:4 template_undefined: nope is not defined'],
    [
      "{% include 'self.j2' %}",
      'apps/x/self.j2:1:4 template_too_deep: macros and includes nest more than 40 deep',
    ],
  ],
  'values of a kind that does not fit are told, not guessed': [
    [
      '{{ yes }}',
      '1:4 template_type: a boolean has no text of its own. Write | tojson for true and false, or | string for True and False.',
    ],
    [
      '{{ empty }}',
      "1:4 template_type: none has no text of its own. Write | default('…', true), or leave it out with {% if %}.",
    ],
    ['{{ list }}', "1:4 template_type: a list has no text of its own. Write | join(', ') or | tojson."],
    ['{{ x + n }}', '1:6 template_type: a text + a number has no meaning. Write ~ to join texts.'],
    ['{{ x < n }}', '1:6 template_type: a text and a number have no order'],
    ['{{ n / 0 }}', '1:6 template_type: the result is no number'],
    ['{{ n() }}', '1:5 template_type: n is a number and cannot be called'],
    ['{% for a, b in list %}{% endfor %}', '1:4 template_type: 2 values are needed, not a text'],
    ["{{ x.replace('', 'y') }}", '1:6 template_type: what is replaced must not be empty'],
    ['{% set map.port = 1 %}', '1:11 template_syntax: only a name, or a member of a namespace(), can be set'],
  ],
  'what cannot be read is told with its place': [
    [
      '#jinja2: lstrip_blocks: True\nx',
      '1:1 template_syntax: lstrip_blocks: True is not known in a line #jinja2:. trim_blocks: True is.',
    ],
    ['#jinja2: trim_blocks: True\n\n{{ nope }}', '3:4 template_undefined: nope is not defined'],
    ['a\n{{ x', '2:5 template_syntax: the text ends within an expression'],
    ['{% if yes %}\nx', '1:4 template_syntax: {% if %} has no end'],
    ['{% for a in list %}{% if a %}{% endfor %}', '1:33 template_syntax: unknown block tag: endfor'],
    ["{{ 'x }}", '1:4 template_syntax: the string has no end'],
    ['a {# b', '1:3 template_syntax: the comment {# has no end'],
    ['{% raw %}x', '1:8 template_syntax: {% raw %} has no end'],
    ['{% frob %}', '1:4 template_syntax: unknown block tag: frob'],
    ['{{ x | uper }}', '1:8 template_unknown: there is no filter uper. Did you mean upper?'],
    ["{{ x | split('.')[0] }}", '1:18 template_syntax: expected variable end'],
    [
      "{% extends 'base.j2' %}",
      '1:4 template_syntax: extends is not supported. Use include, import and macros.',
    ],
    ['{{ r/x/g }}', '1:4 template_syntax: a regular expression is written as a text'],
    [`{{ ${'('.repeat(5000)}1${')'.repeat(5000)} }}`, '1:1 template_syntax: it is nested too deeply'],
  ],
  'a text has an end': [
    ["{{ 'x' * 1000000000 }}", '1:8 template_too_large: it repeats a text to more than 100000 characters'],
    [
      '{{ (range(60000) + range(60000)) | length }}',
      '1:18 template_too_large: a list has at most 100000 items',
    ],
    ['{{ range(1000000) | length }}', '1:4 template_type: a whole number of at most 100000 is needed here'],
    [
      "{% set ns = namespace(s='0123456789') %}{% for i in range(40) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
      '1:84 template_too_large: it makes a text of more than 1048576 characters',
    ],
  ],
};

const includes = { 'part.j2': 'a\n{{ nope }}', 'self.j2': "{% include 'self.j2' %}" };

for (const [name, all] of Object.entries(refused)) {
  test(name, () => {
    for (const [source, said] of all)
      assert.equal(told(source, values, includes), said, source.slice(0, 200));
  });
}

test('secrets stay references, and nothing may change them', () => {
  const outcome = render(
    "user: a\npassword: {{ secret('pg_password') }}\n{{ [secret('b'), 'x'] | join('@') }}",
  );
  assert.deepEqual(outcome, {
    id: 'x',
    ok: true,
    text: 'user: a\npassword: ~writ:secret:pg_password~\n~writ:secret:b~@x',
    secrets: ['b', 'pg_password'],
  });
  const changed =
    "template_secret_changed: upper would change a secret's placeholder; the secret itself is filled in on the target. Derive another secret from it in app.yaml: secrets: { x: { from: …, as: … } }.";
  assert.equal(told("{{ secret('a') | upper }}"), `1:18 ${changed}`);
  assert.equal(told("{{ ('https://' ~ secret('a')).upper() }}"), `1:31 ${changed}`);
  assert.match(told("{{ secret('a').replace('w', 'v') }}"), /template_secret_changed/);
  assert.match(told("{{ secret('a')[1:] }}"), /template_secret_changed/);
  assert.match(told("{{ {'p': secret('a')} | tojson }}"), /template_secret_changed/);
  assert.equal(told("{{ secret('no way') }}"), '1:4 template_type: no way is no name of a secret');
});
