import assert from 'node:assert/strict';
import { createECDH, generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import * as v from 'valibot';
import {
  authorityKeySchema,
  certificateReportSchema,
  driftSchema,
  targetReportSchema,
} from '../../../schema/wire/report.ts';

const drift = { kind: 'file', name: '/etc/opt/web/web.ini', is: 'changed' };
const certificate = { app: 'db', name: 'tls', expires: 1 };
const report = { part: null, seen: 'ok', seen_at: 0, drifted: 0, drift: [] as object[] };

test('every word of what differs is taken, and no other', () => {
  for (const kind of ['file', 'unit']) assert.ok(v.is(driftSchema, { ...drift, kind }), kind);
  for (const is of ['missing', 'changed', 'mode', 'owner', 'stopped', 'failed'])
    assert.ok(v.is(driftSchema, { ...drift, is }), is);
  assert.ok(v.is(driftSchema, { ...drift, name: 'a'.repeat(255) }));
  const bad = [{ kind: '' }, { is: '' }, { kind: 'gone' }, { name: 'a'.repeat(256) }, { more: 1 }];
  for (const one of bad) assert.equal(v.is(driftSchema, { ...drift, ...one }), false, JSON.stringify(one));
});

test('a target is told of whole, within its bounds', () => {
  for (const seen of ['ok', 'guest_not_running']) assert.ok(v.is(targetReportSchema, { ...report, seen }));
  const many = (count: number, one: object): object[] => Array.from({ length: count }, () => one);
  assert.ok(v.is(targetReportSchema, { ...report, drift: many(50, drift) }));
  assert.ok(v.is(targetReportSchema, { ...report, certificates: many(64, certificate) }));
  const bad = [
    { drift: many(51, drift) },
    { certificates: many(65, certificate) },
    { certificates: [{}] },
    { drift: [{}] },
    { part: 'x' },
    { seen: '' },
    { seen: 'Not a code' },
    { more: 1 },
  ];
  for (const one of bad)
    assert.equal(v.is(targetReportSchema, { ...report, ...one }), false, Object.keys(one)[0]);
  assert.equal(v.is(targetReportSchema, {}), false);
  assert.ok(v.is(certificateReportSchema, { ...certificate, code: 'authority_missing' }));
  assert.equal(v.is(certificateReportSchema, {}), false);
});

test('a key of a private CA is one of P-256, in one form', () => {
  const der = (curve: string): string =>
    generateKeyPairSync('ec', { namedCurve: curve })
      .publicKey.export({ type: 'spki', format: 'der' })
      .toString('base64');
  const good = der('prime256v1');
  const read = v.safeParse(authorityKeySchema, good);
  assert.ok(read.success);
  const compressed = createECDH('prime256v1').generateKeys('base64', 'compressed');
  for (const bad of [
    der('secp256k1'),
    der('secp384r1'),
    compressed,
    `A${good}`,
    `${good}A`,
    good.slice(0, -1),
    good.replace('MFkw', '****'),
  ]) {
    const refused = v.safeParse(authorityKeySchema, bad);
    assert.equal(refused.success ? bad : refused.issues[0].message, 'must be a P-256 key');
  }
});
