import { createState } from '../../relay/agent/state-files.ts';
import { encodeBase64url } from '../../schema/jose/base64url.ts';
import { type Digest, digestOf, toBytes } from '../../schema/jose/digest.ts';
import { signJws } from '../../schema/jose/jws.ts';
import { generateKey, type SigningKey } from '../../schema/jose/keys.ts';
import type { Identity, TrustDocument } from '../../schema/trust/document.ts';
import { acceptFirstTrust, type Trust } from '../../schema/trust/read.ts';
import type { Intent, Step } from '../../schema/wire/intent.ts';
import type { Receipt, ReceiptState } from '../../schema/wire/receipt.ts';
import { createMemoryDisk, createTestClock, type MemoryDisk, quietLog } from '../relay/agent/fixture.ts';
import { makeTestHome, type TestHome, testNonce } from '../support/relay-home.ts';
import { type Author, dawn, doer, guests, house, knownActions, type Law, laws } from './law.ts';

/** An intent that the adversary has in hand, with who truly authorised it. */
export type Paper = {
  readonly intent: Intent;
  readonly digest: Digest;
  /** Its bytes as a job carries them. */
  readonly text: string;
  readonly authorisation: string;
  readonly author: Author;
  /** Receipts that the relay of another step truly signed: step → state. */
  readonly ended: ReadonlyMap<number, ReceiptState>;
  readonly receipts: readonly string[];
};

/** Made once and used by every trace: keys, the owner's trust, recorded traffic, an enrolled relay. */
export type World = {
  readonly home: TestHome;
  readonly controller: SigningKey;
  readonly relayKeys: { readonly pve1: SigningKey; readonly pve2: SigningKey };
  readonly stranger: SigningKey;
  /** By version, from 1. */
  readonly trusts: readonly Trust[];
  /** The operator's own intents, as recorded. */
  readonly recorded: readonly Paper[];
  /** A disk on which pve2 was just enrolled. */
  readonly disk: MemoryDisk;
};

const minute = 60_000;

type Draft = { steps: readonly Partial<Step>[]; issued?: number; lifeMs?: number; home?: string };

export async function writePaper(
  home: string,
  draft: Draft,
  author: Author,
  key: SigningKey,
  relay: { key: SigningKey; ends: ReadonlyMap<number, ReceiptState> } | null = null,
): Promise<Paper> {
  const issued = draft.issued ?? dawn + minute;
  const intent: Intent = {
    home: draft.home ?? home,
    steps: draft.steps.map((step) => {
      const { action = 'guest.start', target = 'gaming' } = step;
      return { relay: doer(action, target) ?? 'pve2', action, target, params: {}, after: [], ...step };
    }),
    nonce: testNonce(),
    issued_at: issued,
    expires: issued + (draft.lifeMs ?? 2 * 60 * minute),
  };
  const bytes = toBytes(JSON.stringify(intent));
  const digest = await digestOf('intent', bytes);
  const claim = { home: intent.home, kind: 'intent', digest };
  const receipts: string[] = [];
  for (const [index, state] of relay?.ends ?? []) {
    receipts.push(await signReceiptOf(home, intent, digest, index, state, relay!.key));
  }
  return {
    intent,
    digest,
    text: encodeBase64url(bytes),
    authorisation: await signJws('intent', claim, key),
    author,
    ended: relay?.ends ?? new Map(),
    receipts,
  };
}

/** A receipt of a step, signed by whoever holds the key. */
export function signReceiptOf(
  home: string,
  intent: Intent,
  digest: Digest,
  index: number,
  state: ReceiptState,
  key: SigningKey,
): Promise<string> {
  const step = intent.steps[index]!;
  const receipt: Receipt = {
    home,
    relay: step.relay,
    seq: 7,
    previous: digest,
    intent: digest,
    step: index,
    action: step.action,
    target: step.target,
    state,
    code: state === 'succeeded' || state === 'started' ? null : 'told',
    result: state === 'succeeded' ? {} : null,
    time: dawn + 2 * minute,
    boot: 'boot-1',
  };
  return signJws('receipt', receipt, key);
}

