import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as v from 'valibot';
import { heartbeatSchema } from '../../../schema/wire/heartbeat.ts';
import { authorisationSchema, intentSchema } from '../../../schema/wire/intent.ts';
import { jobSchema } from '../../../schema/wire/job.ts';
import { proofSchema } from '../../../schema/wire/proof.ts';
import { isFinal, receiptSchema, receiptStates } from '../../../schema/wire/receipt.ts';
import {
  enrolmentStatementSchema,
  enrolRequestSchema,
  pollAnswerSchema,
  pollRequestSchema,
  trustChainSchema,
  trustJwsSchema,
} from '../../../schema/wire/relay-api.ts';
import { reportSchema } from '../../../schema/wire/report.ts';
import { timeAttestationSchema, timesRequestSchema } from '../../../schema/wire/time.ts';
import { scopeSchema, tokenAudience, tokenSchema } from '../../../schema/wire/token.ts';

const home = 'h_01JDZ0000000000000000000HM';
const digest = `sha256:${'0'.repeat(64)}`;
const nonce = 'A'.repeat(22);
const mac = 'A'.repeat(43);
const time = 1_763_800_000_000;
const jwk = { kty: 'OKP', crv: 'Ed25519', x: mac };
const facts = {
  hostname: 'pve1',
  macs: ['02:00:00:00:00:01'],
  guests: [{ vmid: 100, kind: 'lxc', name: 'router', identity: 'local-lvm:vm-100-disk-0' }],
};
const step = { relay: 'pve2', action: 'guest.start', target: 'gaming', params: {}, after: [] };

/** One good example of every shape that crosses the wire. */
const shapes: Readonly<Record<string, readonly [v.GenericSchema, object]>> = {
  intent: [intentSchema, { home, steps: [step], nonce, issued_at: time, expires: time + 1 }],
  authorisation: [authorisationSchema, { home, kind: 'intent', digest }],
  job: [
    jobSchema,
    {
      home,
      relay: 'pve2',
      session: nonce,
      seq: 1,
      exp: time,
      intent: 'AA',
      authorisation: 'a.b.c',
      step: 63,
      receipts: [],
    },
  ],
  receipt: [
    receiptSchema,
    {
      home,
      relay: 'pve2',
      seq: 1,
      previous: digest,
      intent: digest,
      step: 0,
      action: 'guest.start',
      target: 'gaming',
      state: 'succeeded',
      code: null,
      result: { already: false },
      time,
      boot: 'b',
    },
  ],
  heartbeat: [
    heartbeatSchema,
    { home, relay: 'pve2', session: nonce, poll: 1, time, trust_version: 1, audit: { seq: 0, hash: digest } },
  ],
  time: [timeAttestationSchema, { home, token: digest, seen: time, seq: 0 }],
  times: [timesRequestSchema, { times: ['a.b.c'] }],
  proof: [proofSchema, { home, method: 'POST', url: '/v1/relay/poll?x=1', body: digest, time, nonce }],
  report: [
    reportSchema,
    {
      home,
      relay: 'pve2',
      seq: 1,
      time,
      boot: 'b',
      uptime_ms: 5,
      version: '0.1.0',
      protocol: 1,
      trust_version: 1,
      clock_synchronised: true,
      proxmox: 'ok',
      progress: [{ intent: digest, step: 0, phase: 'acting' }],
      guests: { gaming: { state: 'running', lock: null, agent: 'answers', in_use: true } },
      refused: { count: 0, code: null },
    },
  ],
  'poll request': [
    pollRequestSchema,
    {
      protocol: 1,
      session: nonce,
      poll: 1,
      seen: 0,
      trust_version: 1,
      receipts: { seq: 0, hash: digest },
      wait_ms: 0,
    },
  ],
  'poll answer': [
    pollAnswerSchema,
    {
      heartbeat: 'a.b.c',
      jobs: ['a.b.c'],
      evidence: [],
      trust_version: 1,
      report_wanted: false,
      receipts_seq: 0,
      last_receipt: null,
    },
  ],
  'trust signature': [trustJwsSchema, { payload: 'AA', signatures: [{ protected: 'AA', signature: 'AA' }] }],
  'trust chain': [trustChainSchema, { versions: [] }],
  'enrolment statement': [
    enrolmentStatementSchema,
    { home, relay: 'pve1', code: 'enr_01JDZ0000000000000000000CD', trust: digest, jwk, facts },
  ],
  'enrolment request': [enrolRequestSchema, { statement: 'AA', controller_mac: mac, owner_mac: mac }],
  token: [
    tokenSchema,
    {
      iss: home,
      aud: 'writ:x:api',
      sub: 'phone',
      jti: 'tok_01JDZ0000000000000000000TK',
      iat: 1,
      exp: 2,
      scope: ['status'],
    },
  ],
};

