import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lackingFor } from '../../../schema/change/part-needs.ts';
import { certOf } from '../../support/leaf-scene.ts';
import { makePart } from '../../support/test-part.ts';

test('certificates can be had by virtual machines, and not yet by hosts and containers', async () => {
  const { part } = await makePart({ app: { certs: [certOf()] } });
  assert.deepEqual(lackingFor(part, true), []);
  assert.deepEqual(lackingFor(part, false), ['certificates']);
});
