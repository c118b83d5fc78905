import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as v from 'valibot';
import { toBytes } from '../../../schema/jose/digest.ts';
import { parsePayload } from '../../../schema/jose/jws.ts';
import { actionTypeSchema, homeIdSchema, nameSchema } from '../../../schema/wire/ids.ts';
import { type Intent, intentSchema, parseIntent } from '../../../schema/wire/intent.ts';
import { jobSchema } from '../../../schema/wire/job.ts';
import { codeSchema } from '../../../schema/wire/receipt.ts';
import { recordOf } from '../../../schema/wire/record.ts';
import {
  receiptsAnswerSchema,
  receiptsRequestSchema,
  reportRequestSchema,
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
    assert.equal(v.is(jobSchema, job({ intent: 'A'.repeat(87_390) })), false);
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
