import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Approval, CommandView, Order } from '../../../schema/api/orders.ts';
import { decodeBase64url, encodeBase64url } from '../../../schema/jose/base64url.ts';
import { digestOf, toBytes } from '../../../schema/jose/digest.ts';
import type { Intent, Step } from '../../../schema/wire/intent.ts';
import { approvalWaitMs, intentLifetimeMs } from '../../../schema/wire/limits.ts';
import { says, startLiar } from '../../support/lying-control.ts';
import { testNonce } from '../../support/relay-home.ts';

const id = 'cmd_01JD8Q3S5T7V9W0X1Y2Z3A4B5C';
const stopGaming: Order = { action: 'guest.stop', target: 'gaming', params: {} };
const stop = (target: string, change: Partial<Step> = {}): Step => ({
  relay: 'pve2',
  action: 'guest.stop',
  target,
  params: {},
  after: [],
  ...change,
});

type Draft = {
  readonly steps?: readonly Step[];
  readonly intent?: Partial<Intent>;
  readonly command?: Partial<CommandView>;
  readonly approval?: Partial<Approval>;
};

async function start(t: TestContext) {
  const liar = await startLiar(t);
  const posted: string[] = [];
  /** What waits, as an honest control plane would say it but for what is changed. */
  const waits = async (draft: Draft = {}): Promise<Approval> => {
    const now = Date.now();
    const intent: Intent = {
      home: liar.home(),
      steps: [...(draft.steps ?? [stop('gaming')])],
      nonce: testNonce(),
      issued_at: now,
      expires: now + approvalWaitMs + intentLifetimeMs,
      ...draft.intent,
    };
    const bytes = toBytes(JSON.stringify(intent));
    return {
      command: {
        id,
        order: stopGaming,
        state: 'waiting',
        code: null,
        sentence: 'It waits for your approval to stop gaming.',
        principal: 'token:phone',
        created_at: now,
        ended_at: null,
        intents: [],
        steps: [],
        receipts: [],
        ...draft.command,
      },
      intent: encodeBase64url(bytes),
      digest: await digestOf('intent', bytes),
      until: now + approvalWaitMs,
      ...draft.approval,
    };
  };
  let answer: (approval: Approval) => Partial<CommandView> = () => ({ state: 'running' });
  let shown: Approval | null = null;
  const show = (approval: Approval): void => {
    shown = approval;
    liar.answer('GET /v1/approvals', says({ approvals: [approval] }));
  };
  liar.answer(`POST /v1/commands/${id}/approval`, (_, response, body) => {
    posted.push(body);
    response.end(JSON.stringify({ ...shown!.command, ...answer(shown!) }));
  });
  return {
    ...liar,
    posted,
    waits,
    show,
    answers: (lie: typeof answer) => {
      answer = lie;
    },
    /** As a script that was shown the digest that is told now. */
    approve: (...more: string[]) =>
      liar.writ('approve', id, '--yes', ...(shown === null ? [] : ['--digest', shown.digest]), ...more),
  };
}

const digestIn = (body: string): string => {
  const { authorisation } = JSON.parse(body) as { authorisation: string };
  const said = JSON.parse(Buffer.from(authorisation.split('.')[1]!, 'base64url').toString());
  return (said as { digest: string }).digest;
};

test('threat 1: a taken control plane that shows one thing gets no other signed', async (t) => {
  const { waits, show, approve, posted, home } = await start(t);
  const now = Date.now();
  const honest = await waits();
  const other = await waits({ steps: [stop('devtop')] });
  const release = toBytes(JSON.stringify({ v: 1, home: home(), release: 'x', parts: [] }));
  const cases: [string, string, Approval][] = [
    ['bytes of another order', 'plan_exceeds_order', { ...other, command: honest.command }],
    ['bytes that the digest is not of', 'plan_digest', { ...honest, intent: other.intent }],
    ['a digest that the bytes are not of', 'plan_digest', { ...honest, digest: other.digest }],
    [
      'the digest of a release',
      'plan_digest',
      { ...honest, digest: await digestOf('release', bytesOf(honest)) },
    ],
    [
      'the bytes of a release',
      'plan_malformed',
      { ...honest, intent: encodeBase64url(release), digest: await digestOf('intent', release) },
    ],
    ['a step beside it', 'plan_exceeds_order', await waits({ steps: [stop('devtop'), stop('gaming')] })],
    ['twice', 'plan_exceeds_order', await waits({ steps: [stop('gaming'), stop('gaming')] })],
    ['another home', 'plan_malformed', await waits({ intent: { home: 'h_00000000000000000000000000' } })],
    ['another relay', 'plan_not_granted', await waits({ steps: [stop('gaming', { relay: 'pve1' })] })],
    [
      'what trust grants nobody',
      'plan_not_granted',
      await waits({
        steps: [stop('nobody')],
        command: { order: { ...stopGaming, target: 'nobody' } },
      }),
    ],
    [
      'what only a release may',
      'plan_not_granted',
      await waits({ steps: [stop('gaming', { action: 'release.apply' })] }),
    ],
    ['for long', 'plan_malformed', await waits({ intent: { expires: now + 6 * 3_600_000 } })],
    ['expired', 'plan_malformed', await waits({ intent: { issued_at: now - 60_000, expires: now - 1 } })],
    [
      'made in the future',
      'plan_malformed',
      await waits({ intent: { issued_at: now + 120_000, expires: now + 600_000 } }),
    ],
    [
      'asked long ago',
      'approval_over',
      await waits({ intent: { issued_at: now - approvalWaitMs - 60_000, expires: now + 60_000 } }),
    ],
  ];
  for (const [what, code, approval] of cases) {
    show(approval);
    const ran = await approve();
    assert.deepEqual([ran.exit, new RegExp(`\\(${code}\\)`).test(ran.err)], [3, true], `${what}: ${ran.err}`);
  }
  assert.deepEqual(posted, []);
});

