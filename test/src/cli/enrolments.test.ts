import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RelayView } from '../../../schema/api/house.ts';
import { encodeBase64url } from '../../../schema/jose/base64url.ts';
import { toBytes } from '../../../schema/jose/digest.ts';
import { generateKey } from '../../../schema/jose/keys.ts';
import { enrolmentKey, enrolmentMac } from '../../../schema/wire/enrolment.ts';
import type { EnrolmentStatement } from '../../../schema/wire/relay-api.ts';
import { verifyEnrolment } from '../../../src/cli/enrolments.ts';
import type { PendingCode } from '../../../src/cli/home.ts';
import { homeId, now } from './home-fixture.ts';

const code: PendingCode = {
  origin: 'https://127.0.0.1:8420',
  spki: null,
  home: homeId,
  relay: 'pve1',
  trust: `sha256:${'a'.repeat(64)}`,
  code: 'enr_01JD8Q3S5T7V9W0X1Y2Z3A4B5C',
  secret: encodeBase64url(new Uint8Array(32).fill(7)),
  expires: now + 30 * 60_000,
};

async function enrolled(
  change: Partial<EnrolmentStatement> = {},
  more: { secret?: string; enrolled_at?: number; view?: Partial<RelayView> } = {},
): Promise<RelayView> {
  const { signing } = await generateKey();
  const statement = toBytes(
    JSON.stringify({
      home: homeId,
      relay: 'pve1',
      code: code.code,
      trust: code.trust,
      jwk: signing.jwk,
      facts: { hostname: 'pve1', macs: [], guests: [] },
      ...change,
    }),
  );
  const mac = await enrolmentMac(await enrolmentKey(more.secret ?? code.secret, 'owner'), statement);
  return {
    name: 'pve1',
    state: 'pending',
    fingerprint: 'shown by the control plane',
    kid: signing.kid,
    version: null,
    protocol: null,
    trust_version: null,
    last_seen: null,
    receipts_seq: 0,
    enrolment: {
      code: code.code,
      statement: encodeBase64url(statement),
      owner_mac: mac,
      enrolled_at: more.enrolled_at ?? now,
    },
    ...more.view,
  };
}

test('a relay that enrolled with the code from the console is verified', async () => {
  const verified = await verifyEnrolment(await enrolled(), [code]);
  assert.ok(verified.ok, verified.ok ? '' : verified.detail);
  assert.equal(verified.value.statement.relay, 'pve1');
});

test('threat 34: a control plane that swaps the relay’s key, name or trust is found out', async () => {
  const honest = await enrolled();
  const { signing: other } = await generateKey();
  const enrolment = honest.enrolment!;
  const swapped = JSON.parse(Buffer.from(enrolment.statement, 'base64url').toString()) as EnrolmentStatement;
  const resigned = encodeBase64url(JSON.stringify({ ...swapped, jwk: other.jwk }));
  const cases: [string, RelayView, string][] = [
    [
      'another key in the statement',
      { ...honest, kid: other.kid, enrolment: { ...enrolment, statement: resigned } },
      'enrolment_forged',
    ],
    ['another key beside it', { ...honest, kid: other.kid }, 'enrolment_mixed_up'],
    ['another name beside it', { ...honest, name: 'pve2' }, 'enrolment_mixed_up'],
    ['another trust document', await enrolled({ trust: `sha256:${'b'.repeat(64)}` }), 'enrolment_mixed_up'],
    ['another relay', await enrolled({ relay: 'pve2' }), 'enrolment_mixed_up'],
    ['another home', await enrolled({ home: 'h_01JD8Q3S5T7V9W0X1Y2Z3A4B5D' }), 'enrolment_mixed_up'],
    [
      'another secret',
      await enrolled({}, { secret: encodeBase64url(new Uint8Array(32).fill(8)) }),
      'enrolment_forged',
    ],
    ['a code used too late', await enrolled({}, { enrolled_at: code.expires + 60_000 }), 'enrolment_expired'],
    ['no enrolment at all', { ...honest, enrolment: null }, 'code_unknown'],
    [
      'a code of nobody',
      { ...honest, enrolment: { ...enrolment, code: 'enr_01JD8Q3S5T7V9W0X1Y2Z3A4B5D' } },
      'code_unknown',
    ],
    ['garbage', { ...honest, enrolment: { ...enrolment, statement: '!!' } }, 'enrolment_forged'],
  ];
  for (const [name, view, reason] of cases) {
    const judged = await verifyEnrolment(view, [code]);
    assert.ok(!judged.ok, name);
    assert.equal(judged.reason, reason, name);
  }
});

test('the MAC that the control plane checks is of no use for the owner’s', async () => {
  const view = await enrolled();
  const statement = new Uint8Array(Buffer.from(view.enrolment!.statement, 'base64url'));
  const forged = await enrolmentMac(await enrolmentKey(code.secret, 'controller'), statement);
  const judged = await verifyEnrolment({ ...view, enrolment: { ...view.enrolment!, owner_mac: forged } }, [
    code,
  ]);
  assert.ok(!judged.ok);
  assert.equal(judged.reason, 'enrolment_forged');
});

test('a small-order key is refused although its statement is genuine', async () => {
  const weak = { kty: 'OKP' as const, crv: 'Ed25519' as const, x: encodeBase64url(new Uint8Array(32)) };
  const judged = await verifyEnrolment(await enrolled({ jwk: weak }), [code]);
  assert.ok(!judged.ok);
  assert.equal(judged.reason, 'key_weak');
});
