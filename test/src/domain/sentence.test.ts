import assert from 'node:assert/strict';
import { test } from 'node:test';
import { actingCodes } from '../../../schema/api/acting-codes.ts';
import { codeCard } from '../../../schema/api/codes.ts';
import { commandStates, type Order } from '../../../schema/api/orders.ts';
import type { Command, StepRecord } from '../../../src/domain/command.ts';
import { phraseOf, phrases } from '../../../src/domain/phrases.ts';
import { commandSentence } from '../../../src/domain/sentence.ts';
import { testHouse } from '../../support/relay-home.ts';

const names = { house: testHouse, runbooks: { night: { title: 'Night', steps: [] } } };
const digest = `sha256:${'a'.repeat(64)}`;

function step(index: number, action: string, target: string, change: Partial<StepRecord> = {}): StepRecord {
  return {
    intent: digest,
    attempt: 0,
    step: index,
    relay: action === 'host.wake' ? 'pve1' : 'pve2',
    action,
    target,
    params: {},
    after: [],
    state: 'succeeded',
    code: null,
    result: { already: false },
    receipted: true,
    queuedAt: 0,
    sentAt: 0,
    startedAt: change.state === 'refused' || change.state === 'expired' ? null : 1,
    endedAt: null,
    ...change,
  };
}

const sentence = (state: Command['state'], steps: readonly StepRecord[], order?: Order): string =>
  commandSentence(
    {
      id: 'cmd_1',
      order: order ?? { action: steps.at(-1)!.action, target: steps.at(-1)!.target, params: {} },
      state,
      code: null,
      principal: 'operator',
      createdAt: 0,
      endedAt: null,
      dueAt: null,
      revision: 1,
      intents: [{ digest, attempt: 0, signer: 'controller', issuedAt: 0, expires: 1 }],
      steps,
    },
    names,
  );

const woken = { result: { packets: 9, took_ms: 41_000 } };
const waiting = { state: 'waiting', startedAt: null } as const;
const skipped = { state: 'skipped', code: 'skipped', startedAt: null } as const;

const cases: readonly [string, Parameters<typeof sentence>][] = [
  ['The tower is awake; it took 41 s.', ['succeeded', [step(0, 'host.wake', 'pve2', woken)]]],
  ['Gaming is running.', ['succeeded', [step(0, 'guest.start', 'gaming')]]],
  [
    'Gaming was running already.',
    ['succeeded', [step(0, 'guest.start', 'gaming', { result: { already: true } })]],
  ],
  ['Devtop is off.', ['succeeded', [step(0, 'guest.shutdown', 'devtop')]]],
  [
    'Reindex of wiki on websvcs has run; it took 41 s.',
    ['succeeded', [step(0, 'app.command', 'websvcs/wiki/reindex', { result: { took_ms: 41_000 } })]],
  ],
  [
    'Could not run reindex of wiki on websvcs: websvcs is not running. Nothing was changed.',
    [
      'refused',
      [step(0, 'app.command', 'websvcs/wiki/reindex', { state: 'refused', code: 'guest_not_running' })],
      { action: 'app.command', target: 'websvcs/wiki/reindex', params: {} },
    ],
  ],
  ['Gaming is running.', ['succeeded', [step(0, 'guest.start', 'gaming', { result: null })]]],
  [
    'Could not start gaming: devtop is in use. Nothing was changed.',
    [
      'refused',
      [
        step(0, 'guest.shutdown', 'devtop', { state: 'refused', code: 'in_use' }),
        step(1, 'guest.start', 'gaming', skipped),
      ],
    ],
  ],
  [
    'Could not start gaming: devtop is in use. Nothing was changed after that.',
    [
      'refused',
      [
        step(0, 'host.wake', 'pve2', woken),
        step(1, 'guest.shutdown', 'devtop', { state: 'refused', code: 'in_use' }),
        step(2, 'guest.start', 'gaming', skipped),
      ],
    ],
  ],
  [
    'Could not run “Night”: devtop did not shut down in time, and still runs. The steps after it were done.',
    [
      'failed',
      [
        step(0, 'guest.shutdown', 'devtop', { state: 'failed', code: 'guest_did_not_stop' }),
        step(1, 'guest.start', 'files'),
      ],
      { runbook: 'night' },
    ],
  ],
  [
    'Could not start gaming: the tower did not take the order in time. Nothing was changed.',
    ['expired', [step(0, 'guest.start', 'gaming', { state: 'expired', code: 'expired' })]],
  ],
  [
    'Nobody can say whether it was possible to start gaming: the tower was interrupted, and cannot tell what came of it.',
    ['unknown', [step(0, 'guest.start', 'gaming', { state: 'unknown', code: 'interrupted' })]],
  ],
  [
    'The tower is powering off; its next boot will confirm it.',
    ['unconfirmed', [step(0, 'host.shutdown', 'pve2', { state: 'started' })]],
  ],
  [
    'The tower began to start gaming, and has not been heard of since.',
    ['unconfirmed', [step(0, 'guest.start', 'gaming', { state: 'started' })]],
  ],
  [
    'Waiting for pve1 to wake the tower (step 1 of 2).',
    [
      'running',
      [
        step(0, 'host.wake', 'pve2', { state: 'queued', startedAt: null }),
        step(1, 'guest.start', 'gaming', waiting),
      ],
    ],
  ],
  [
    'The tower is about to start gaming.',
    ['running', [step(0, 'guest.start', 'gaming', { state: 'started' })]],
  ],
  [
    'Could not start gaming: it ended with the code some_new_code. Nothing was changed after that.',
    ['failed', [step(0, 'guest.start', 'gaming', { state: 'failed', code: 'some_new_code' })]],
  ],
];

for (const [expected, given] of cases) {
  test(`${given[0]}: ${expected}`, () => {
    assert.equal(sentence(...given), expected);
  });
}

test('every state has a sentence that ends as one', () => {
  for (const state of commandStates) {
    const said = sentence(state, [step(0, 'guest.start', 'gaming', { state: 'failed', code: null })]);
    assert.match(said, /^[A-Z].*\.$/, state);
  }
});

test('every phrase is of a code that the documentation explains', () => {
  const unexplained = Object.keys(phrases).filter((code) => codeCard(code) === undefined);
  assert.deepEqual(unexplained, []);
});

test('every code that acting ends in has a phrase, and none finds the language’s own names', () => {
  const without = Object.keys(actingCodes).filter((code) => !Object.hasOwn(phrases, code));
  assert.deepEqual(without, []);
  const names_ = { target: 'x', relay: 'y' };
  assert.equal(phraseOf('constructor', names_), 'it ended with the code constructor');
});

test('what waits says how it is approved and until when; what ended without a step says why', () => {
  const said = (change: Partial<Command>): string =>
    commandSentence(
      {
        id: 'cmd_1',
        order: { action: 'guest.stop', target: 'gaming', params: {} },
        state: 'waiting',
        code: null,
        principal: 'token:phone',
        createdAt: 0,
        endedAt: null,
        dueAt: Date.UTC(2026, 10, 29, 19, 15),
        revision: 1,
        intents: [],
        steps: [],
        ...change,
      },
      names,
    );
  assert.equal(said({}), 'It waits for your approval to stop gaming: writ approve cmd_1, until 19:15 UTC.');
  for (const [code, why] of [
    ['approval_denied', 'it was not approved'],
    ['token_revoked', 'the token that asked for it was revoked'],
    ['trust_changed', 'the trust document was changed meanwhile'],
  ] as const) {
    assert.equal(said({ state: 'refused', code }), `Could not stop gaming: ${why}. Nothing was changed.`);
  }
});
