import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lldap } from '../../../../src/config/generate/lldap.ts';
import { generateFor, homeOf } from '../../../support/compiled-home.ts';

function made(people: string, options: object = {}) {
  const { home, findings } = homeOf({
    'homelab.yaml': `v: 1\nhosts: { pve1: {} }\naccess: { guests: { groups: guests } }\npeople:\n${people}`,
    'apps/lldap/app.yaml': 'on: pve1\nservice: lldap.service\n',
  });
  assert.deepEqual(findings, []);
  const place = { app: 'lldap', target: 'pve1' };
  const { made: folder, doubts } = generateFor(lldap, 'bootstrap', home, place, { ...options });
  assert.equal(folder.kind, 'folder');
  const files = folder.kind === 'folder' ? folder.files : {};
  const read = Object.fromEntries(Object.entries(files).map(([path, text]) => [path, JSON.parse(text)]));
  return {
    files,
    read,
    told: doubts.map(({ severity, code, message }) => `${severity} ${code}: ${message}`),
  };
}

const anna = '  anna: { title: Anna, email: anna@example.net, groups: [family, admins, family] }\n';

test('a file for each person and each group that people are in or an access names', () => {
  const { read, told } = made(`${anna}  ben: { email: ben@example.net }\n`);
  assert.deepEqual(told, []);
  assert.deepEqual(read, {
    'group-configs/admins.json': { name: 'admins' },
    'group-configs/family.json': { name: 'family' },
    'group-configs/guests.json': { name: 'guests' },
    'user-configs/anna.json': {
      id: 'anna',
      email: 'anna@example.net',
      displayName: 'Anna',
      groups: ['admins', 'family'],
    },
    'user-configs/ben.json': { id: 'ben', email: 'ben@example.net', displayName: 'ben', groups: [] },
  });
});

test('titles are texts of JSON, whatever they hold', () => {
  for (const title of ['"quoted" $HOME', "it's `so`", '{{ yes }}', 'a\\b']) {
    const { read } = made(`  anna: { title: ${JSON.stringify(title)}, email: a@example.net }\n`);
    assert.equal(read['user-configs/anna.json'].displayName, title);
  }
});

test('more of people and groups is merged over', () => {
  const { read, told } = made(anna, {
    people: { anna: { firstName: 'Anna', avatar_url: 'https://example.net/anna.jpg', groups: null } },
    groups: { family: { mailbox: 'all@example.net' }, lights: {} },
  });
  assert.deepEqual(told, []);
  assert.equal(read['user-configs/anna.json'].firstName, 'Anna');
  assert.equal(read['user-configs/anna.json'].groups, undefined);
  assert.deepEqual(read['group-configs/family.json'], { name: 'family', mailbox: 'all@example.net' });
  assert.deepEqual(read['group-configs/lights.json'], { name: 'lights' });
});

test('no password in clear, and nobody whom homelab.yaml does not name', () => {
  assert.match(
    made(anna, { people: { anna: { password: 'x' } } }).told.join(),
    /^error wrong_option: .*password in clear/,
  );
  assert.deepEqual(made(anna, { people: { carl: { firstName: 'Carl' } } }).told, [
    'error wrong_option: options.people names carl, who is none of the people',
  ]);
  assert.deepEqual(made(anna, { users: {} }).told, ['error wrong_option: there is no option users']);
});
