import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  appOf as app,
  codesOf,
  homeWith as home,
  isolatedHome as isolated,
} from '../../../support/container-home.ts';
import { buildTree, type Tree } from '../../../support/repo-fixture.ts';

test('names and addresses that cannot be are told where they stand', async () => {
  const cases: readonly (readonly [string, readonly Tree[], readonly string[]])[] = [
    [
      'the network twice',
      [home(), app('net', { 'home.network': [] })],
      ['error name_twice apps/base/app.yaml'],
    ],
    [
      'one name of two files',
      [home(), app('net', { 'lan.network': ['NetworkName=home'] })],
      ['error name_twice apps/net/lan.network'],
    ],
    [
      'a file twice',
      [isolated(), app('db', []), app('web', [], 'uses: [db]'), app('net', { 'db_web.network': [] })],
      ['error path_twice apps/net/db_web.network', 'error unit_twice apps/net/db_web.network'],
    ],
    [
      'an address',
      [isolated(), app('db', ['IP=10.89.10.7'])],
      ['error address_outside apps/db/db.container', 'error network_address apps/db/db.container'],
    ],
    [
      'an address in a network',
      [isolated(), app('db', ['Network=home.network:ip=10.89.10.7'])],
      ['error network_address apps/db/db.container'],
    ],
    [
      'an address outside',
      [home(), app('db', ['IP=10.89.11.7'])],
      ['error address_outside apps/db/db.container'],
    ],
    [
      'no containers',
      [
        {
          ...home(),
          'homelab.yaml': (home()['homelab.yaml'] as string).replace(/, containers: \{[^}]*\}/, ''),
        },
      ],
      ['error containers_missing apps/base/app.yaml'],
    ],
    [
      'an old Podman',
      [
        {
          ...home(),
          'homelab.yaml': (home()['homelab.yaml'] as string).replace('vmid: 101', 'vmid: 101, podman: "4.9"'),
        },
      ],
      ['error upstream_unchecked apps/base/app.yaml'],
    ],
    [
      'an option',
      [home('', '  podman: { options: { pol: 10.0.0.0/8 } }')],
      ['error wrong_option apps/base/app.yaml'],
    ],
    [
      'no place',
      [{ ...home(), 'apps/base/app.yaml': undefined as never }, app('db', [])],
      ['warning generator_unplaced homelab.yaml'],
    ],
  ];
  for (const [what, trees, expected] of cases) {
    const found = await codesOf(
      ...trees.map((tree) =>
        Object.fromEntries(Object.entries(tree).filter(([, text]) => text !== undefined)),
      ),
    );
    assert.deepEqual(found, expected, what);
  }
});

test('an address that isolation takes the sense from is told at its line', async () => {
  for (const lines of [
    ['Image=x:1', 'IP=10.89.10.7'],
    ['Image=x:1', 'Network=home.network:ip=10.89.10.7'],
  ]) {
    const { findings } = await buildTree({ ...isolated(), ...app('db', lines) });
    const found = findings.filter(({ code }) => code === 'network_address');
    const text = app('db', lines)['apps/db/db.container'] as string;
    assert.deepEqual(
      found.map(({ line }) => text.split('\n')[line - 1]),
      [lines[1]],
    );
  }
});
