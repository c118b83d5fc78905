import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import type { CommandView, SubmitRequest } from '../../../schema/api/orders.ts';
import { decodeBase64url } from '../../../schema/jose/base64url.ts';
import { verifyJws } from '../../../schema/jose/jws.ts';
import { acceptKey, generateKey } from '../../../schema/jose/keys.ts';
import { authorisationSchema, parseIntent, type Step } from '../../../schema/wire/intent.ts';
import { proofSchema } from '../../../schema/wire/proof.ts';
import { writeHome } from '../../../src/cli/home.ts';
import { makeServerCertificate } from '../../support/proxmox/certificate.ts';
import { type Fixture, homeId, makeFixture, planOf, receiptBy, step } from './home-fixture.ts';
import { runWrit } from './terminal-fixture.ts';

/** A control plane that says what the test wants: honest, mistaken, or taken. */
type Behaviour = {
  plan: { steps: readonly Step[]; notes?: readonly string[] };
  /** What comes of the command, given the request that submitted it. */
  outcome(request: SubmitRequest, digest: string): Promise<Partial<CommandView>>;
  /** How many times a submission is cut off before its answer. */
  cut?: number;
};

/** Clears the screen, sets a title, starts a C1 sequence, and turns the direction of writing. */
const controls = 'No.\u001b[2J\u001b]0;x\u0007\r\u009b1A\u202eeno yna ';

const folder = mkdtempSync(join(tmpdir(), 'writ-order-'));
const id = 'cmd_01JD8Q3S5T7V9W0X1Y2Z3A4B5C';
let home: Fixture;
let server: Server;
let behaviour: Behaviour;
let submitted: { body: SubmitRequest; key: string }[] = [];
let proofs: string[] = [];

before(async () => {
  home = await makeFixture();
  const operator = await generateKey();
  const { certPem, keyPem, pins } = await makeServerCertificate('control plane');
  server = createServer({ cert: certPem, key: keyPem }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      proofs.push(String(request.headers.authorization));
      const body = chunks.length === 0 ? null : JSON.parse(Buffer.concat(chunks).toString());
      const send = (value: unknown): void => void response.end(JSON.stringify(value));
      if (request.url?.startsWith('/v1/trust')) return send({ versions: [] });
      if (request.url === '/v1/plans') {
        return void freshPlan(behaviour.plan.steps).then((plan) =>
          send({
            order: body.order,
            ...plan,
            steps: behaviour.plan.steps,
            controller_may: true,
            notes: behaviour.plan.notes ?? [],
          }),
        );
      }
      if (request.url === '/v1/commands') {
        submitted.push({ body, key: String(request.headers['idempotency-key']) });
        if ((behaviour.cut ?? 0) >= submitted.length) return void request.socket.destroy();
        return void view(body).then(send);
      }
      if (request.url === '/v1/tokens') {
        response.writeHead(403);
        return send({
          type: '/docs/errors#forbidden',
          title: 'Forbidden',
          status: 403,
          code: 'forbidden',
          detail: controls,
        });
      }
      response.writeHead(500);
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const secret = operator.secret;
  writeHome(folder, {
    file: { v: 1, home: homeId, origin: `https://127.0.0.1:${port}`, spki: pins.spki, trial: true },
    operator: secret,
    root: { v: 1, sealed: 'trial', secret },
    trust: home.trust,
  });
  home = { ...home, operator: operator.signing };
});
after(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  submitted = [];
  proofs = [];
});

const freshPlan = (steps: readonly Step[]) => {
  const now = Date.now();
  return planOf(steps, { issued_at: now, expires: now + 60_000 });
};

async function view(request: SubmitRequest): Promise<CommandView> {
  const bytes = decodeBase64url(request.intent);
  assert.ok(bytes.ok);
  const intent = parseIntent(bytes.value);
  assert.ok(intent.ok);
  const { digest } = await planOf(intent.value.steps, intent.value);
  const base: CommandView = {
    id,
    order: request.order,
    state: 'succeeded',
    code: null,
    sentence: 'Gaming is running.',
    principal: 'operator',
    created_at: Date.now(),
    ended_at: Date.now(),
    intents: [digest],
    steps: [],
    receipts: [],
  };
  return { ...base, ...(await behaviour.outcome(request, digest)) };
}

const start = step('pve2', 'guest.start', 'gaming');
const rival = step('pve2', 'guest.shutdown', 'devtop');
const writ = (...words: string[]) => runWrit([...words, '--config', folder]);

test('an order is signed over the very bytes of its plan, and every request is proved', async () => {
  behaviour = {
    plan: { steps: [start] },
    outcome: async (_, intent) => ({ receipts: [await receiptBy(home.relays.pve2, { intent })] }),
  };
  const ran = await writ('start', 'gaming');
  assert.equal(ran.exit, 0, ran.err);
  assert.match(ran.out, /Gaming is running\.\nVerified against the receipts/);
  const operator = await acceptKey(home.operator.jwk);
  assert.ok(operator.ok);
  const findKey = (kid: string) => (kid === operator.value.kid ? operator.value : undefined);
  const signed = await verifyJws('intent', submitted[0]!.body.authorisation, {
    maxBytes: 4096,
    findKey,
    schema: authorisationSchema,
  });
  assert.ok(signed.ok, signed.ok ? '' : signed.reason);
  assert.deepEqual([signed.value.payload.home, signed.value.payload.kind], [homeId, 'intent']);
  for (const header of proofs) {
    const proof = await verifyJws('proof', header.replace('Writ-Proof ', ''), {
      maxBytes: 4096,
      findKey,
      schema: proofSchema,
    });
    assert.ok(proof.ok);
  }
  assert.ok(proofs.length >= 3);
});

