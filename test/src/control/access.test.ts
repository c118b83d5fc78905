import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { decodeBase64url, encodeBase64url } from '../../../schema/jose/base64url.ts';
import { digestOf, toBytes } from '../../../schema/jose/digest.ts';
import { verifyJws } from '../../../schema/jose/jws.ts';
import { generateKey } from '../../../schema/jose/keys.ts';
import { refuse } from '../../../schema/result.ts';
import { keyOf } from '../../../schema/trust/evaluate.ts';
import { enrolmentKey, enrolmentMac } from '../../../schema/wire/enrolment.ts';
import { ulidOf } from '../../../schema/wire/ids.ts';
import { maxTokenBytes } from '../../../schema/wire/limits.ts';
import type { EnrolmentStatement, TrustJws } from '../../../schema/wire/relay-api.ts';
import { tokenAudience, tokenSchema } from '../../../schema/wire/token.ts';
import {
  type ControlHome,
  claimRequest,
  makeControlHome,
  provedIf,
  testHouseFile,
} from '../../support/control-home.ts';
import { makeTestHome } from '../../support/relay-home.ts';

const phone = { name: 'phone', scope: ['status', 'guest.start@gaming'], days: 30 };

test('threat 25: a token is known by its id alone, and revoked at once', async (t) => {
  const made = await makeControlHome(t);
  const grant = made.operator('tokens');
  const created = await made.control.tokens.create(grant, phone);
  assert.ok(created.ok);
  const { view, token } = created.value;
  const claims = await verifyJws('token', token, {
    maxBytes: maxTokenBytes,
    findKey: keyOf(made.home.trust(), 'key', 'controller'),
    schema: tokenSchema,
  });
  assert.ok(claims.ok);
  assert.deepEqual(
    [claims.value.payload.jti, claims.value.payload.aud, claims.value.payload.sub],
    [view.id, tokenAudience(made.home.id), 'phone'],
  );
  const [, , signature] = token.split('.') as [string, string, string];
  for (const table of ['token', 'audit', 'idempotency']) {
    const rows = await made.db.read({ sql: `SELECT * FROM ${table}`, args: [] });
    assert.ok(!JSON.stringify(rows).includes(signature), `${table} does not hold the token`);
  }

  assert.ok((await made.control.tokens.use(view.id)).ok);
  assert.ok((await made.control.tokens.revoke(grant, view.id)).ok);
  const used = await made.control.tokens.use(view.id);
  assert.equal(used.ok ? '' : used.reason, 'token_revoked');
  const unknown = await made.control.tokens.use('tok_01ARZ3NDEKTSV4RRFFQ69G5FAV');
  assert.equal(unknown.ok ? '' : unknown.reason, 'token_unknown');
});

test('a token expires, its use is noted, and a leaked one is revoked with a note', async (t) => {
  const made = await makeControlHome(t);
  const grant = made.operator('tokens');
  const [one, other] = [
    await made.control.tokens.create(grant, phone),
    await made.control.tokens.create(grant, { ...phone, name: 'other' }),
  ];
  assert.ok(one.ok && other.ok);
  await made.control.tokens.use(one.value.view.id);
  await made.store.tokens.touch(one.value.view.id, made.clock.now());
  const listed = await made.control.tokens.list();
  assert.equal(listed.find((token) => token.name === 'phone')?.last_used_at, made.clock.now());

  await made.control.tokens.revokeLeaked(other.value.view.id, 'url');
  await made.control.tokens.revokeLeaked(other.value.view.id, 'url');
  await made.control.tokens.revokeLeaked('tok_01ARZ3NDEKTSV4RRFFQ69G5FAV', 'url');
  const revoked = await made.control.tokens.use(other.value.view.id);
  assert.equal(revoked.ok ? '' : revoked.reason, 'token_revoked');
  const events = (await made.control.audit.page(0, 100)).entries.map((text) => JSON.parse(text).event);
  assert.equal(events.filter((event) => event === 'token.revoked').length, 1);

  made.clock.advance(31 * 24 * 60 * 60_000);
  const expired = await made.control.tokens.use(one.value.view.id);
  assert.equal(expired.ok ? '' : expired.reason, 'token_expired');
});

