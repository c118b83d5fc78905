import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as v from 'valibot';
import { formatSetupCode, parseSetupCode, type SetupCode } from '../../../schema/api/access.ts';
import { codeRequestSchema } from '../../../schema/api/house.ts';
import { orderSchema } from '../../../schema/api/orders.ts';
import { encodeBase64url } from '../../../schema/jose/base64url.ts';
import { generateKey } from '../../../schema/jose/keys.ts';

/** 43 characters whose last has bits that encode nothing. */
const spareBits = `${'A'.repeat(42)}B`;

const setupCode = async (): Promise<SetupCode> => ({
  origin: 'https://127.0.0.1:8420',
  spki: null,
  controller: (await generateKey()).signing.jwk,
  secret: encodeBase64url(new Uint8Array(32)),
});

test('a setup code is read as it was written, and refused when a character of it is wrong', async () => {
  const code = await setupCode();
  assert.deepEqual(parseSetupCode(formatSetupCode(code)), { ok: true, value: code });
  const mistyped = parseSetupCode(formatSetupCode({ ...code, secret: spareBits }));
  assert.equal(mistyped.ok, false);
  const said = (text: string): string => {
    const parsed = parseSetupCode(text);
    return parsed.ok ? '' : (parsed.detail ?? '');
  };
  assert.match(said('writ-enrol.e30'), /starts with writ-setup\./);
  for (const length of [200, 201, 202]) {
    assert.match(said(formatSetupCode(code).slice(0, length)), /not copied whole/);
  }
});

test('a key for checking enrolments is 32 bytes in canonical base64url', () => {
  const request = {
    code: 'enr_01JDZ0000000000000000000CD',
    relay: 'pve1',
    controller_key: encodeBase64url(new Uint8Array(32)),
    expires: 1_763_800_000_000,
  };
  assert.equal(v.is(codeRequestSchema, request), true);
  assert.equal(v.is(codeRequestSchema, { ...request, controller_key: spareBits }), false);
});

test('parameters are an object: a list is none', () => {
  const order = { action: 'guest.start', target: 'gaming' };
  assert.equal(v.is(orderSchema, { ...order, params: {} }), true);
  assert.equal(v.is(orderSchema, { ...order, params: [] }), false);
});
