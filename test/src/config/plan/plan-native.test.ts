import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planMarkdown } from '../../../../src/config/plan/markdown.ts';
import { planText } from '../../../../src/config/plan/text.ts';
import { smallHome } from '../../../support/repo-fixture.ts';
import { type Changes, planOf } from './plan-of.ts';

const yaml = smallHome['apps/web/app.yaml'] as string;
const web = (...lines: string[]): Changes => ({ 'apps/web/app.yaml': `${yaml}${lines.join('\n')}\n` });
const artifact = (digit: string, more = ''): string =>
  `artifacts: [{ url: https://example.com/x, sha256: ${digit.repeat(64)}, to: /opt/x${more} }]`;
const cert = (more = ''): string => `certs: [{ name: tls, to: /etc/opt/web/tls/${more} }]`;

async function effectOf(changes: Changes, before: Changes): Promise<string> {
  const plan = await planOf(changes, before);
  const units = plan.targets.flatMap(({ apps }) => apps.flatMap((app) => app.units));
  const { effect, because } = units.find(({ service }) => service === 'web.service')!;
  return [effect, ...because].join(' ');
}

test('what is fetched and certified touches its app as its files do', async () => {
  const cases: readonly (readonly [before: Changes, after: Changes, effect: string])[] = [
    [web(artifact('a')), web(artifact('b')), 'restart /opt/x'],
    [web(artifact('a', ', on_change: reload')), web(artifact('b', ', on_change: reload')), 'reload /opt/x'],
    [web(artifact('a', ', on_change: none')), web(artifact('b', ', on_change: none')), 'untouched'],
    [web(artifact('a')), web(artifact('a', ', mode: "0755"')), 'restart /opt/x'],
    [web(artifact('a')), web(artifact('a', ', on_change: none')), 'untouched'],
    [web(), web(artifact('a')), 'restart /opt/x'],
    [web(artifact('a')), web(), 'restart /opt/x'],
    [web(cert()), web(cert(', names: [www]')), 'restart certificate tls'],
    [web(cert()), web(cert(', names: [www], on_change: reload')), 'reload certificate tls'],
    [web(cert()), web(cert(', on_change: reload')), 'untouched'],
    [web('packages: [jq]'), web('packages: [curl]'), 'untouched'],
  ];
  for (const [before, after, effect] of cases)
    assert.equal(await effectOf(after, before), effect, JSON.stringify(after));
});

test('what else changes of an app is told in words', async () => {
  const plan = await planOf(
    web('packages: [jq]', 'users: [{ name: web, uid: 970 }]', 'update: pinned'),
    web('packages: [{ name: jq, version: "1.7*" }]'),
  );
  assert.deepEqual(plan.targets[0]!.apps[0]!.settings, [
    'packages that have to be there: [{"name":"jq","version":"1.7*"}] → [{"name":"jq"}]',
    'users that have to be there: none → [{"groups":[],"name":"web","shell":"/usr/sbin/nologin","uid":970}]',
    'what becomes of images while their names stay: none → "pinned"',
  ]);
});

test('of a long list it is told what comes and what goes', async () => {
  const listed = (...more: string[]): Changes =>
    web(`packages: [${[...more, ...Array.from({ length: 20 }, (_, index) => `long-name-${index}`)].join()}]`);
  const told = async (after: Changes, before: Changes) =>
    (await planOf(after, before)).targets[0]?.apps[0]?.settings;
  assert.deepEqual(await told(listed('jq'), listed('curl')), [
    'packages that have to be there: - {"name":"curl"}, + {"name":"jq"}',
  ]);
  const [first] = (await told(listed('jq'), web()))!;
  assert.match(first!, /^packages that have to be there: none → .{200}…$/);
});

const apt = (uri: string, key = 'motd'): string =>
  `apt: [{ name: x, uri: ${uri}, suites: stable, key: ${key} }]`;

test('sources of packages that are trusted, and users that are as good as root, are flagged', async () => {
  const risksOf = async (changes: Changes, before: Changes = {}): Promise<string[]> =>
    (await planOf(changes, before)).risks.map(({ code, text }) => `${code}: ${text}`);
  const trusted = (uri: string): string =>
    `source_trusted: packages of \`${uri}\` are trusted on \`websvcs\`: what they install runs as root`;
  const one = web(apt('https://one.example.com'));
  assert.deepEqual(await risksOf(one), [trusted('https://one.example.com')]);
  assert.deepEqual(await risksOf(web(apt('https://two.example.com')), one), [
    trusted('https://two.example.com'),
  ]);
  assert.deepEqual(await risksOf(web(apt('https://one.example.com', 'web.ini.j2')), one), [
    trusted('https://one.example.com'),
  ]);
  assert.deepEqual(await risksOf(web(apt('https://one.example.com'), 'packages: [jq]'), one), []);
  assert.deepEqual(await risksOf(web('users: [{ name: web, groups: [video, sudo, docker] }]')), [
    'access_widened: the user `web` on `websvcs` is in `docker`, `sudo`, which is as good as root',
  ]);
  const docker = web('users: [{ name: web, groups: [docker] }]');
  assert.deepEqual(await risksOf(docker, docker), []);
});

test('a device has a part, and a person to bring it there', async () => {
  const screen = {
    'homelab.yaml': `${smallHome['homelab.yaml'] as string}devices:\n  screen: { network: lan, address: 192.168.20.9 }\n`,
    'apps/screen/app.yaml': 'on: screen\nfiles: [{ from: motd, to: /motd }]\n',
    'apps/screen/motd': 'one\n',
  };
  const plan = await planOf({ 'apps/screen/motd': 'two\n' }, screen);
  assert.match(
    planText(plan),
    /^screen \(no relay: its files are put there by hand\)\n {2}screen\n {4}~ \/motd\n/,
  );
  assert.match(planMarkdown(plan), /^### `screen` \(no relay: its files are put there by hand\)$/m);
});

test('a file in a volume is told by its place', async () => {
  const into = (text: string): Changes => ({
    'apps/web/app.yaml': yaml.replace('files:', 'files:\n  - { from: page, to: volume:webdata/page }'),
    'apps/web/page': text,
  });
  const plan = await planOf(into('two\n'), into('one\n'));
  const [app] = plan.targets[0]!.apps;
  assert.deepEqual(
    [app!.files[0]!.path, app!.units[0]!.because, app!.files[0]!.diff!.split('\n')[0]],
    ['volume:webdata/page', ['volume:webdata/page'], '--- a/volume:webdata/page'],
  );
});
