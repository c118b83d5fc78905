import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lackingFor } from '../../../schema/change/part-needs.ts';
import { certOf } from '../../support/leaf-scene.ts';
import { makePart } from '../../support/test-part.ts';

test('databases and clients of the sign-in are in files of the release, and ask for nothing more', async () => {
  const databases = [{ database: 'x', role: 'x', password: 'x', for: 'a@b' }];
  const clients = [{ client: 'x', secret: 'x', hash: 'x', redirect: [], for: 'a@b' }];
  const { part } = await makePart({ app: { databases, clients } });
  assert.deepEqual(lackingFor(part, true), []);
});

test('packages and users are looked for where they have to be, and ask for nothing more', async () => {
  const packages = [{ name: 'chrony' }];
  const users = [{ name: 'x', groups: [], shell: '/bin/sh' }];
  const { part } = await makePart({ app: { packages, users } });
  assert.deepEqual([lackingFor(part, true), lackingFor(part, false)], [[], []]);
});

test('certificates can be had by virtual machines, and not yet by hosts and containers', async () => {
  const { part } = await makePart({ app: { certs: [certOf()] } });
  assert.deepEqual(lackingFor(part, true), []);
  assert.deepEqual(lackingFor(part, false), ['certificates']);
});