test('the same idempotency key gives the same token again', async (t) => {
  const made = await makeControlHome(t);
  const grant = made.operator('tokens');
  const use = (body: string) => ({
    idempotency: { key: 'k', route: 'POST /v1/tokens', body: `sha256:${body.repeat(64)}` },
  });
  const answers = await Promise.all([1, 2, 3].map(() => made.control.tokens.create(grant, phone, use('a'))));
  const tokens = new Set(answers.map((answer) => (answer.ok ? answer.value.token : answer.reason)));
  assert.equal(tokens.size, 1);
  assert.equal((await made.control.tokens.list()).length, 1);
  const other = await made.control.tokens.create(grant, phone, use('b'));
  assert.equal(other.ok ? '' : other.reason, 'idempotency_mismatch');
});

test('a nonce of a proof is good once', async (t) => {
  const made = await makeControlHome(t);
  const { upkeep } = made.control;
  const expires = made.clock.now() + 60_000;
  assert.deepEqual(await Promise.all([1, 2].map(() => upkeep.rememberProofNonce('kid', 'nonce', expires))), [
    true,
    false,
  ]);
  assert.equal(await upkeep.rememberProofNonce('other', 'nonce', expires), true);
  made.clock.advance(61_000);
  await upkeep.sweep();
  assert.equal(await upkeep.rememberProofNonce('kid', 'nonce', expires), true);
});

const secret = encodeBase64url(randomBytes(32));

type Change = Partial<EnrolmentStatement> & { readonly macSecret?: string };

async function enrolment(made: ControlHome, code: string, change: Change = {}) {
  const key = (await generateKey()).signing;
  const { macSecret = secret, ...said } = change;
  const statement: EnrolmentStatement = {
    home: made.home.id,
    relay: 'pve2',
    code,
    trust: made.home.trust().digest,
    jwk: key.jwk,
    facts: { hostname: 'pve2', macs: [], guests: [] },
    ...said,
  };
  const bytes = toBytes(JSON.stringify(statement));
  return {
    key,
    request: {
      statement: encodeBase64url(bytes),
      controller_mac: await enrolmentMac(await enrolmentKey(macSecret, 'controller'), bytes),
      owner_mac: await enrolmentMac(await enrolmentKey(secret, 'owner'), bytes),
    },
  };
}

const newCode = () => `enr_${ulidOf(1_800_000_000_000, randomBytes(10))}`;

async function registered(made: ControlHome, relay = 'pve2'): Promise<string> {
  const code = newCode();
  const answer = await made.control.enrolment.registerCode(made.operator('relays'), {
    code,
    relay,
    controller_key: await enrolmentKey(secret, 'controller'),
    expires: made.clock.now() + 30 * 60_000,
  });
  assert.ok(answer.ok);
  return code;
}

test('a relay enrols by its code, is pending, and is admitted by a trust version', async (t) => {
  const made = await makeControlHome(t, { relays: ['pve1'] });
  const code = await registered(made);
  const { key, request } = await enrolment(made, code);
  const answer = await made.control.enrolment.enrol(request, async (proof) =>
    provedIf(proof.kid === key.kid),
  );
  assert.ok(answer.ok);
  assert.equal(answer.value.versions.length, 1);
  assert.equal((await made.control.enrolment.pending(key.kid))?.name, 'pve2');
  const [pve1, pve2] = await made.control.house.relays();
  assert.deepEqual([pve1?.name, pve1?.state], ['pve1', 'admitted']);
  assert.deepEqual([pve2?.name, pve2?.state, pve2?.enrolment?.code], ['pve2', 'pending', code]);
  assert.equal(pve2?.enrolment?.statement, request.statement);

  await made.home.amend((document) => ({
    ...document,
    identities: { ...document.identities, pve2: { kind: 'relay', jwk: key.jwk } },
  }));
  assert.ok((await made.control.trust.upload([made.home.versions[1]!], async () => provedIf(true))).ok);
  const relays = await made.control.house.relays();
  assert.deepEqual(
    relays.map((relay) => [relay.name, relay.state]),
    [
      ['pve1', 'admitted'],
      ['pve2', 'admitted'],
    ],
  );
});

