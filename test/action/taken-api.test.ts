import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { DeploymentView, TargetState } from '../../schema/api/deployments.ts';
import { digestOf } from '../../schema/jose/digest.ts';
import { signJws } from '../../schema/jose/jws.ts';
import { generateKey } from '../../schema/jose/keys.ts';
import { signTrust } from '../../schema/trust/read.ts';
import type { Receipt } from '../../schema/wire/receipt.ts';
import { makeOrder } from '../../src/cli/ci/make-order.ts';
import { type UnsignedOrder, writeOrderFile } from '../../src/cli/ci/order-file.ts';
import { readWanted } from '../../src/cli/deploy/read-release.ts';
import { firstRun, sha256Text } from '../support/action-home.ts';
import { runStep, type StepRan } from '../support/action-runner.ts';
import { deployHome } from '../support/deploy-repo.ts';
import { startGithubIssuer } from '../support/github-issuer.ts';
import { documentOf, type LyingControl, problem, says, startLiar } from '../support/lying-control.ts';
import { writeTree } from '../support/repo-fixture.ts';

type Scene = {
  readonly liar: LyingControl;
  readonly order: UnsignedOrder;
  /** What it says of the deployment from now on. */
  tell(state: TargetState, receipts?: readonly string[], more?: Partial<DeploymentView>): void;
  deploy(inputs?: Readonly<Record<string, string>>): Promise<StepRan>;
};

