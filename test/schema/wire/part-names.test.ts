import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toBytes } from '../../../schema/jose/digest.ts';
import { namesOfPart } from '../../../schema/wire/part-names.ts';

const digest = (letter: string): string => `sha256:${letter.repeat(64)}`;
const part = (change: object = {}) => ({
  target: 'websvcs',
  relay: 'pve2',
  files: [
    { path: '/etc/opt/a', digest: digest('a') },
    { path: '/etc/opt/b', digest: digest('a') },
  ],
  apps: [
    {
      name: 'web',
      secrets: [{ name: 'one', digest: digest('b') }, { name: 'derived' }],
      apt: [{ name: 'debian', key: digest('c') }],
    },
    { name: 'other', secrets: [], apt: [], later: 'what a newer version adds' },
  ],
  ...change,
});
const read = (value: unknown) => namesOfPart(toBytes(JSON.stringify(value)));

test('a part names its files, age files and keys of packages, each once', () => {
  const names = read(part());
  assert.ok(names.ok);
  assert.deepEqual(names.value, {
    target: 'websvcs',
    relay: 'pve2',
    digests: [digest('a'), digest('b'), digest('c')],
  });
  const device = read(part({ relay: undefined }));
  assert.ok(device.ok && device.value.relay === undefined);
});

test('what does not tell what it names is no part', () => {
  const bad: readonly unknown[] = [
    null,
    [],
    part({ target: undefined }),
    part({ files: undefined }),
    part({ files: [{ path: '/etc/opt/a' }] }),
    part({ files: [{ digest: 'sha256:short' }] }),
    part({ apps: [{ name: 'web', secrets: [] }] }),
    part({ apps: [{ secrets: [{ digest: 1 }], apt: [] }] }),
    part({ apps: [{ secrets: [], apt: [{}] }] }),
  ];
  for (const one of bad) {
    const names = read(one);
    assert.equal(!names.ok && names.reason, 'part_malformed', JSON.stringify(one));
  }
  assert.equal(namesOfPart(toBytes('{"files":[],"files":[]}')).ok, false);
});
