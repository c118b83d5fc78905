import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as v from 'valibot';
import type { LinkRequest } from '../../../relay/agent/link.ts';
import { createNotary } from '../../../relay/agent/notary.ts';
import type { LogEntry } from '../../../relay/log.ts';
import { verifyJws } from '../../../schema/jose/jws.ts';
import { ok, refuse } from '../../../schema/result.ts';
import { keyOf } from '../../../schema/trust/evaluate.ts';
import {
  type TimeAttestation,
  timeAttestationSchema,
  timesRequestSchema,
} from '../../../schema/wire/time.ts';
import { makeTestHome, testDigest } from '../../support/relay-home.ts';
import { createTestClock, quietLog } from './fixture.ts';

const startMs = Date.UTC(2026, 10, 22);

async function open(relay = 'pve1') {
  const home = await makeTestHome({ origins: [{ url: 'https://writ.example.net' }] });
  const makeNotary = (isOne: boolean) =>
    home.amend((document) => {
      const { pve1 } = document.identities;
      assert.ok(pve1?.kind === 'relay');
      const { attests: _, ...plain } = pve1;
      const changed = { ...plain, ...(isOne && { attests: ['time'] as ['time'] }) };
      return { ...document, identities: { ...document.identities, pve1: changed } };
    });
  await makeNotary(true);
  const clock = createTestClock(startMs);
  const log: LogEntry[] = [];
  const posted: string[][] = [];
  let fault: 'unreachable' | null = null;
  const state = { seq: 7 as number | null };
  const notary = createNotary({
    home: home.id,
    relay,
    key: home.relays[relay]!.signing,
    trust: { current: () => home.trust() },
    link: {
      async call<S extends v.GenericSchema>(request: LinkRequest<S>) {
        assert.deepEqual([request.method, request.path], ['POST', '/v1/relay/times']);
        posted.push(v.parse(timesRequestSchema, request.body?.()).times);
        return (fault === null ? ok({}) : refuse(fault)) as never;
      },
    },
    clock,
    nextSeq: async () => {
      if (state.seq !== null) state.seq += 1;
      // The disk takes its time.
      clock.advance(40);
      return state.seq;
    },
    log: quietLog(log),
  });
  /** What was posted last, as whoever verifies it reads it. */
  const read = async (): Promise<TimeAttestation[]> => {
    const said = [];
    for (const text of posted.at(-1)!) {
      const verified = await verifyJws('time', text, {
        maxBytes: 1024,
        findKey: keyOf(home.trust(), 'relay', relay),
        schema: timeAttestationSchema,
      });
      assert.ok(verified.ok, JSON.stringify(verified));
      said.push(verified.value.payload);
    }
    return said;
  };
  const breakLink = (): void => {
    fault = 'unreachable';
  };
  return { home, clock, log, posted, notary, read, makeNotary, state, breakLink };
}

const [a, b] = [testDigest('a'), testDigest('b')] as const;

test('a notary attests when it first knew of tokens, by their digests, each with a number of its own', async () => {
  const { home, clock, notary, read, log } = await open();
  await notary.attest([a, b]);
  assert.deepEqual(await read(), [
    { home: home.id, token: a, seen: startMs, seq: 8 },
    // All were there before the first was signed.
    { home: home.id, token: b, seen: startMs, seq: 9 },
  ]);
  clock.advance(60_000);
  await notary.attest([a]);
  assert.deepEqual(await read(), [{ home: home.id, token: a, seen: startMs, seq: 10 }]);
  assert.deepEqual(log, []);
});

test('threat 22: a relay that trust makes no notary attests nothing, and none any more once it is not', async () => {
  const other = await open('pve2');
  await other.notary.attest([a]);
  assert.deepEqual([other.posted, other.log], [[], []]);
  const { notary, posted, makeNotary } = await open();
  await makeNotary(false);
  await notary.attest([a]);
  assert.deepEqual(posted, []);
  await makeNotary(true);
  await notary.attest([a]);
  assert.equal(posted.length, 1);
});

test('threat 12: nothing is attested by a clock that no time source keeps, nor later as of then', async () => {
  const { clock, notary, posted, log, read } = await open();
  clock.setSynchronised(false);
  clock.set(startMs - 3_600_000);
  await notary.attest([a]);
  assert.deepEqual(posted, []);
  assert.deepEqual(
    log.map(({ event, fields }) => [event, fields]),
    [['time_not_attested', { code: 'clock_unsynchronised' }]],
  );
  clock.set(startMs);
  clock.setSynchronised(true);
  await notary.attest([a]);
  assert.equal((await read())[0]!.seen, startMs);
});

test('threat 14: nothing is attested without a number that is kept', async () => {
  const { notary, posted, state, read } = await open();
  state.seq = null;
  await notary.attest([a, b]);
  assert.deepEqual(posted, []);
  state.seq = 20;
  await notary.attest([b]);
  assert.deepEqual(
    (await read()).map(({ token, seen, seq }) => [token, seen, seq]),
    [[b, startMs, 21]],
  );
});

test('what could not be posted is told, and attested with the same time when it is asked for again', async () => {
  const { notary, clock, log, read, breakLink } = await open();
  breakLink();
  await notary.attest([a]);
  assert.deepEqual(
    log.map(({ event, fields }) => [event, fields]),
    [['time_not_attested', { code: 'unreachable' }]],
  );
  clock.advance(400_000);
  await notary.attest([a]);
  assert.equal((await read())[0]!.seen, startMs);
});
