import assert from 'node:assert/strict';
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseDocument } from 'yaml';
import { checkHaproxy, checkUnbound, type Verdict } from '../support/checkers.ts';
import { writePart } from '../support/edge-home.ts';
import { missing } from '../support/missing.ts';
import { findGenerator } from '../support/quadlet-generator.ts';
import { findSystemd } from '../support/systemd-verify.ts';
import { buildExample, filesOf } from './example.ts';

/** What the real programs say of what the example builds. */
const built = await buildExample();
const { release, findings } = built;
assert.ok(release !== undefined, JSON.stringify(findings));
const targets = release.manifest.parts.map(({ target }) => target);

const generator = findGenerator('5.4');
const noGenerator = generator === null && 'there is no generator of Podman 5.4';
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

test('Podman makes a service of every Quadlet', { skip: noGenerator }, () => {
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

test('Podman refuses a Quadlet with one wrong key', { skip: noGenerator }, () => {
  const quadlets = below('secsvcs', '/etc/containers/systemd/');
  quadlets.set('grafana.container', quadlets.get('grafana.container')!.replace('\nUser=', '\nUsr='));
  assert.deepEqual([...generator!.judge(quadlets).refused.keys()], ['grafana.container']);
});

const noSystemd = { skip: noGenerator || (systemd === null && 'there is no systemd 257') };

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

/** Makes sure that there is a judge, and that each accepts. */
function acceptedBy(verdicts: readonly Verdict[], lacking: string): void {
  if (verdicts.length === 0) missing(lacking);
  for (const { by, accepted, said } of verdicts) assert.ok(accepted, `${by}: ${said}`);
}

test('HAProxy takes its configuration and its map of names', (t) => {
  acceptedBy(checkHaproxy(writePart(t, built, 'cloud')), "HAProxy, which judges the example's configuration");
});

test('Unbound takes its zone beside its own configuration', (t) => {
  const folder = writePart(t, built, 'secsvcs');
  const files = ['server.conf', 'home.conf'].map((name) => `/etc/unbound/unbound.conf.d/${name}`);
  acceptedBy(checkUnbound(folder, files), "Unbound, which judges the example's zone");
});

const noNft =
  process.getuid?.() !== 0 || spawnSync('nft', ['--version']).error !== undefined ? 'root and nft' : false;
if (noNft !== false) missing(`${noNft}, which judge the example's firewalls`);

test('nft takes the firewall of each machine', { skip: noNft }, () => {
  let count = 0;
  for (const target of targets) {
    const files: ReadonlyMap<string, string> = filesOf(release, target);
    const text = files.get('/etc/opt/firewall/ruleset.nft');
    if (text === undefined) continue;
    const done: SpawnSyncReturns<string> = spawnSync('nft', ['-c', '-f', '-'], {
      input: text,
      encoding: 'utf8',
    });
    assert.equal(done.status, 0, `${target}: ${done.stderr}`);
    count += 1;
  }
  assert.equal(count, 7);
});

const noPromtool = spawnSync('promtool', ['--version']).error !== undefined && 'there is no promtool';

test('promtool takes what vmagent is to ask, and no job without a name', { skip: noPromtool }, (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'writ-scrape-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const text = filesOf(release, 'websvcs').get('/etc/opt/vmagent/scrape.yml')!;
  const judge = (config: string): number | null => {
    const path = join(folder, 'scrape.yml');
    writeFileSync(path, config);
    // The token is a file of the container.
    return spawnSync('promtool', ['check', 'config', '--syntax-only', path]).status;
  };
  assert.equal(judge(text), 0);
  assert.notEqual(judge(text.replace('job_name: immich', 'job: immich')), 0);
});

test('what is JSON or YAML can be read as such', () => {
  /** Files of programs that have templates of their own in their YAML. */
  const templated = /^\/etc\/opt\/authelia\/configuration\.yml$/;
  let count = 0;
  for (const target of targets) {
    const files: ReadonlyMap<string, string> = filesOf(release, target);
    for (const [path, text] of files) {
      if (path.endsWith('.json')) JSON.parse(text);
      else if (/\.ya?ml$/.test(path) && !templated.test(path)) {
        const { errors } = parseDocument(text, { logLevel: 'silent' });
        assert.deepEqual(errors, [], `${path} on ${target}`);
      } else continue;
      count += 1;
    }
  }
  assert.ok(count >= 12, `${count} files`);
});
