import assert from 'node:assert/strict';
import { test } from 'node:test';
import { missing } from '../support/missing.ts';
import { findGenerator } from '../support/quadlet-generator.ts';
import { findSystemd } from '../support/systemd-verify.ts';
import { buildExample, filesOf } from './example.ts';

/** What the real programs say of what the example builds. */
const { release, findings } = await buildExample();
assert.ok(release !== undefined, JSON.stringify(findings));
const targets = release.manifest.parts.map(({ target }) => target);

const generator = findGenerator('5.4');
if (generator === null) missing("Podman 5.4's Quadlet generator, which judges the example's units");
const systemd = findSystemd('257');
if (systemd === null) missing("systemd 257 of Debian 13, which judges the example's services");

/** Files of a machine below a folder, by their path in it. */
const below = (target: string, folder: string): Map<string, string> =>
  new Map(
    [...filesOf(release, target)].flatMap(([path, text]) =>
      path.startsWith(folder) ? [[path.slice(folder.length), text] as const] : [],
    ),
  );

/** All services of a machine: those that the generator makes of its Quadlets, and its own. */
function servicesOf(target: string): Map<string, string> {
  const made = generator!.judge(below(target, '/etc/containers/systemd/'));
  assert.deepEqual([...made.refused], [], target);
  return new Map([...made.services, ...below(target, '/etc/systemd/system/')]);
}

test('Podman makes a service of every Quadlet', { skip: generator === null }, () => {
  let count = 0;
  for (const target of targets) {
    const quadlets = below(target, '/etc/containers/systemd/');
    const { broken, refused, services } = generator!.judge(quadlets);
    assert.equal(broken, false, target);
    assert.deepEqual([...refused], [], target);
    const units = [...quadlets.keys()].filter((name) => !name.includes('.d/'));
    assert.equal(services.size, units.length, target);
    count += units.length;
  }
  assert.ok(count > 30, `${count} Quadlets`);
});

test('Podman refuses a Quadlet with one wrong key', { skip: generator === null }, () => {
  const quadlets = below('secsvcs', '/etc/containers/systemd/');
  quadlets.set('grafana.container', quadlets.get('grafana.container')!.replace('\nUser=', '\nUsr='));
  assert.deepEqual([...generator!.judge(quadlets).refused.keys()], ['grafana.container']);
});

const noSystemd = { skip: generator === null || systemd === null };

test('systemd has nothing against any service', noSystemd, () => {
  for (const target of targets) {
    const services = servicesOf(target);
    if (services.size > 0) assert.deepEqual(systemd!.judge(services), [], target);
  }
});

test('systemd tells of one wrong directive, in a service, a timer and a drop-in', noSystemd, () => {
  const cases: readonly (readonly [
    target: string,
    unit: string,
    right: string,
    wrong: string,
    says: RegExp,
  ])[] = [
    [
      'secsvcs',
      'grafana.service',
      'TimeoutStartSec=300',
      'TimeoutStartSec=3x',
      /Failed to parse TimeoutStartSec/,
    ],
    ['secsvcs', 'postgres-dump.timer', 'OnCalendar=', 'OnCalender=', /Unknown key '?OnCalender/],
    [
      'cloud',
      'haproxy.service.d/10-restart.conf',
      'Restart=always',
      'Restart=ever',
      /Failed to parse Restart/,
    ],
  ];
  for (const [target, unit, right, wrong, says] of cases) {
    const services = servicesOf(target);
    assert.ok(services.get(unit)!.includes(right), unit);
    services.set(unit, services.get(unit)!.replace(right, wrong));
    assert.match(systemd!.judge(services).join('\n'), says, unit);
  }
});
