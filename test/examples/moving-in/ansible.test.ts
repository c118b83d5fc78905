import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  existsSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { secretPlaceholder } from '../../../schema/manifest/placeholder.ts';
import { missing } from '../../support/missing.ts';
import { makeSecretsDesk } from '../../support/secrets-desk.ts';
import { moreVars, movedTemplates, secretFiles } from './ansible-edits.ts';
import { byAnsible } from './homes.ts';
import { adoptMachine, broughtTo, leftPaths, newPlace, onMachine, releaseOf, repoFiles } from './moved.ts';

const repo = join(byAnsible.folder, '../repo');
const sops = join(repo, 'group_vars/all/secrets.sops.yaml');
const key = join(import.meta.dirname, '../../vectors/sops/key.txt');

/** What SOPS holds, by the names that `writ secrets import` gives. */
const values: Readonly<Record<string, string>> = {
  grafana_admin_password: 'eTh9-oov4%27',
  grafana_oidc_secret: '4f1c9e0a77',
  miniflux_db_password: 'Ahy3ohN1',
  ntfy_token: 'tk_31fjq2mtv0xk1ecx7dh35w8p1rzyaa',
  restic_repository_password: 'Ohng5eiz',
};

/** Puts the repo's templates in the place of the files that they made. */
function bringTemplates(home: string): void {
  const vars = readFileSync(join(repo, 'group_vars/all/vars.yml'), 'utf8');
  writeFileSync(join(home, 'vars.yaml'), moreVars + vars);
  const homelab = join(home, 'homelab.yaml');
  // Its address stands in templates; it is adopted later.
  appendFileSync(homelab, '  secsvcs: { host: pve1, vmid: 132, address: 192.168.20.32 }\n');
  for (const { from, to, edits } of movedTemplates) {
    let text = readFileSync(join(repo, from), 'utf8');
    for (const [old, made] of edits) {
      assert.ok(text.includes(old), `${from}: ${old}`);
      text = text.replaceAll(old, made);
    }
    writeFileSync(join(home, to), `#jinja2: trim_blocks: True\n${text}`);
    const rendered = join(home, to.replace(/\.j2$/, ''));
    const [, app, name] = /^apps\/([^/]+)\/(.+)\.j2$/.exec(to)!;
    const said = join(home, `apps/${app}/app.yaml`);
    const words = readFileSync(said, 'utf8');
    if (existsSync(rendered)) rmSync(rendered);
    writeFileSync(said, words.replace(`from: ${name},`, `from: ${name}.j2,`));
  }
  writeFileSync(join(home, 'apps/restic/pass.j2'), "{{ secret('restic_repository_password') }}");
  for (const [app, text] of Object.entries(secretFiles))
    appendFileSync(join(home, `apps/${app}/app.yaml`), text);
}

const filled = (text: string): string =>
  Object.entries(values).reduce(
    (made, [name, value]) => made.replaceAll(secretPlaceholder(name), value),
    text,
  );

test('a home of Ansible, Jinja2 and SOPS moves in: its templates and secrets make the files that are there', async (t) => {
  const place = newPlace(t);
  await adoptMachine(place, byAnsible);
  const adopted = join(place.folder, 'adopted.tar');
  assert.equal((await place.writ('config', 'build', '--repo', place.repo, '--release', adopted)).exit, 0);
  assert.deepEqual(
    broughtTo(await releaseOf(place.repo), 'websvcs'),
    onMachine(byAnsible, leftPaths(byAnsible)),
  );

  bringTemplates(place.repo);
  const made = new Map(
    [...broughtTo(await releaseOf(place.repo), 'websvcs')].map(([path, text]) => [path, filled(text)]),
  );
  const there = onMachine(byAnsible, []);
  assert.deepEqual([...made.keys()].sort(), [...there.keys()].sort());
  assert.deepEqual(made, new Map([...made.keys()].map((path) => [path, there.get(path)!])));
  const { out } = await place.writ('plan', '--repo', place.repo, '--against', adopted);
  // Had it been released without them, what is added would restart it: secrets come before the first release.
  assert.match(out, /restart gatus\.service \(\/etc\/opt\/gatus\/config\.yaml\)/);
  assert.match(out, /untouched: alertmanager, haproxy, homer, networks, prometheus, traefik, unbound$/m);
});