test('threat 34: an enrolment is refused for anything that is wrong with it', async (t) => {
  const made = await makeControlHome(t, { relays: ['pve1'] });
  const enrol = async (request: Awaited<ReturnType<typeof enrolment>>['request'], proved = true) => {
    const answer = await made.control.enrolment.enrol(request, async () => provedIf(proved));
    return answer.ok ? 'ok' : answer.reason;
  };
  const code = await registered(made);
  const good = await enrolment(made, code);
  assert.equal(await enrol({ ...good.request, statement: 'no base64url!' }), 'enrolment_malformed');
  assert.equal(await enrol({ ...good.request, statement: encodeBase64url('{}') }), 'enrolment_malformed');
  assert.equal(await enrol((await enrolment(made, newCode())).request), 'code_unknown');
  const stale = await made.control.enrolment.enrol(good.request, async () => refuse('proof_stale', 'late'));
  assert.deepEqual([stale.ok, !stale.ok && stale.reason], [false, 'proof_stale']);
  const otherSecret = encodeBase64url(randomBytes(32));
  assert.equal(
    await enrol((await enrolment(made, code, { macSecret: otherSecret })).request),
    'enrolment_mac',
  );
  const swapped = await enrolment(made, code);
  assert.equal(await enrol({ ...good.request, statement: swapped.request.statement }), 'enrolment_mac');
  assert.equal(
    await enrol((await enrolment(made, code, { relay: 'pve1' })).request),
    'code_of_another_relay',
  );
  const elsewhere = { home: 'h_01ARZ3NDEKTSV4RRFFQ69G5FAV' };
  assert.equal(await enrol((await enrolment(made, code, elsewhere)).request), 'code_of_another_relay');
  const weak = { jwk: { kty: 'OKP', crv: 'Ed25519', x: encodeBase64url(new Uint8Array(32)) } } as const;
  assert.equal(await enrol((await enrolment(made, code, weak)).request), 'key_weak');
  const strange = { trust: `sha256:${'0'.repeat(64)}` };
  assert.equal(await enrol((await enrolment(made, code, strange)).request), 'trust_unknown');
  assert.equal(await enrol(good.request, false), 'proof_invalid');
  const known = { jwk: made.home.relays.pve1!.signing.jwk };
  assert.equal(await enrol((await enrolment(made, code, known)).request), 'key_known');
  assert.equal((await made.control.house.relays()).length, 1, 'nothing of it is listed');

  assert.equal(await enrol(good.request), 'ok');
  assert.equal(await enrol(good.request), 'ok', 'the same again is answered the same');
  assert.equal(await enrol((await enrolment(made, code)).request), 'code_used');
  const late = await registered(made);
  made.clock.advance(31 * 60_000);
  assert.equal(await enrol((await enrolment(made, late)).request), 'code_expired');
});

test('two relays that race for one code: one is pending', async (t) => {
  const made = await makeControlHome(t, { relays: ['pve1'] });
  const code = await registered(made);
  const both = await Promise.all([enrolment(made, code), enrolment(made, code)]);
  const answers = await Promise.all(
    both.map(({ request }) => made.control.enrolment.enrol(request, async () => provedIf(true))),
  );
  assert.deepEqual(answers.map((answer) => (answer.ok ? 'ok' : answer.reason)).sort(), ['code_used', 'ok']);
});

