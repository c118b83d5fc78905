import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as v from 'valibot';
import { toBytes } from '../../../schema/jose/digest.ts';
import { parsePayload } from '../../../schema/jose/jws.ts';
import {
  actionTypeSchema,
  commandActionType,
  deploymentIdSchema,
  homeIdSchema,
  nameSchema,
  targetNameSchema,
  ulidOf,
} from '../../../schema/wire/ids.ts';
import { type Intent, intentSchema, parseIntent } from '../../../schema/wire/intent.ts';
import { jobSchema } from '../../../schema/wire/job.ts';
import { codeSchema, receiptSchema } from '../../../schema/wire/receipt.ts';
import { recordOf } from '../../../schema/wire/record.ts';
import {
  enrolRequestSchema,
  pollAnswerSchema,
  receiptsAnswerSchema,
  receiptsRequestSchema,
  reportRequestSchema,
  trustChainSchema,
  trustJwsSchema,
} from '../../../schema/wire/relay-api.ts';
import {
  guestReportSchema,
  hostFactsSchema,
  progressSchema,
  reportSchema,
} from '../../../schema/wire/report.ts';

const home = 'h_01JDZ0000000000000000000HM';
const digest = `sha256:${'0'.repeat(64)}`;
const nonce = 'A'.repeat(22);

const step = { relay: 'pve2', action: 'guest.start', target: 'gaming', params: {}, after: [] };
const intent: Intent = { home, steps: [step], nonce, issued_at: 1, expires: 2 };

/** What is told of a value that is not of its shape. */
const told = (schema: v.GenericSchema, value: unknown): string | undefined => {
  const parsed = parsePayload(JSON.stringify({ it: value }), v.strictObject({ it: schema }), 1_000_000);
  return parsed.ok ? 'taken' : parsed.detail;
};

describe('names and ids', () => {
  test('names that only begin like one that every object has are names', () => {
    for (const name of ['constructors', 'prototype-2', 'a', 'a'.repeat(31)]) {
      assert.equal(told(nameSchema, name), 'taken', name);
    }
    const why =
      'it: must be 1 to 31 of a-z, 0-9 and -, starting with a letter, and not constructor or prototype';
    for (const name of ['constructor', 'prototype', '', '1a', 'A', 'a'.repeat(32), 'a b', ' a', 'a\n']) {
      assert.equal(told(nameSchema, name), why, name);
    }
  });

  test('what is no id or action says so', () => {
    assert.equal(told(homeIdSchema, 'home'), 'it: must be h_ and 26 characters');
    assert.equal(told(deploymentIdSchema, 'home'), 'it: must be dep_ and 26 characters');
    assert.equal(
      told(targetNameSchema, 'websvcs/wiki'),
      'it: must be a name such as websvcs, or three with slashes between them such as websvcs/wiki/reindex',
    );
    assert.equal(told(actionTypeSchema, commandActionType), 'taken');
    const action = (length: number): string => `${'a'.repeat(length - 30)}.${'b'.repeat(29)}`;
    assert.ok(v.is(actionTypeSchema, action(60)));
    assert.equal(v.is(actionTypeSchema, action(61)), false);
    assert.equal(told(actionTypeSchema, 'start'), 'it: must be such as guest.start');
  });

  test('codes are two to 61 characters', () => {
    for (const code of ['ab', 'guest_locked', 'a1', `a${'_'.repeat(60)}`]) {
      assert.ok(v.is(codeSchema, code), code);
    }
    for (const code of ['a', '1a', '_a', 'A1', 'aB', `a${'_'.repeat(61)}`, 'a-b', 'xa b']) {
      assert.equal(v.is(codeSchema, code), false, code);
    }
  });

  test('a record is an object', () => {
    const schema = recordOf(v.string(), v.number());
    const { issues } = v.safeParse(schema, [1]);
    assert.equal(issues?.[0].message, 'Invalid type: Expected Object but received Array');
    assert.equal(told(schema, [1]), 'it: expected Object');
    assert.equal(told(schema, { a: 1 }), 'taken');
  });
});