for (const [name, [schema, good]] of Object.entries(shapes)) {
  describe(`shape: ${name}`, () => {
    test('takes a good example', () => {
      const parsed = v.safeParse(schema, good);
      assert.ok(parsed.success, JSON.stringify(parsed.issues?.map(({ message }) => message)));
      assert.deepEqual(parsed.output, good);
    });

    test('threat 18: needs every member, and refuses one that it does not know', () => {
      for (const member of Object.keys(good)) {
        assert.equal(v.is(schema, { ...good, [member]: undefined }), false, `without ${member}`);
      }
      for (const member of ['more', 'toString', 'constructor', '', '0']) {
        assert.equal(v.is(schema, { ...good, [member]: 1 }), false, `with ${member}`);
      }
    });

    test('threat 18: refuses a member of another type', () => {
      for (const [member, value] of Object.entries(good)) {
        const others = [
          '',
          'odd one',
          -1,
          0.5,
          Number.MAX_VALUE,
          Number.NaN,
          true,
          {},
          [],
          [[]],
          null,
          { a: { b: 1 } },
        ];
        // What says nothing about the type is left out: null where null is a value, {} where {} is.
        const isSame = (other: unknown): boolean =>
          typeof other === typeof value && Array.isArray(other) === Array.isArray(value);
        for (const other of others) {
          if (isSame(other) || (value === null && typeof other === 'string') || other === null) continue;
          assert.equal(
            v.is(schema, { ...good, [member]: other }),
            false,
            `${member}: ${JSON.stringify(other)}`,
          );
        }
      }
    });
  });
}

describe('receipts, tokens and polls', () => {
  test('started alone is not the end', () => {
    assert.deepEqual(
      receiptStates.filter((state) => !isFinal(state)),
      ['started'],
    );
  });

  test('threat 32: a receipt carries codes and numbers, nothing nested', () => {
    const [, good] = shapes.receipt!;
    for (const result of [{ list: [] }, { nested: {} }, [], 'text', { constructor: 1 }]) {
      assert.equal(v.is(receiptSchema, { ...good, result }), false, JSON.stringify(result));
    }
    for (const code of ['', 'Guest Locked', 'guest-locked', '1abc', 'x'.repeat(62)]) {
      assert.equal(v.is(receiptSchema, { ...good, code }), false, code);
    }
    for (const [member, value] of [
      ['seq', 0],
      ['step', 64],
      ['state', 'done'],
      ['boot', 'x'.repeat(65)],
    ] as const) {
      assert.equal(v.is(receiptSchema, { ...good, [member]: value }), false, member);
    }
  });

  test('threat 22: a scope names one action on one target, one runbook, or reading', () => {
    for (const scope of [
      'status',
      'run@start-gaming',
      'guest.start@gaming',
      'guest.shutdown-in-use@gaming',
    ]) {
      assert.ok(v.is(scopeSchema, scope), scope);
    }
    for (const scope of [
      ...[
        '',
        '*',
        'guest.start',
        'guest.start@',
        '@gaming',
        'guest.start@*',
        'guest.*@gaming',
        '*@*',
        'run@',
        'run@*',
      ],
      ...[
        'run',
        'status@pve1',
        'Status',
        'status ',
        ' status',
        'status\n',
        'guest.start@gaming,devtop',
        'guest.start@a@b',
      ],
      ...['guest.start@Gaming', 'guest.start@gaming guest.stop@gaming', 'run@start gaming', 'admin'],
    ]) {
      assert.equal(v.is(scopeSchema, scope), false, scope);
    }
  });

  test('attestations of time come by eight at most, each short', () => {
    for (const [count, length, isTaken] of [
      [0, 1, false],
      [1, 1024, true],
      [8, 1, true],
      [9, 1, false],
      [1, 1025, false],
    ] as const) {
      const times = Array(count).fill('x'.repeat(length));
      assert.equal(v.is(timesRequestSchema, { times }), isTaken, `${count} of ${length}`);
    }
    const [, good] = shapes.time!;
    for (const changes of [{ seen: -1 }, { seen: 0.5 }, { seq: -1 }, { token: 'x' }, { home: 'x' }]) {
      assert.equal(v.is(timeAttestationSchema, { ...good, ...changes }), false, JSON.stringify(changes));
    }
  });

  test('threat 22: the audience is one text, of this home', () => {
    assert.equal(tokenAudience(home), `writ:${home}:api`);
    const [, good] = shapes.token!;
    for (const aud of [[`writ:${home}:api`], [], null, { 0: 'x' }]) {
      assert.equal(v.is(tokenSchema, { ...good, aud }), false);
    }
    assert.equal(v.is(tokenSchema, { ...good, exp: 1.5 }), false);
    assert.equal(v.is(tokenSchema, { ...good, scope: [] }), false);
    assert.equal(v.is(tokenSchema, { ...good, scope: Array(101).fill('status') }), false);
  });

  test('threat 7: what a poll may bring is bounded', () => {
    const entries = Object.keys(pollAnswerSchema.entries);
    assert.ok(entries.includes('heartbeat') && entries.includes('jobs'));
    const tooMany = { jobs: Array(17).fill('a') };
    const issues = v.safeParse(pollAnswerSchema, tooMany).issues ?? [];
    assert.ok(issues.some((issue) => v.getDotPath(issue) === 'jobs' && issue.type === 'max_length'));
    const [, poll] = shapes['poll request']!;
    assert.equal(v.is(pollRequestSchema, { ...poll, wait_ms: 60_001 }), false);
    assert.equal(v.is(pollRequestSchema, { ...poll, poll: 0 }), false);
    const many = { payload: 'AA', signatures: Array(17).fill({ protected: 'AA', signature: 'AA' }) };
    assert.equal(v.is(trustJwsSchema, many), false);
    assert.equal(v.is(trustJwsSchema, { payload: 'AA', signatures: [] }), false);
  });
});