test('a code is registered once, for a host of the house', async (t) => {
  const made = await makeControlHome(t);
  const grant = made.operator('relays');
  const code = {
    code: newCode(),
    relay: 'pve2',
    controller_key: await enrolmentKey(secret, 'controller'),
    expires: made.clock.now() + 1000,
  };
  const register = async (change: Partial<typeof code> = {}) => {
    const answer = await made.control.enrolment.registerCode(grant, { ...code, ...change });
    return answer.ok ? 'ok' : answer.reason;
  };
  assert.equal(await register(), 'ok');
  assert.equal(await register(), 'ok', 'the same again is answered the same');
  assert.equal(await register({ relay: 'pve1' }), 'code_exists');
  assert.equal(await register({ code: newCode(), relay: 'nobody' }), 'target_unknown');
  assert.equal(await register({ code: newCode(), relay: 'constructor' }), 'target_unknown');
  assert.equal(await register({ code: newCode(), expires: 1 }), 'code_expired');
});

test('an unclaimed instance is claimed once, by the setup code and the operator of the document', async (t) => {
  const made = await makeControlHome(t, { claim: false });
  const { setup } = made.control;
  const claim = async (request: Awaited<ReturnType<typeof claimRequest>>, proved = true) => {
    const answer = await setup.claim(request, async () => provedIf(proved));
    return answer.ok ? 'ok' : answer.reason;
  };
  const good = await claimRequest(made.home, made.setupSecret);
  assert.equal(await setup.claimed(), false);
  assert.equal(await claim({ ...good, mac: 'A'.repeat(43) }), 'setup_code_wrong');
  assert.equal(await claim(good, false), 'operator_key_wrong');
  const trust = { ...good.trust, payload: encodeBase64url('{}') };
  assert.equal(await claim({ ...good, trust }), 'setup_code_wrong', 'nothing of a stranger is looked at');
  assert.equal(await claim({ ...good, ...(await sealed(made.setupSecret, trust)) }), 'trust_malformed');
  const other = await makeTestHome({ origins: [{ url: 'https://127.0.0.1:1' }] });
  assert.equal(await claim(await claimRequest(other, made.setupSecret)), 'controller_key_wrong');
  assert.equal(await claim(good), 'ok');
  assert.equal(await claim(good), 'already_set_up');
  assert.equal(await setup.claimed(), true);
});

/** A document with the setup code's MAC over its digest. */
async function sealed(secret: string, trust: TrustJws) {
  const bytes = decodeBase64url(trust.payload);
  assert.ok(bytes.ok);
  return { trust, mac: await enrolmentMac(secret, toBytes(await digestOf('trust', bytes.value))) };
}

test('an unclaimed instance takes a home that had another controller, with the versions that are known', async (t) => {
  const made = await makeControlHome(t, { claim: false });
  for (const host of ['a', 'b', 'c']) {
    await made.home.amend((document) => ({ ...document, mirror: `https://${host}.example.net/trust.jws` }));
  }
  const [first, second, third, fourth] = made.home.versions;
  const stranger = await makeTestHome({ origins: [{ url: 'https://127.0.0.1:1' }] });
  const claim = async (before: readonly TrustJws[], trust: TrustJws) => {
    const request = { ...(await sealed(made.setupSecret, trust)), before: [...before], house: testHouseFile };
    const answer = await made.control.setup.claim(request, async () => provedIf(true));
    return answer.ok ? answer.value.version : answer.reason;
  };
  assert.equal(await claim([second!], fourth!), 'trust_version');
  assert.equal(await claim([stranger.versions[0]!], second!), 'trust_threshold');
  assert.equal(await claim([third!, second!], fourth!), 'trust_version');
  assert.equal(
    await claim([{ ...second!, signatures: first!.signatures }, third!], fourth!),
    'trust_signature',
  );
  assert.equal(await made.control.trust.current(), null, 'nothing of them was taken');
  assert.equal(await claim([second!, third!], fourth!), 4);
  assert.equal((await made.control.trust.current())?.document.version, 4);
  assert.deepEqual((await made.control.trust.chain(0)).versions, [second, third, fourth]);
  const [entry] = await made.store.audit.after(0, 10);
  assert.equal(entry?.event, 'home.moved');
  assert.equal(await claim([second!, third!], fourth!), 'already_set_up');
});