describe('intents', () => {
  const parse = (changes: Partial<Intent>) => parseIntent(toBytes(JSON.stringify({ ...intent, ...changes })));
  const after = (number: number, condition: 'succeeded' | 'ended' = 'succeeded') => ({
    ...step,
    after: [{ step: number, if: condition }],
  });

  test('threat 9: a step comes after earlier ones, once each, ended or succeeded', () => {
    for (const condition of ['succeeded', 'ended'] as const) {
      const steps = [step, after(0, condition)];
      assert.deepEqual(parse({ steps }), { ok: true, value: { ...intent, steps } });
    }
    const why = (index: number) => ({
      ok: false,
      reason: 'intent_malformed',
      detail: `step ${index} comes after a step that is not before it, or twice`,
    });
    assert.deepEqual(parse({ steps: [after(0)] }), why(0));
    assert.deepEqual(parse({ steps: [step, after(1)] }), why(1));
    assert.deepEqual(parse({ steps: [step, after(2), step] }), why(1));
    const twice = { ...step, after: [...after(0).after, ...after(0, 'ended').after] };
    assert.deepEqual(parse({ steps: [step, twice] }), why(1));
    for (const index of [-1, 64, 65]) {
      assert.equal(v.is(intentSchema, { ...intent, steps: [after(index)] }), false, String(index));
    }
    assert.ok(v.is(intentSchema, { ...intent, steps: [after(63)] }));
  });
});

describe('jobs', () => {
  const job = (changes: object) => ({
    home,
    relay: 'pve2',
    session: nonce,
    seq: 1,
    exp: 1,
    intent: 'AA',
    authorisation: 'a.b.c',
    step: 0,
    receipts: [],
    ...changes,
  });

  test('threat 7: a job holds the largest intent and no larger one, and a step that an intent can have', () => {
    // 65,536 bytes are 87,382 characters of base64url.
    assert.ok(v.is(jobSchema, job({ intent: 'A'.repeat(87_382) })));
    assert.equal(v.is(jobSchema, job({ intent: 'A'.repeat(87_387) })), false);
    assert.ok(v.is(jobSchema, job({ kind: 'release' })));
    for (const kind of ['', 'intent']) assert.equal(v.is(jobSchema, job({ kind })), false);
    assert.ok(v.is(jobSchema, job({ step: 63 })));
    for (const index of [64, 65, -1]) assert.equal(v.is(jobSchema, job({ step: index })), false);
  });
});

describe('what relays say', () => {
  test('receipts and reports come in requests of their own', () => {
    assert.ok(v.is(receiptsRequestSchema, { receipts: ['a.b.c'] }));
    assert.ok(v.is(reportRequestSchema, { report: 'a.b.c' }));
    assert.ok(v.is(receiptsAnswerSchema, { receipts_seq: 7 }));
    for (const [schema, value] of [
      [receiptsRequestSchema, {}],
      [receiptsRequestSchema, { receipts: [] }],
      [receiptsRequestSchema, { receipts: Array(33).fill('a.b.c') }],
      [receiptsRequestSchema, { receipts: ['a'.repeat(8193)] }],
      [reportRequestSchema, {}],
      [reportRequestSchema, { report: 'a'.repeat(131_073) }],
      [receiptsAnswerSchema, {}],
      [receiptsAnswerSchema, { receipts_seq: -1 }],
    ] as const) {
      assert.equal(v.is(schema, value), false, JSON.stringify(value).slice(0, 80));
    }
  });

  test('every word of a report is taken, and no other', () => {
    const guest = { state: 'running', lock: null, agent: 'answers', in_use: null };
    const states = ['running', 'stopped', 'paused', 'missing', 'mismatch', 'unseen'];
    for (const state of states) assert.ok(v.is(guestReportSchema, { ...guest, state }), state);
    for (const agent of ['answers', 'silent', 'none']) {
      assert.ok(v.is(guestReportSchema, { ...guest, agent }), agent);
    }
    const progress = { intent: digest, step: 0 };
    for (const phase of ['acting', 'waiting', 'powering_off']) {
      assert.ok(v.is(progressSchema, { ...progress, phase }), phase);
    }
    for (const word of ['', 'other', null, 1]) {
      assert.equal(v.is(guestReportSchema, { ...guest, state: word }), false);
      assert.equal(v.is(guestReportSchema, { ...guest, agent: word }), false);
      assert.equal(v.is(progressSchema, { ...progress, phase: word }), false);
    }
    const { proxmox } = reportSchema.entries;
    for (const word of ['ok', 'none', 'proxmox_unreachable']) assert.ok(v.is(proxmox, word), word);
    for (const word of ['', 'Unreachable', 'a']) assert.equal(v.is(proxmox, word), false, word);
    assert.deepEqual(
      proxmox.options.slice(0, 2).map((option) => 'literal' in option && option.literal),
      ['ok', 'none'],
    );
  });

  test('what a host says of itself has one form', () => {
    const guest = { vmid: 100, kind: 'qemu', name: 'gaming', identity: 'x' };
    const facts = { hostname: 'pve1', macs: ['02:00:00:00:00:01'], guests: [guest] };
    assert.ok(v.is(hostFactsSchema, facts));
    assert.ok(v.is(hostFactsSchema, { ...facts, guests: [{ ...guest, kind: 'lxc' }] }));
    for (const mac of ['x02:00:00:00:00:01', '02:00:00:00:00:01:02', '02:00:00:00:00', '02-00-00-00-00-01']) {
      assert.equal(v.is(hostFactsSchema, { ...facts, macs: [mac] }), false, mac);
    }
    for (const kind of ['', 'vm']) {
      assert.equal(v.is(hostFactsSchema, { ...facts, guests: [{ ...guest, kind }] }), false, kind);
    }
  });
});

