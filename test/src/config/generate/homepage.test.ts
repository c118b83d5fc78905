import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { homepage } from '../../../../src/config/generate/homepage.ts';
import type { Tree } from '../../../support/repo-fixture.ts';
import { homelabWith, madeFor } from '../../../support/seen-home.ts';

type Options = Readonly<Record<string, unknown>>;

const make = (changes: Tree = {}, options: Options = {}) =>
  madeFor(homepage, 'services', { app: 'gatus', target: 'secsvcs' }, changes, options);
const groupsOf = (changes: Tree = {}, options: Options = {}) => {
  const { text, doubts } = make(changes, options);
  assert.deepEqual(doubts, []);
  return readAsHomepage(text);
};

/** The groups with their services, as Homepage's own program reads them: the first key of each is its name. */
function readAsHomepage(text: string): [group: string, services: [string, object][]][] {
  return (parse(text) as Record<string, Record<string, object>[]>[]).map((group) => {
    const [name, services] = Object.entries(group)[0]!;
    return [name, services.map((service) => Object.entries(service)[0]!)];
  });
}

const app = (name: string, ...lines: readonly string[]): Tree => ({
  [`apps/${name}/app.yaml`]: [...lines, ''].join('\n'),
});

test('each name that people go to is an entry, under the title of its machine or where the app says', () => {
  assert.deepEqual(groupsOf(), [
    ['services', [['gatus', { href: 'https://status.example.net/' }]]],
    ['websvcs', [['Git', { href: 'https://git.example.net/' }]]],
  ]);
  const git = app(
    'git',
    'title: Git',
    'on: websvcs',
    'route: { host: git, port: 3000 }',
    'page: { group: Work, icon: forgejo.png, about: "code, and what is wrong with it" }',
  );
  assert.deepEqual(groupsOf(git)[0], [
    'Work',
    [
      [
        'Git',
        {
          icon: 'forgejo.png',
          href: 'https://git.example.net/',
          description: 'code, and what is wrong with it',
        },
      ],
    ],
  ]);
});

test('what is for no people is not there', () => {
  const before = groupsOf();
  for (const route of [
    'route: { host: "*.web", port: 80 }',
    'route: { host: web, port: 80, when: { path: /api } }',
    'route: { host: web, port: 80, passthrough: true }',
    'route: { host: web, port: 80, scheme: tcp }',
    'route: { host: web, port: 80, entry_points: [own] }',
    'route: { host: web, port: 80 }\npage: { show: false }',
  ]) {
    assert.deepEqual(groupsOf(app('web', 'on: secsvcs', route)), before, route);
  }
  const proxys = app('proxy', 'on: secsvcs', 'route: { host: proxy, service: api@internal }');
  assert.deepEqual(
    groupsOf(proxys)[0]![1].map(([name]) => name),
    ['gatus', 'proxy'],
  );
});

test('several names of one app are told apart, and one name is there once', () => {
  const routes = app(
    'web',
    'title: Web',
    'on: secsvcs',
    'routes:',
    '  - { name: one, host: [one, uno], port: 80 }',
    '  - { name: two, host: two, port: 81, title: The second }',
    '  - { name: api, host: one, port: 80, when: { path: /api } }',
  );
  const names = groupsOf(routes)[0]![1].map(([name, entry]) => [name, Object.values(entry)[0]]);
  assert.deepEqual(names.slice(0, 2), [
    ['The second', 'https://two.example.net/'],
    ['Web: one', 'https://one.example.net/'],
  ]);
  const machines = app(
    'web',
    'title: Web',
    'on:',
    '  - { guest: secsvcs, route: { host: a, port: 80 } }',
    '  - { guest: websvcs, route: { host: b, port: 80 } }',
  );
  assert.deepEqual(
    groupsOf(machines).flatMap(([, services]) => services.map(([name]) => name)),
    ['Web (secsvcs)', 'gatus', 'Git', 'Web (websvcs)'],
  );
});

test('groups are in the order that options say, entries are changed by them, and more follow', () => {
  const options = {
    groups: ['websvcs'],
    services: {
      'git.example.net': { siteMonitor: 'http://git:3000/', href: null },
      'status.example.net': null,
    },
    more: [{ Elsewhere: [{ Weather: { href: 'https://example.org/' } }] }],
  };
  assert.deepEqual(groupsOf({}, options), [
    ['websvcs', [['Git', { siteMonitor: 'http://git:3000/' }]]],
    ['Elsewhere', [['Weather', { href: 'https://example.org/' }]]],
  ]);
  assert.deepEqual(make({}, { groups: ['websvc'], services: { 'gti.example.net': {} } }).doubts, [
    'error wrong_option: options.services: there is no entry of the name gti.example.net',
    'error wrong_option: options.groups: there is no group websvc',
  ]);
  assert.match(make({}, { group: [] }).doubts.join(), /there is no option group$/);
});

test('another port of the proxies is in every address', () => {
  assert.deepEqual(groupsOf(homelabWith('ingress: { home: 8444 }'))[1], [
    'websvcs',
    [['Git', { href: 'https://git.example.net:8444/' }]],
  ]);
});

test('no text of the manifest becomes anything but text', () => {
  for (const title of ['no', '- a: b', "it's # that", '"', '__proto__', '{{HOMEPAGE_VAR_X}}']) {
    const web = app(
      'web',
      `title: ${JSON.stringify(title)}`,
      'on: secsvcs',
      'route: { host: web, port: 80 }',
      `page: { group: ${JSON.stringify(title)}, about: ${JSON.stringify(title)} }`,
    );
    const text = title.replace('{{', '{ {');
    const found = groupsOf(web).find(([group]) => group === text);
    assert.deepEqual(found, [text, [[text, { href: 'https://web.example.net/', description: text }]]], title);
    assert.ok(!make(web).text.includes('{{'));
  }
});

test('a home without names has an empty page', () => {
  const none = app('gatus', 'on: secsvcs', 'files: [{ generate: homepage/services, to: /etc/s.yaml }]');
  const nothing = Object.fromEntries(
    ['git', 'waking'].map((name) => [`apps/${name}/app.yaml`, 'on: secsvcs\n']),
  );
  assert.deepEqual(groupsOf({ ...none, ...nothing }), []);
});