test('what had to be written otherwise in the templates is counted', () => {
  const asTheyAre = movedTemplates.filter(({ edits }) => edits.length === 0);
  const forSecrets = movedTemplates.filter(({ edits }) => edits.some(([old]) => old.startsWith('secrets.')));
  assert.deepEqual([movedTemplates.length, asTheyAre.length, forSecrets.length], [12, 3, 3]);
});

test('the file of SOPS is taken over: each value for the machine whose apps list it', async (t) => {
  const place = newPlace(t);
  await adoptMachine(place, byAnsible);
  bringTemplates(place.repo);
  const desk = await makeSecretsDesk(
    t,
    Object.fromEntries(
      [...repoFiles(place.repo)].map(([path, text]) => [path, Buffer.from(text, 'latin1').toString()]),
    ),
  );
  await desk.admit();
  const identity = join(desk.config, 'key.txt');
  copyFileSync(key, identity);
  chmodSync(identity, 0o600);
  const ran = await desk.writ(['secrets', 'import', sops, '--identity', identity, '--yes']);
  assert.equal(ran.exit, 0, ran.err);
  for (const [name, value] of Object.entries(values))
    assert.equal(await desk.open(`secrets/websvcs/${name}.age`, desk.machines.websvcs), value);
  assert.match((await desk.writ(['secrets', 'check'])).out, /^No errors: 5 secrets\.$/m);
});

/** The files of the machine by Jinja2 itself, set as Ansible sets it. */
const program = `
import json, sys
from urllib.parse import urlsplit
import jinja2, yaml
repo, secrets = sys.argv[1], json.loads(sys.argv[2])
def read(path):
    with open(repo + path) as file:
        return yaml.safe_load(file)
values = read('/group_vars/all/vars.yml')
hosts = read('/inventory.yml')['all']['children']['guests']['hosts']
values.update(secrets=secrets, ansible_managed='Ansible managed', inventory_hostname='websvcs', hostvars=hosts,
              groups={'guests': list(hosts)})
loader = jinja2.FileSystemLoader([repo, repo + '/macros'])
env = jinja2.Environment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True, trim_blocks=True, loader=loader)
env.filters['urlsplit'] = lambda url, part: getattr(urlsplit(url), part)
env.filters['to_json'] = json.dumps
env.filters['dict2items'] = lambda given: [{'key': key, 'value': value} for key, value in given.items()]
env.filters['ternary'] = lambda given, yes, no: yes if given else no
made = {name: env.get_template(name).render(**values) for name in json.loads(sys.argv[3])}
units = 'roles/quadlets/templates/'
for name, service in values['services'].items():
    made[name + '.container'] = env.get_template(units + 'app.container.j2').render(**values, name=name, service=service)
made['apps.network'] = env.get_template(units + 'apps.network.j2').render(**values)
json.dump(made, sys.stdout)
`;

const found = spawnSync('python3', ['-c', 'import jinja2, yaml'], { encoding: 'utf8' });
if (found.status !== 0) missing("Python's Jinja2 and PyYAML, to make the files of a home of Ansible");
else
  test('the files of that machine are those that Jinja2 itself makes, as Ansible sets it', () => {
    const secrets = {
      grafana: { admin_password: values.grafana_admin_password, oidc_secret: values.grafana_oidc_secret },
      miniflux: { db_password: values.miniflux_db_password },
      ntfy_token: values.ntfy_token,
    };
    const names = movedTemplates.map(({ from }) => from);
    const ran = spawnSync('python3', ['-c', program, repo, JSON.stringify(secrets), JSON.stringify(names)], {
      encoding: 'utf8',
    });
    assert.equal(ran.status, 0, ran.stderr);
    const made = JSON.parse(ran.stdout) as Record<string, string>;
    const there = new Set(
      [...onMachine(byAnsible, []).values()].map((text) => text.replace(/^\S+ \S+ /, '')),
    );
    for (const [name, text] of Object.entries(made)) assert.ok(there.has(text), name);
    assert.equal(Object.keys(made).length, 20);
  });