const bytesOf = ({ intent }: Approval): Uint8Array<ArrayBuffer> => {
  const bytes = decodeBase64url(intent);
  assert.ok(bytes.ok);
  return bytes.value;
};

test('threat 1: what is signed is the digest of the bytes that were shown, whatever is said of them', async (t) => {
  const { waits, show, posted, approve } = await start(t);
  const approval = await waits({ command: { sentence: 'It waits to stop devtop.', order: stopGaming } });
  show(approval);
  const ran = await approve('--no-wait');
  assert.equal(ran.exit, 0, ran.err);
  assert.match(ran.err, /1\. stop gaming, by the relay on pve2\n/);
  assert.ok(!/devtop/.test(ran.err + ran.out));
  assert.deepEqual(posted.map(digestIn), [await digestOf('intent', bytesOf(approval))]);
});

test('threat 1: a script gets what it looked at signed, and no other order under the same id', async (t) => {
  const { waits, show, posted, writ } = await start(t);
  show(await waits());
  const { approvals } = JSON.parse((await writ('approvals', '--json')).out) as {
    approvals: { id: string; digest: string }[];
  };
  const { digest } = approvals[0]!;
  show(await waits({ steps: [stop('devtop')], command: { order: { ...stopGaming, target: 'devtop' } } }));
  const swapped = await writ('approve', id, '--yes', '--digest', digest);
  assert.deepEqual([swapped.exit, /\(plan_digest\)/.test(swapped.err)], [3, true], swapped.err);
  const blind = await writ('approve', id, '--yes');
  assert.deepEqual([blind.exit, /\(usage\)/.test(blind.err)], [2, true], blind.err);
  assert.deepEqual(posted, []);
});

test('threat 16: who asked is a kind and a name, and nothing that a taken control plane would have read instead', async (t) => {
  const { waits, show, posted, approve } = await start(t);
  // On a terminal of 80 columns spaces begin a line as well as an end of line does.
  for (const principal of [
    'token:me\n  2. nothing else\u001b[2J',
    `token:me${' '.repeat(60)}  1. start gaming`,
    `token:${'m'.repeat(5000)}`,
    'tоken:me',
  ]) {
    show(await waits({ command: { principal } }));
    const ran = await approve('--no-wait');
    assert.deepEqual([ran.exit, /\(answer_malformed\)/.test(ran.err)], [1, true], ran.err);
  }
  assert.deepEqual(posted, []);
});

test('threat 1: a success of an approved order that no relay signed is not believed', async (t) => {
  const { waits, show, approve, answers } = await start(t);
  show(await waits());
  answers(({ digest }) => ({
    state: 'succeeded',
    ended_at: Date.now(),
    intents: [digest],
    sentence: 'Gaming is off.',
  }));
  const ran = await approve();
  assert.deepEqual([ran.exit, /\(outcome_unproven\)/.test(ran.err)], [3, true], ran.err);
});

test('threat 1: another command than the one that was named is not approved', async (t) => {
  const { waits, show, approve, posted } = await start(t);
  show(await waits({ command: { id: 'cmd_01JD8Q3S5T7V9W0X1Y2Z3A4B5D' } }));
  const ran = await approve();
  assert.deepEqual([ran.exit, /\(approval_over\)/.test(ran.err)], [3, true], ran.err);
  assert.deepEqual(posted, []);
});

test('threat 1: a runbook that this computer does not know is approved by its steps alone', async (t) => {
  const { waits, show, approve, posted, writ } = await start(t);
  show(await waits({ command: { order: { runbook: 'tidy-up' } } }));
  const blind = await approve();
  assert.deepEqual([blind.exit, /\(runbook_not_kept\)/.test(blind.err)], [3, true], blind.err);
  // Of one that it knows, other steps are not signed whatever is asked.
  show(await waits({ command: { order: { runbook: 'start-gaming' } } }));
  const other = await writ('approve', id, '--yes');
  assert.deepEqual([other.exit, /\(plan_exceeds_order\)/.test(other.err)], [3, true], other.err);
  assert.deepEqual(posted, []);
});

test('the list says of what cannot be signed why not, by its bytes', async (t) => {
  const { waits, show, writ } = await start(t);
  const other = await waits({ steps: [stop('devtop')] });
  show({ ...other, command: (await waits()).command });
  const ran = await writ('approvals');
  assert.match(ran.out, /stop gaming: cannot be signed, it would also stop devtop/);
  const listed = JSON.parse((await writ('approvals', '--json')).out) as { approvals: { digest: null }[] };
  assert.equal(listed.approvals[0]!.digest, null);
});