export async function makeWorld(): Promise<World> {
  const home = await makeTestHome({ origins: [{ url: 'https://writ.example.net' }], house });
  const second = (await generateKey()).signing;
  const stranger = (await generateKey()).signing;
  const relayKeys = { pve1: home.relays.pve1!.signing, pve2: home.relays.pve2!.signing };

  const everything = knownActions.flatMap((action) =>
    ['pve2', ...guests]
      .filter((target) => doer(action, target) !== null)
      .map((target) => ({ action, target })),
  );
  const identitiesOf = (document: TrustDocument, law: Law): Record<string, Identity> => ({
    ...document.identities,
    controller: {
      kind: 'key',
      jwk: home.controller.jwk,
      may: law.controller.map((grant) => ({ ...grant, on: [...grant.on] })),
    },
    operator: {
      kind: 'key',
      jwk: law.operatorKey === 'first' ? home.operator.jwk : second.jwk,
      may: everything
        .filter(({ action, target }) => !law.operatorMayNot.includes(`${action}@${target}`))
        .map(({ action, target }) => ({ action, on: [target] })),
    },
  });
  const trusts: Trust[] = [];
  for (const law of laws) {
    const amended = await home.amend((document) => ({
      ...document,
      expires: new Date(law.expires).toISOString().replace('.000Z', 'Z'),
      identities: identitiesOf(document, law),
    }));
    trusts.push(amended);
  }

  const clock = createTestClock(dawn);
  const disk = createMemoryDisk();
  const first = await acceptFirstTrust(trusts[0]!.jws, { digest: trusts[0]!.digest });
  if (!first.ok) throw new Error(first.reason);
  const made = await createState(
    { disk, clock, log: quietLog() },
    { relay: 'pve2', secret: home.relays.pve2!.secret, trust: first.value },
  );
  if (!made.ok) throw new Error(made.reason);

  const ends = (...pairs: [number, ReceiptState][]) => ({ key: relayKeys.pve1, ends: new Map(pairs) });
  const byOperator = (draft: Draft, relay: Parameters<typeof writePaper>[4] = null) =>
    writePaper(home.id, draft, 'operator-first', home.operator, relay);
  const wake = { action: 'host.wake', target: 'pve2' };
  const after = (step: number, condition: 'succeeded' | 'ended' = 'succeeded') => ({ step, if: condition });
  const recorded = [
    await byOperator({ steps: [{ action: 'guest.stop', target: 'files' }] }),
    await byOperator({ steps: [{ action: 'guest.stop', target: 'websvcs' }] }),
    await byOperator({
      steps: [
        { action: 'guest.shutdown-in-use', target: 'devtop', params: { timeout_s: 60 } },
        { action: 'guest.start', target: 'gaming', after: [after(0)] },
      ],
    }),
    await byOperator(
      { steps: [wake, { action: 'guest.reboot', target: 'websvcs', after: [after(0)] }] },
      ends([0, 'succeeded']),
    ),
    await byOperator(
      { steps: [wake, { action: 'host.reboot', target: 'pve2', after: [after(0)] }] },
      ends([0, 'failed']),
    ),
    await byOperator(
      { steps: [wake, { action: 'guest.suspend', target: 'websvcs', after: [after(0, 'ended')] }] },
      ends([0, 'failed']),
    ),
    await byOperator(
      { steps: [wake, { action: 'guest.resume', target: 'websvcs', after: [after(0, 'ended')] }] },
      ends([0, 'started']),
    ),
    await byOperator({ steps: [{ action: 'guest.suspend', target: 'files' }] }),
    await byOperator({ steps: [{ action: 'guest.stop', target: 'gaming' }], lifeMs: 3 * minute }),
    await byOperator({ steps: [{ action: 'guest.stop', target: 'gaming' }], issued: dawn + 90 * minute }),
    await byOperator({ steps: [{ action: 'guest.stop', target: 'gaming' }], issued: dawn - minute }),
    await byOperator({
      steps: [{ action: 'guest.stop', target: 'devtop' }],
      home: 'h_01HZZZZZZZZZZZZZZZZZZZZZZZ',
    }),
    // The replaced operator's successor, whose words hold only under the last version.
    await writePaper(
      home.id,
      { steps: [{ action: 'guest.suspend', target: 'files' }] },
      'operator-second',
      second,
    ),
  ];
  return { home, controller: home.controller, relayKeys, stranger, trusts, recorded, disk };
}
