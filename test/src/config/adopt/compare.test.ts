import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toBytes } from '../../../../schema/jose/digest.ts';
import { compareRelease } from '../../../../src/config/adopt/compare.ts';
import type { MachineFile } from '../../../../src/config/adopt/found.ts';
import { buildTree, smallHome } from '../../../support/repo-fixture.ts';

test('every difference between what was read and what is built is told', async () => {
  const { release } = await buildTree(smallHome, {
    'apps/two/app.yaml': [
      'on: websvcs',
      'files:',
      '  - { from: a, to: /etc/a, mode: "0600", owner: 472 }',
      '  - { from: b, to: /etc/b }',
      '  - { from: s, to: /etc/s }',
      'dirs: [{ path: /srv/a, owner: 33 }, { path: /srv/b }]',
      'secrets: [x]',
      '',
    ].join('\n'),
    'apps/two/a': 'a\n',
    'apps/two/b': 'b\n',
    'apps/two/s': '~writ:secret:x~\n',
  });
  const compare = (files: readonly Partial<MachineFile>[], folders: readonly Partial<MachineFile>[]) => {
    const whole = (one: Partial<MachineFile>) =>
      ({ bytes: toBytes(''), mode: '0644', owner: 'root:root', ...one }) as MachineFile;
    const notes = compareRelease(release!, 'websvcs', new Set(['two']), files.map(whole), folders.map(whole));
    return notes.map(({ path, message }) => `${path}: ${message}`);
  };
  const a = { path: '/etc/a', bytes: toBytes('a\n'), mode: '0600', owner: '472:472' };
  const b = { path: '/etc/b', bytes: toBytes('b\n') };
  const s = { path: '/etc/s', bytes: toBytes('~writ:secret:x~\n') };
  const folders = [
    { path: '/srv/a', mode: '0755', owner: '33:33' },
    { path: '/srv/b', mode: '0755' },
  ];
  assert.deepEqual(compare([a, b, s], folders), ['/etc/s: the release would fill in secrets']);
  assert.deepEqual(compare([a, { ...b, bytes: toBytes('c\n') }], folders), [
    '/etc/b: the release has other bytes',
    '/etc/s: the release has it, and it was not read',
  ]);
  assert.deepEqual(
    compare(
      [{ ...a, mode: '0640' }, { ...b, owner: '1:1' }, { path: '/etc/c' }],
      [folders[0]!, { path: '/srv/c' }],
    ),
    [
      '/etc/a: the release has 0600 472:472, and it was 0640 472:472',
      '/etc/b: the release has 0644 root:root, and it was 0644 1:1',
      '/etc/c: the release does not have it',
      '/etc/s: the release has it, and it was not read',
      '/srv/c: the release does not have the folder as it was',
      '/srv/b: the release has the folder, and it was not read',
    ],
  );
});
