// biome-ignore-all lint/suspicious/noTemplateCurlyInString: templates in other languages

/** What Jinja2 3.1 gives (trim_blocks and lstrip_blocks off, StrictUndefined), as literal text. */
export const values = {
  domain: 'a.b.example.net',
  hosts: ['web', 'db', 'auth'],
  apps: [
    { name: 'grafana', port: 3000, tags: ['metrics', 'ui'] },
    { name: 'Gatus', port: 8080, tags: [] },
    { name: 'authelia', port: 9091, tags: ['sso'] },
  ],
  users: { zoe: 1, adam: 2 },
  url: 'https://me:pw@Grafana.example.net:8443/a/b?x=1#top',
  on: true,
  nothing: null,
  n: 7,
};

export const cases: Readonly<Record<string, readonly (readonly [source: string, text: string])[]>> = {
  'blocks leave their white space: trim and lstrip are off': [
    ['a\n{% if on %}\nb\n{% endif %}\nc\n', 'a\n\nb\n\nc\n'],
    ['  {% for h in hosts %}{{ h }} {% endfor %}\n', '  web db auth \n'],
    ['a  {%- if on %}  b{% endif -%}  \n c', 'a  bc'],
    ['a {{- n -}} b', 'a7b'],
    ['a {# gone #} b{#- gone -#} c', 'a  bc'],
  ],
  'a line for Ansible turns trim_blocks on': [
    ['#jinja2: trim_blocks: True\na\n{% if on %}\nb\n{% endif %}\nc\n', 'a\nb\nc\n'],
    [
      '#jinja2: trim_blocks:True, lstrip_blocks: False\n{% for h in hosts %}\n- {{ h }}\n{% endfor %}\n\nz',
      '- web\n- db\n- auth\n\nz',
    ],
    ['#jinja2: trim_blocks: True\n{# gone #}\n  {# gone #}\n{{ n }}\n', '  7\n'],
    ['#jinja2: trim_blocks: True\n{% set a = 1 %}\r\n{{ a }}\n', '1\n'],
    ['#jinja2: trim_blocks: True\n{% raw %}\n{{ a }}\n{% endraw %}\nb\n', '\n{{ a }}\nb\n'],
    ['#jinja2: trim_blocks: False\n{% if on %}\nb{% endif %}\n', '\nb\n'],
    ['# jinja2: {{ n }}\n', '# jinja2: 7\n'],
  ],
  'loops know where they are': [
    [
      '{% for h in hosts %}{{ loop.index }}/{{ loop.length }}{{ h }}{{ "," if not loop.last else "" }}{% endfor %}',
      '1/3web,2/3db,3/3auth',
    ],
    [
      '{% for h in hosts %}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }} {% endfor %}',
      '032 121 210 ',
    ],
    ['{% for h in hosts %}{{ loop.cycle("a", "b") }}{% endfor %}', 'aba'],
    ['{% for h in [] %}x{% else %}none{% endfor %}', 'none'],
    ['{% for a in apps if a.port > 5000 %}{{ loop.index }}{{ a.name }} {% endfor %}', '1Gatus 2authelia '],
    ['{% for name, id in users.items() %}{{ name }}={{ id }};{% endfor %}', 'zoe=1;adam=2;'],
    ['{% for name in users %}{{ name }} {% endfor %}', 'zoe adam '],
    ['{% for i in range(2, 8, 3) %}{{ i }} {% endfor %}', '2 5 '],
  ],
  'what a loop sets stays in it, and a namespace outlasts it': [
    ['{% set x = 1 %}{% for h in hosts %}{% set x = 2 %}{% endfor %}{{ x }}', '1'],
    ['{% set ns = namespace(x=0) %}{% for h in hosts %}{% set ns.x = ns.x + 1 %}{% endfor %}{{ ns.x }}', '3'],
    ['{% if on %}{% set x = 5 %}{% endif %}{{ x }}', '5'],
    ['{% set a, b = [1, 2] %}{{ a }}{{ b }}', '12'],
    ['{% set x %}<{{ n }}>{% endset %}{{ x }}', '<7>'],
  ],
  'texts have the methods of Python': [
    ["{{ domain.replace('.', '-') }}", 'a-b-example-net'],
    ["{{ domain.replace('.', '-', 1) }}", 'a-b.example.net'],
    ["{{ domain.replace('a', '$&') }}", '$&.b.ex$&mple.net'],
    ["{{ domain.split('.')[-1] }} {{ domain.split('.')[0] }}", 'net a'],
    ["{{ domain.rsplit('.', 1)[0] }}", 'a.b.example'],
    ["{{ ' a  b '.split() | join('|') }}", 'a|b'],
    ["{{ 'aXbX'.split('X', 1) | join('|') }}", 'a|bX'],
    ["{{ '--x-'.strip('-') }}{{ '--x-'.lstrip('-') }}{{ '--x-'.rstrip('-') }}", 'xx---x'],
    ["{{ 'x' if domain.startswith('a.') and domain.endswith(('.org', '.net')) else 'y' }}", 'x'],
    [
      "{{ ', '.join(hosts) }} {{ 'AbC'.upper() }} {{ 'AbC'.lower() }} {{ 'the end'.title() }}",
      'web, db, auth ABC abc The End',
    ],
    ["{{ '7'.zfill(3) }} {{ 'a.b'.removesuffix('.b') }} {{ 'banana'.count('an') }}", '007 a 2'],
  ],
  'indices and slices count from the end too': [
    ['{{ hosts[-1] }} {{ hosts[0] }} {{ domain[-3] }}', 'auth web n'],
    [
      '{{ hosts[1:] | join(",") }} {{ hosts[:-1] | join(",") }} {{ domain[:3] }} {{ hosts[::-1] | join(",") }}',
      'db,auth web,db a.b auth,db,web',
    ],
  ],
  'a backslash before any other letter stays': [
    [
      "{{ '\\.' }} {{ '\\d+\\n'.strip() }} {{ 'a\\\\b' }} {{ 'it\\'s' }} {{ '\\x41\\u00e9' }}",
      "\\. \\d+ a\\b it's Aé",
    ],
    ["{{ domain.replace('.', '\\.') }}", 'a\\.b\\.example\\.net'],
  ],
  'addresses come apart': [
    [
      "{{ url | urlsplit('hostname') }} {{ url | urlsplit('port') }} {{ url | urlsplit('path') }}",
      'grafana.example.net 8443 /a/b',
    ],
    [
      "{{ url | urlsplit('scheme') }} {{ (url | urlsplit).query }} {{ url | urlsplit('fragment') }} {{ url | urlsplit('username') }}",
      'https x=1 top me',
    ],
    ["{{ 'x' if ('a/b' | urlsplit('hostname')) is none else 'y' }}", 'x'],
  ],
  'filters are those of Jinja2': [
    [
      "{{ hosts | join(', ') }} {{ apps | join('+', attribute='name') }}",
      'web, db, auth grafana+Gatus+authelia',
    ],
    [
      "{{ 'grafana-oss x' | title }} {{ 'ABC' | capitalize }} {{ domain | replace('.', '_') }}",
      'Grafana-Oss X Abc a_b_example_net',
    ],
    ["{{ apps | map(attribute='name') | sort | join(' ') }}", 'authelia Gatus grafana'],
    [
      "{{ apps | sort(attribute='port', reverse=true) | map(attribute='port') | join(' ') }}",
      '9091 8080 3000',
    ],
    ["{{ apps | selectattr('tags') | map(attribute='name') | list | length }}", '2'],
    ["{{ apps | rejectattr('port', 'gt', 5000) | map(attribute='name') | first }}", 'grafana'],
    ["{{ apps | selectattr('port', 'equalto', 8080) | map(attribute='name') | list | last }}", 'Gatus'],
    [
      '{% for k, v in users | dictsort %}{{ k }}{{ v }}{% endfor %} {{ [3, 1, 2] | max }} {{ [3, 1] | sum }}',
      'adam2zoe1 3 4',
    ],
    ["{{ [1, 2, 1] | unique | join }} {{ [1, 2, 3] | batch(2) | map('join') | join('/') }}", '12 12/3'],
    ["{{ 'a\nb\n' | indent(2) }}|{{ 'a\nb' | indent(2, true) }}", 'a\n  b\n|  a\n  b'],
    ["{{ {'b': [1, true, none], 'a': '<x>'} | tojson }}", '{"a": "\\u003cx\\u003e", "b": [1, true, null]}'],
    ["{{ {'a': ['<']} | to_json(2) }}", '{\n  "a": [\n    "<"\n  ]\n}'],
    [
      "{{ ' x ' | trim }} {{ '12' | int + 1 }} {{ 'x' | int(5) }} {{ 2.5 | round | int }} {{ 2.567 | round(1) }} {{ -3 | abs }}",
      'x 13 5 2 2.6 3',
    ],
    [
      "{{ 'a b/c' | urlencode }} {{ 'ä' | b64encode }} {{ on | lower }} {{ on | tojson }}",
      'a%20b/c w6Q= true true',
    ],
    [
      "{{ nothing | default('d') | string }} {{ '' | default('e', true) }} {{ nope | d('f') }} {{ users.nope | default('g') }}",
      'None e f g',
    ],
    ['{% filter upper %}a{{ n }}{% endfilter %}', 'A7'],
    [
      "{% for port, group in [{'p': 1, 'n': 'a'}, {'p': 2, 'n': 'b'}, {'p': 1, 'n': 'c'}] | groupby('p') %}{{ port }}{{ group | map(attribute='n') | join }} {% endfor %}",
      '1ac 2b ',
    ],
  ],
  'operators bind as in Jinja2': [
    [
      '{{ 7 * 3 // 2 }} {{ 2 ** 3 ** 1 }} {{ 7 % 3 }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 1 - 2 + 3 }} {{ 7 / 2 }}',
      '10 8 1 -4 2 2 3.5',
    ],
    ["{{ 'a' ~ n ~ 'b' }} {{ 'a' + 'b' }} {{ ([1] + [2]) | join }}", 'a7b ab 12'],
    ["{{ 'y' if 1 < n <= 7 and not (n == '7') else 'x' }}", 'y'],
    ["{{ 'y' if 'b' in domain and 'zoe' in users and 9 not in [1] else 'x' }}", 'y'],
    ["{% if [] or {} or '' or 0 or none %}x{% else %}y{% endif %}", 'y'],
    [
      '{% if nope is not defined and users.zoe is defined and n is odd and nothing is none and n is divisibleby(7) %}y{% endif %}',
      'y',
    ],
  ],
  'macros, imports and includes': [
    [
      "{% macro line(k, v='-') %}{{ k }}={{ v }};{% endmacro %}{{ line('a') }}{{ line('b', 2) }}{{ line(v=3, k='c') }}",
      'a=-;b=2;c=3;',
    ],
    ['{% macro box() %}[{{ caller() }}]{% endmacro %}{% call box() %}x{{ n }}{% endcall %}', '[x7]'],
    ["{% import 'm.j2' as m %}{{ m.twice('x') }}{% from 'm.j2' import twice as two %}{{ two('y') }}", 'xxyy'],
    ["{% include 'part.j2' %}{% include 'nope.j2' ignore missing %}", 'part 7'],
  ],
  'raw text is left alone': [
    ['{% raw %}{{ x }} {% if %}{% endraw %}', '{{ x }} {% if %}'],
    ['a {%- raw -%}  {{ x }}  {%- endraw -%}  b', 'a{{ x }}b'],
    ['$X ${X} %{X} !secret $${X} #} {#- c -#} end', '$X ${X} %{X} !secret $${X} #}end'],
  ],
};

export const includes = {
  'm.j2': '{% macro twice(x) %}{{ x }}{{ x }}{% endmacro %}',
  'part.j2': 'part {{ n }}',
};
