import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as v from 'valibot';
import { artifactSchema, buildSchema, packageSchema, userSchema } from '../../../schema/manifest/native.ts';
import {
  placeSchema,
  readVolumePlace,
  relativePathSchema,
  titleSchema,
} from '../../../schema/manifest/values.ts';

test('a title is one line, whatever stands in it', () => {
  for (const good of ['x', 'The “wiki”: $x {{ y }} #', 'ä'.repeat(100)])
    assert.ok(v.is(titleSchema, good), good);
  for (const bad of ['', 'a\nb', 'a\rb', 'a\0', 'a\u0085b', 'x'.repeat(101)])
    assert.ok(!v.is(titleSchema, bad), JSON.stringify(bad));
});

test('a place is a path of the machine, or one in a volume', () => {
  assert.deepEqual(readVolumePlace('volume:data/a/b'), { volume: 'data', path: '/a/b' });
  assert.deepEqual(readVolumePlace('volume:data/'), { volume: 'data', path: '/' });
  assert.deepEqual(readVolumePlace('volume:my-data_2.x@1/a/'), { volume: 'my-data_2.x@1', path: '/a/' });
  for (const good of ['/a', '/a/b/', 'volume:data/', 'volume:data/a b/c'])
    assert.ok(v.is(placeSchema, good), good);
  for (const bad of [
    '',
    '/',
    'a',
    '/a//b',
    '/a/../b',
    '/a\nb',
    'volume:data',
    'volume:/a',
    'volume:data/..',
    'volume:data/a/../b',
    'volume:data//a',
    'volume:da ta/a',
    'volume:data/a\0',
    'volume:../a',
    'Volume:data/a',
  ])
    assert.ok(!v.is(placeSchema, bad), bad);
  for (const good of ['a', 'a/b.c', '.hidden']) assert.ok(v.is(relativePathSchema, good), good);
  for (const bad of ['', '/a', 'a/', '../a', 'a/./b', 'a//b']) assert.ok(!v.is(relativePathSchema, bad), bad);
});

test('what is fetched comes by https from a name, without a user', () => {
  const artifact = (url: string): object => ({ url, sha256: 'a'.repeat(64), to: '/opt/x' });
  for (const good of ['https://example.com', 'https://example.com:8443/a/b?c=d#e', 'https://10.0.0.1/x'])
    assert.ok(v.is(artifactSchema, artifact(good)), good);
  for (const bad of [
    'http://example.com/x',
    'https://me@example.com/x',
    'https://me:pw@example.com/x',
    'https://example.com@evil.example/x',
    'https:///x',
    'https://example.com/a b',
    "https://example.com/'x",
    'https://example.com\\x',
    'ftp://example.com',
    'file:///etc/passwd',
    '//example.com/x',
  ])
    assert.ok(!v.is(artifactSchema, artifact(bad)), bad);
});

test('packages, users and builds take no words of a shell, and no root', () => {
  for (const good of ['haproxy', 'libstdc++6', 'g++', { name: 'jq', version: '1:1.7.1-3+b1' }])
    assert.ok(v.is(packageSchema, good), JSON.stringify(good));
  for (const bad of [
    '-y',
    'a b',
    'a;b',
    'A',
    '',
    'a=1',
    { name: 'jq', version: '*' },
    { name: 'jq', version: '1 2' },
  ])
    assert.ok(!v.is(packageSchema, bad), JSON.stringify(bad));
  for (const bad of [
    { name: 'Root' },
    { name: 'a:b' },
    { name: 'a', uid: 0 },
    { name: 'a', gid: 0 },
    { name: 'a', shell: 'sh' },
  ])
    assert.ok(!v.is(userSchema, bad), JSON.stringify(bad));
  const build = { source: 'https://example.com/x.tar', sha256: 'a'.repeat(64) };
  assert.ok(v.is(buildSchema, { ...build, args: { A: 'x y' }, image: 'localhost/a/b-c:1.0_x' }));
  for (const bad of [
    { image: 'docker.io/a:1' },
    { image: 'localhost/a' },
    { args: { A: 'x\ny' } },
    { args: { 'A B': 'x' } },
    { file: '../Containerfile' },
    { file: 'a b' },
    { stage: 'a b' },
    { sha256: 'A'.repeat(64) },
    { strip: -1 },
  ])
    assert.ok(!v.is(buildSchema, { ...build, ...bad }), JSON.stringify(bad));
});
