import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { missing } from '../../../support/missing.ts';
import { cases, includes, values } from './jinja-cases.ts';
import { told } from './render.ts';

for (const [name, all] of Object.entries(cases)) {
  test(name, () => {
    for (const [source, text] of all) assert.equal(told(source, values, includes), text, source);
  });
}

/** Jinja2 itself, set as these templates are meant, with the filters that Ansible adds. */
const program = `
import base64, json, sys
from urllib.parse import urlsplit
import jinja2, re
given = json.load(sys.stdin)
env = jinja2.Environment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True,
                         loader=jinja2.DictLoader(given['includes']))
parts = ('scheme', 'netloc', 'path', 'query', 'fragment', 'hostname', 'port', 'username', 'password')
def split(url, part=None):
    found = {name: getattr(urlsplit(url), name) for name in parts}
    return found if part is None else found[part]
env.filters['urlsplit'] = split
env.filters['b64encode'] = lambda text: base64.b64encode(text.encode()).decode()
env.filters['to_json'] = lambda value, indent=None: json.dumps(value, indent=indent, sort_keys=True)
def render(source):
    # As Ansible does it: https://docs.ansible.com, "template", its notes.
    head = re.match(r'#jinja2:([^\\n]*)\\n', source)
    if head is None:
        return env.from_string(source).render(**given['values'])
    pairs = [pair.split(':', 1) for pair in head[1].split(',')]
    set = {name.strip(): value.strip() == 'True' for name, value in pairs}
    return env.overlay(**set).from_string(source[head.end():]).render(**given['values'])
json.dump([render(one) for one in given['sources']], sys.stdout)
`;

const found = spawnSync('python3', ['-c', 'import jinja2; print(jinja2.__version__)'], { encoding: 'utf8' });
if (found.status !== 0) missing("Python's Jinja2, to compare templates with");
else
  test('Jinja2 itself gives the same', () => {
    const all = Object.values(cases).flat();
    const input = JSON.stringify({ values, includes, sources: all.map(([source]) => source) });
    const ran = spawnSync('python3', ['-c', program], { input, encoding: 'utf8' });
    assert.equal(ran.status, 0, ran.stderr);
    assert.deepEqual(
      JSON.parse(ran.stdout),
      all.map(([, text]) => text),
    );
  });