/** A control plane that somebody took, and an order that a workflow's run hands it. */
async function take(t: TestContext): Promise<Scene> {
  const liar = await startLiar(t);
  const issuer = await startGithubIssuer();
  t.after(() => issuer.close());
  const home = liar.home();
  const folder = mkdtempSync(join(tmpdir(), 'writ-taken-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const wanted = await readWanted({ repo: writeTree(t, deployHome) });
  assert.ok(wanted.ok);
  const made = await makeOrder(wanted.value.release, null, {
    home,
    targets: ['websvcs'],
    run: { id: Number(firstRun.run_id), attempt: 1, commit: firstRun.sha },
    now: Date.now(),
  });
  assert.ok(made.ok);
  const order = made.value;
  const bytes = writeOrderFile(order);
  const file = join(folder, 'home.order');
  writeFileSync(file, bytes);
  const payload = new Uint8Array(Buffer.from(liar.versions[0]!.payload, 'base64url'));
  const pin = await digestOf('trust', payload);
  const id = 'dep_01K00000000000000000000000';
  const tell: Scene['tell'] = (state, receipts = [], more = {}) => {
    const ended = ['pending', 'staged', 'activated'].includes(state) ? null : Date.now();
    const view: DeploymentView = {
      id,
      digest: order.digest,
      order: order.order,
      principal: 'github:deploys',
      created_at: Date.now(),
      ended_at: ended,
      sentence: 'All is well.\n::set-output name=x::y',
      targets: order.order.parts.map(({ relay, target, digest: part }) => ({
        relay,
        target,
        part,
        state,
        code: null,
        result: null,
        started_at: null,
        ended_at: ended,
      })),
      receipts: [...receipts],
      ...more,
    };
    liar.answer('POST /v1/releases', says(view));
    liar.answer(`GET /v1/deployments/${id}`, says(view));
  };
  liar.answer('POST /v1/blobs/missing', says({ missing: [] }));
  return {
    liar,
    order,
    tell,
    deploy: (inputs = {}) =>
      runStep(t, {
        action: 'action/deploy',
        with: {
          origin: liar.setup.origin,
          spki: liar.setup.spki!,
          home,
          trust: pin,
          file,
          digest: sha256Text(bytes),
          ...inputs,
        },
        env: {
          GITHUB_EVENT_NAME: 'push',
          GITHUB_RUN_ID: firstRun.run_id,
          GITHUB_RUN_ATTEMPT: '1',
          GITHUB_SHA: firstRun.sha,
          ...issuer.env,
        },
      }),
  };
}

const fails = (ran: StepRan, exit: number, pattern: RegExp): void => {
  assert.equal(ran.exit, exit, ran.log);
  assert.match(ran.errors.join('\n'), pattern);
  assert.doesNotMatch(ran.summary, /It is healthy/);
};

test('threat 1: a taken control plane that tells of success without receipts is not believed', async (t) => {
  const { tell, deploy, order, liar } = await take(t);
  tell('healthy');
  fails(await deploy(), 3, /no relay of your trust document has signed.*\(outcome_unproven\)/s);

  // A receipt by a key that trust does not name.
  const stranger = await generateKey();
  const receipt: Receipt = {
    home: liar.home(),
    relay: 'pve2',
    seq: 1,
    previous: await digestOf('receipt', ''),
    intent: order.digest,
    step: 0,
    action: 'release.apply',
    target: 'websvcs',
    state: 'succeeded',
    code: null,
    result: null,
    time: Date.now(),
    boot: 'b',
  };
  tell('healthy', [await signJws('receipt', receipt, stranger.signing)]);
  fails(await deploy(), 3, /\(outcome_unproven\)/);

  // Another order under the same digest, with a part that was healthy before.
  tell('healthy', [], { order: { ...order.order, commit: 'd'.repeat(40) } });
  fails(await deploy(), 3, /\(outcome_unproven\)/);
  tell('healthy', [], { digest: await digestOf('release', 'another') });
  fails(await deploy(), 3, /\(answer_foreign\)/);
});

test('threat 1: a trust document that the roots of the pinned one did not sign is not believed', async (t) => {
  const { tell, deploy, liar } = await take(t);
  tell('healthy');
  const [first] = liar.versions;
  const root = await generateKey();
  const document = documentOf(first!);
  const invented = { ...document, roots: [{ kid: 'root-desk', jwk: root.signing.jwk }], threshold: 1 };
  const own = await signTrust(invented, [root.signing]);
  liar.versions = [own];
  fails(await deploy(), 3, /does not show the version of the trust document.*\(trust_unproven\)/s);
  const next = {
    ...invented,
    version: 2,
    previous: await digestOf('trust', Buffer.from(first!.payload, 'base64url')),
  };
  liar.versions = [first!, await signTrust(next, [root.signing])];
  fails(await deploy(), 3, /does not follow version 1.*\(trust_unproven\)/s);
  liar.versions = [];
  fails(await deploy(), 3, /\(trust_unproven\)/);
});

test('a control plane that never comes to an end: the step ends by itself, and says what is open', async (t) => {
  const { tell, deploy } = await take(t);
  tell('staged');
  const ran = await deploy({ minutes: '0.02' });
  fails(ran, 5, /^websvcs: Is on its way\. The order stays/);
});

test('what no relay has signed is said once', async (t) => {
  const { tell, deploy } = await take(t);
  tell('failed');
  fails(await deploy(), 5, /^websvcs: No relay has signed what came of it\.$/m);
});

const hostile = [
  'Sorry.',
  '::set-output name=digest::sha256:0',
  '  ::add-mask::a',
  '::stop-commands::x',
  '##[error]gotcha',
  'x ##[set-env name=PATH]/tmp',
  '%0A::error::b',
  '\u001b[2J\u202ereversed',
].join('\r\n');

test('threat 21: what others say cannot speak to the runner', async (t) => {
  const { liar, tell, deploy } = await take(t);
  tell('healthy');
  const answers = [
    ['GET /v1/trust', problem(403, { detail: hostile, code: 'forbidden' })],
    ['POST /v1/releases', problem(409, { detail: hostile, title: hostile })],
  ] as const;
  for (const [route, lie] of answers) {
    liar.answer(route, lie);
    const ran = await deploy();
    assert.notEqual(ran.exit, 0);
    const known = new Set(['add-mask', 'error']);
    assert.deepEqual(
      ran.commands.filter(({ name }) => !known.has(name)),
      [],
      ran.log,
    );
    assert.equal(ran.errors.length, 1, ran.log);
    assert.ok(ran.errors[0]!.includes('Sorry.'), ran.errors[0]);
    for (const control of ['\u001b', '\u202e']) assert.ok(!(ran.log + ran.summary).includes(control));
    assert.deepEqual(ran.outputs, {});
    liar.answer(route, null);
    tell('healthy');
  }
});

test('a control plane that is not the pinned one is sent nothing', async (t) => {
  const { deploy } = await take(t);
  const ran = await deploy({ spki: `sha256:${'0'.repeat(64)}` });
  fails(ran, 4, /is not the control plane that was pinned.*\(pin_mismatch\)/s);
});
