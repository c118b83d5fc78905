import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { maxWitnessBytes, witnessSchema } from '../../../schema/chain/witness.ts';
import { verifyJws } from '../../../schema/jose/jws.ts';
import { keyOf } from '../../../schema/trust/evaluate.ts';
import { openBench, type RelayBench } from '../../support/relay-bench.ts';
import { testDigest } from '../../support/relay-home.ts';

let bench: RelayBench;
beforeEach(async () => {
  bench = await openBench();
});
afterEach(() => bench.close());

test('threat 13: a running relay posts the head that its heartbeats told, by its alarm path, signed', async () => {
  bench.api.audit = { seq: 41, hash: testDigest('c') };
  const relay = await bench.start();
  await relay.until('connected');
  // The first look is a minute after the start, if nothing was heard by then.
  bench.time.speed = 2_000;
  const { body } = await bench.inbox.until(({ path, headers }) => {
    return path === 'POST /topic' && headers.priority === 'min';
  });
  const verified = await verifyJws('witness', body, {
    maxBytes: maxWitnessBytes,
    findKey: keyOf(bench.home.trust(), 'relay', 'pve2'),
    schema: witnessSchema,
  });
  assert.ok(verified.ok, body);
  assert.partialDeepStrictEqual(verified.value.payload, { relay: 'pve2', seq: 41, hash: testDigest('c') });
  await relay.until('witnessed');
  await relay.stop();
  const again = await bench.start({}, relay.stateDir);
  await again.until('connected');
  assert.equal(bench.inbox.messages.filter(({ headers }) => headers.priority === 'min').length, 1);
});