/** A list or text of a length, for each member that is bounded, with the shape that bounds it. */
const bounds: readonly (readonly [string, number, v.GenericSchema, (length: number) => unknown])[] = [
  ['lock of a guest', 32, guestReportSchema.entries.lock, text],
  ['boot id of a report', 64, reportSchema.entries.boot, text],
  ['version of a relay', 40, reportSchema.entries.version, text],
  [
    'steps at work',
    64,
    reportSchema.entries.progress,
    (length) => Array(length).fill({ intent: digest, step: 0, phase: 'acting' }),
  ],
  ['host name', 64, hostFactsSchema.entries.hostname, text],
  ['MACs of a host', 32, hostFactsSchema.entries.macs, (length) => Array(length).fill('02:00:00:00:00:01')],
  ['guests of a host', 256, hostFactsSchema.entries.guests, (length) => Array(length).fill(guestFacts({}))],
  ['name of a guest', 64, hostFactsSchema.entries.guests, (length) => [guestFacts({ name: text(length) })]],
  [
    'identity of a guest',
    128,
    hostFactsSchema.entries.guests,
    (length) => [guestFacts({ identity: text(length) })],
  ],
  ['jobs of a poll', 16, pollAnswerSchema.entries.jobs, (length) => Array(length).fill('a.b.c')],
  ['evidence of a poll', 16, pollAnswerSchema.entries.evidence, (length) => Array(length).fill('a.b.c')],
  ['receipts in a request', 32, receiptsRequestSchema.entries.receipts, (length) => Array(length).fill('a')],
  ['header of a trust signature', 512, trustJwsSchema, (length) => signed({ protected: text(length) })],
  ['trust signature', 128, trustJwsSchema, (length) => signed({ signature: text(length) })],
  [
    'signatures of a trust document',
    16,
    trustJwsSchema,
    (length) => ({ ...signed({}), signatures: Array(length).fill({ protected: '', signature: '' }) }),
  ],
  ['versions in a chain', 1000, trustChainSchema, (length) => ({ versions: Array(length).fill(signed({})) })],
  ['statement of an enrolment', 65_536, enrolRequestSchema.entries.statement, text],
  ['boot id of a receipt', 64, receiptSchema.entries.boot, text],
];

function text(length: number): string {
  return 'a'.repeat(length);
}

function guestFacts(changes: object): object {
  return { vmid: 100, kind: 'qemu', name: 'gaming', identity: 'x', ...changes };
}

function signed(changes: object): object {
  return { payload: '', signatures: [{ protected: '', signature: '', ...changes }] };
}

test('threat 7: each list and text has its largest length, and not one more', () => {
  for (const [name, largest, schema, make] of bounds) {
    assert.equal(v.is(schema, make(largest)), true, `${name}: ${largest}`);
    assert.equal(v.is(schema, make(largest + 1)), false, `${name}: ${largest + 1}`);
  }
});

test('a receipt is of a step that an intent can have, and of a guest from number 100 on', () => {
  for (const [index, fits] of [
    [0, true],
    [63, true],
    [64, false],
  ] as const) {
    assert.equal(v.is(receiptSchema.entries.step, index), fits, String(index));
  }
  assert.ok(v.is(hostFactsSchema.entries.guests, [guestFacts({ vmid: 100 })]));
  assert.equal(v.is(hostFactsSchema.entries.guests, [guestFacts({ vmid: 99 })]), false);
});

test('an id is made of a time and of ten random bytes, whatever more is given', () => {
  const random = Uint8Array.from({ length: 12 }, (_, i) => i + 1);
  assert.equal(ulidOf(1_760_000_000_000, random), ulidOf(1_760_000_000_000, random.subarray(0, 10)));
});
