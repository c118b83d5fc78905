import { createState } from '../../relay/agent/state-files.ts';
import { generateKey, type SigningKey } from '../../schema/jose/keys.ts';
import type { Identity, TrustDocument } from '../../schema/trust/document.ts';
import { acceptFirstTrust, type Trust } from '../../schema/trust/read.ts';
import type { ReceiptState } from '../../schema/wire/receipt.ts';
import { createMemoryDisk, createTestClock, type MemoryDisk, quietLog } from '../relay/agent/fixture.ts';
import { makeTestHome, type TestHome } from '../support/relay-home.ts';
import { commands, dawn, doer, guests, house, knownActions, type Law, laws, releaseOf } from './law.ts';
import type { Attestation, Token } from './law-github.ts';
import { type IntentDraft, type Paper, type ReleaseDraft, writePaper, writeRelease } from './papers.ts';
import { notaryOf, recordRuns, workflowsOf } from './world-github.ts';

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
  /** Tokens that runs of workflows were given, and what a notary said of them. */
  readonly tokens: readonly Token[];
  readonly attestations: readonly Attestation[];
  /** A disk on which pve2 was just enrolled. */
  readonly disk: MemoryDisk;
};

const minute = 60_000;

export async function makeWorld(): Promise<World> {
  const home = await makeTestHome({ origins: [{ url: 'https://writ.example.net' }], house });
  const second = (await generateKey()).signing;
  const stranger = (await generateKey()).signing;
  const relayKeys = { pve1: home.relays.pve1!.signing, pve2: home.relays.pve2!.signing };

  const everything = [...knownActions, releaseOf].flatMap((action) =>
    ['pve2', 'pve1', ...guests, ...commands]
      .filter((target) => doer(action, target) !== null)
      .map((target) => ({ action, target })),
  );
  const identitiesOf = (document: TrustDocument, law: Law): Record<string, Identity> => ({
    pve1: notaryOf(document, law),
    pve2: document.identities.pve2!,
    ...workflowsOf(law),
    controller: {
      kind: 'key',
      jwk: home.controller.jwk,
      // Whatever stands there of releases is worth nothing.
      may: [
        ...law.controller.map((grant) => ({ ...grant, on: [...grant.on] })),
        { action: releaseOf, on: [...guests], limit: '100/1h', paths: ['/**'] },
      ],
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
  const byOperator = (draft: IntentDraft, relay: Parameters<typeof writePaper>[4] = null) =>
    writePaper(home.id, draft, 'operator-first', home.operator, relay);
  const released = (draft: ReleaseDraft) => writeRelease(home.id, draft, 'operator-first', home.operator);
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
    // Releases, one after the other and side by side, some for the same targets and with the same number.
    await released({ targets: ['websvcs'], number: 1 }),
    await released({ targets: ['websvcs', 'files'], number: 2 }),
    await released({ targets: ['websvcs'], number: 2 }),
    await released({ targets: ['files', 'websvcs'], number: 3 }),
    await released({ targets: ['pve1', 'websvcs'], number: 4 }),
    await released({ targets: ['gaming', 'websvcs'], number: 5 }),
    await released({ targets: ['devtop', 'files'], number: 6, relays: { devtop: 'pve1' } }),
    await released({ targets: ['files'], number: 7, issued: dawn - minute }),
    await released({ targets: ['files'], number: 8, issued: dawn + 90 * minute }),
    await released({ targets: ['files'], number: 9, home: 'h_01HZZZZZZZZZZZZZZZZZZZZZZZ' }),
    // The replaced operator's successor, whose words hold only under the last version.
    await writePaper(
      home.id,
      { steps: [{ action: 'guest.suspend', target: 'files' }] },
      'operator-second',
      second,
    ),
    await writeRelease(home.id, { targets: ['websvcs'], number: 3 }, 'operator-second', second),
  ];
  const runs = await recordRuns(home, stranger);
  recorded.push(...runs.papers);
  const { tokens, attestations } = runs;
  return {
    tokens,
    attestations,
    home,
    controller: home.controller,
    relayKeys,
    stranger,
    trusts,
    recorded,
    disk,
  };
}