test('a taken control plane that plans a power cut gets no signature', async () => {
  behaviour = {
    plan: { steps: [start, step('pve1', 'guest.stop', 'router')] },
    outcome: () => Promise.resolve({}),
  };
  const ran = await writ('start', 'gaming', '--yes');
  assert.equal(ran.exit, 3);
  assert.match(ran.err, /was not signed: it would also stop router/);
  assert.deepEqual(submitted, []);
});

test('what has to be done besides is shown, and asked', async () => {
  behaviour = {
    plan: {
      steps: [rival, { ...start, after: [{ step: 0, if: 'succeeded' }] }],
      notes: ['devtop holds gpu0\u001b[2J'],
    },
    outcome: async (_, intent) => ({
      receipts: await Promise.all([
        receiptBy(home.relays.pve2, { intent, action: 'guest.shutdown', target: 'devtop' }),
        receiptBy(home.relays.pve2, { intent, step: 1 }),
      ]),
    }),
  };
  const nobody = await writ('start', 'gaming');
  assert.equal(nobody.exit, 2);
  const no = await runWrit(['start', 'gaming', '--config', folder], { answers: ['n'] });
  assert.equal(no.exit, 3);
  assert.match(no.err, /shut down devtop/);
  assert.ok(!no.err.includes('\u001b'), 'the control plane does not move the cursor');
  assert.deepEqual(submitted, []);
  const yes = await runWrit(['start', 'gaming', '--config', folder], { answers: ['y'] });
  assert.equal(yes.exit, 0, yes.err);
  assert.equal(submitted.length, 1);
});

const lies: Record<string, (intent: string) => Promise<string[]>> = {
  'without a receipt': async () => [],
  'with a receipt that it signed itself': async (intent) => [await receiptBy(home.controller, { intent })],
  'with a receipt of another relay': async (intent) => [
    await receiptBy(home.relays.pve1, { intent, relay: 'pve1' }),
  ],
  'with an old receipt': async () => [await receiptBy(home.relays.pve2, {})],
  'with the beginning only': async (intent) => [
    await receiptBy(home.relays.pve2, { intent, state: 'started', result: null }),
  ],
  'although its relay signed a failure': async (intent) => [
    await receiptBy(home.relays.pve2, { intent, state: 'failed', code: 'agent_silent', result: null }),
  ],
};
for (const [name, receipts] of Object.entries(lies)) {
  test(`a success is not believed ${name}`, async () => {
    behaviour = {
      plan: { steps: [start] },
      outcome: async (_, intent) => ({ receipts: await receipts(intent) }),
    };
    const ran = await writ('start', 'gaming', '--json');
    assert.equal(ran.exit, 3, ran.out);
    assert.equal((JSON.parse(ran.out) as { error: { code: string } }).error.code, 'outcome_unproven');
  });
}

test('each end has its exit code, and its sentence', async () => {
  const ends = [
    ['failed', 1],
    ['refused', 3],
    ['unknown', 5],
    ['expired', 1],
    ['unconfirmed', 5],
  ] as const;
  for (const [state, exit] of ends) {
    behaviour = {
      plan: { steps: [start] },
      outcome: () => Promise.resolve({ state, code: 'some_code', sentence: `It is ${state}.` }),
    };
    const ran = await writ('start', 'gaming');
    assert.equal(ran.exit, exit, state);
    assert.ok(ran.out.includes(`It is ${state}.`));
  }
});

test('a submission whose answer was lost is repeated under the same key', async () => {
  behaviour = {
    plan: { steps: [start] },
    cut: 2,
    outcome: async (_, intent) => ({ receipts: [await receiptBy(home.relays.pve2, { intent })] }),
  };
  const ran = await writ('start', 'gaming');
  assert.equal(ran.exit, 0, ran.err);
  assert.equal(submitted.length, 3);
  assert.equal(new Set(submitted.map(({ key }) => key)).size, 1);
  assert.equal(new Set(submitted.map(({ body }) => body.authorisation)).size, 1);
});

test('what a control plane says moves no cursor, as text or as JSON', async () => {
  const text = await writ('tokens', 'list');
  const json = await writ('tokens', 'list', '--json');
  assert.equal(text.exit, 3);
  assert.match(text.err, /^No\.\[2J/);
  for (const shown of [text.out, text.err, json.out, json.err]) {
    assert.doesNotMatch(shown.replaceAll('\n', ''), /[\p{Cc}\u202e]/u);
  }
  const told = JSON.parse(json.out) as { error: { detail: string } };
  assert.equal(told.error.detail, controls, 'nothing of a value is lost');
});
