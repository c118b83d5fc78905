import fc from 'fast-check';
import { commands, guests, knownActions, laws, releaseOf } from './law.ts';

const pick = fc.nat(10_000);
const jobFaults = [
  'relay',
  'home',
  'old_session',
  'strange_session',
  'same_seq',
  'jump_seq',
  'expired',
  'far_exp',
  'by_stranger',
  'by_relay',
  'bad_step',
  'other_kind',
] as const;
/** How a paper is shown: as it is, or with an authorisation or bytes that are not its own. */
export const papersWays = ['own', 'other', 'restamped', 'by_relay', 'by_stranger', 'altered'] as const;
/** Tokens in the place of its own: recorded ones, such as anybody may have GitHub sign, and forged ones. */
export const tokenWays = [
  'recorded',
  'status',
  'foreign_repository',
  'other_workflow',
  'other_ref',
  'pull_request',
  'reusable',
  'other_environment',
  'self_hosted',
  'forged',
  'enterprise',
  'enterprise_as_github',
  'rebound',
  'header',
] as const;
/** Words of a notary beside it. */
export const timeWays = ['own', 'other', 'controller', 'relay', 'stranger', 'bent', 'home'] as const;
/** Which receipts are put beside it. */
export const receiptWays = ['known', 'none', 'forged', 'foreign'] as const;

const usually = <T>(weight: number, value: T, ...others: readonly unknown[]) =>
  fc.oneof({ weight, arbitrary: fc.constant(value) }, fc.constantFrom(...(others as readonly T[])));

const orderOp = fc.record({
  op: fc.constant('order' as const),
  paper: pick,
  step: fc.nat(2),
  fault: usually<(typeof jobFaults)[number] | null>(6, null, ...jobFaults),
  authorisation: fc.oneof(
    { weight: 4, arbitrary: fc.constant('own' as const) },
    fc.constantFrom(...papersWays),
    fc.constantFrom(...tokenWays),
  ),
  time: usually<(typeof timeWays)[number] | null>(4, null, ...timeWays),
  receipts: fc.oneof(
    { weight: 3, arbitrary: fc.constant('known' as const) },
    fc.constantFrom(...receiptWays),
  ),
  twice: fc.oneof({ weight: 3, arbitrary: fc.constant(false) }, fc.constant(true)),
});

/** What the controller may order by itself under some version of the law. */
const granted = fc.constantFrom(
  { action: 'guest.start', target: 'gaming' },
  { action: 'guest.start', target: 'devtop' },
  { action: 'guest.shutdown', target: 'gaming' },
  { action: 'guest.shutdown', target: 'devtop' },
  { action: 'host.shutdown', target: 'pve2' },
  { action: 'host.wake', target: 'pve2' },
  { action: 'app.command', target: 'websvcs/wiki/reindex' },
);
const anything = fc.record({
  action: fc.constantFrom(...knownActions, releaseOf, 'guest.destroy', 'constructor.name'),
  target: fc.constantFrom(...guests, ...commands, 'pve2', 'pve1', 'nobody', 'nobody/wiki/reindex'),
});

const draftStep = fc
  .tuple(
    fc.oneof({ weight: 5, arbitrary: granted }, anything),
    usually<string | undefined>(12, undefined, 'pve1', 'pve2', 'cloud'),
    usually<Record<string, unknown>>(
      8,
      {},
      { timeout_s: 20 },
      { timeout_s: 1e5 },
      { force: true },
      { timeout_s: '20' },
    ),
    fc.boolean(),
  )
  .map(([what, relay, params, after]) => ({ ...what, relay, params, after }));

const mintOp = fc.record({
  op: fc.constant('mint' as const),
  steps: fc.array(draftStep, { minLength: 1, maxLength: 3 }),
  by: usually<'controller' | 'stranger' | 'relay'>(6, 'controller', 'stranger', 'relay'),
  issuedMin: usually(5, 0, -30, 30, -1000),
  lifeMin: usually(5, 15, 1, 600, 10_000),
});

const releaseOp = fc.record({
  op: fc.constant('release' as const),
  targets: fc.uniqueArray(fc.constantFrom(...guests, 'pve1', 'pve2', 'nobody'), {
    minLength: 1,
    maxLength: 2,
  }),
  number: fc.nat(10),
  by: usually<'controller' | 'stranger' | 'relay'>(4, 'controller', 'stranger', 'relay'),
});

const runOp = fc.record({
  op: fc.constant('run' as const),
  targets: fc.uniqueArray(fc.constantFrom('websvcs', 'files', 'websvcs', 'devtop', 'gaming'), {
    minLength: 1,
    maxLength: 2,
  }),
  run: fc.nat(12),
  attempt: usually(4, 1, 2),
  signer: usually<'github' | 'enterprise'>(4, 'github', 'enterprise'),
  environment: usually(4, 'home', 'other'),
});

const op = fc.oneof(
  { weight: 3, arbitrary: runOp },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('attest' as const), token: pick }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('next' as const), paper: pick }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('late' as const), paper: pick }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('issuers' as const), up: usually(2, true, false) }) },
  { weight: 10, arbitrary: orderOp },
  { weight: 5, arbitrary: mintOp },
  { weight: 2, arbitrary: releaseOp },
  {
    weight: 2,
    arbitrary: fc.record({ op: fc.constant('releases' as const), first: pick, second: pick }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      op: fc.constant('spree' as const),
      what: granted,
      count: fc.integer({ min: 2, max: 5 }),
      together: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('replay' as const), job: pick }) },
  {
    weight: 1,
    arbitrary: fc.record({
      op: fc.constant('mutate' as const),
      job: pick,
      how: fc.constantFrom('flip', 'pad', 'space', 'newline', 'swap_payload'),
      at: pick,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ op: fc.constant('trust' as const), version: fc.nat(laws.length - 1) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ op: fc.constant('time' as const), minutes: fc.constantFrom(1, 4, 12, 31, 61) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ op: fc.constant('clock' as const), minutes: fc.constantFrom(-120, -10, 10, 900) }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('crash' as const), reboot: fc.boolean() }) },
  {
    weight: 1,
    arbitrary: fc.record({
      op: fc.constant('outcome' as const),
      next: fc.constantFrom('succeed' as const, 'fail' as const, 'hang' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('disk' as const), full: fc.boolean() }) },
);
/** One thing that the adversary does. */
export type Op = typeof op extends fc.Arbitrary<infer T> ? T : never;

/** What an adversary with the controller's key and all recorded traffic may try, one thing after the other. */
export const traces: fc.Arbitrary<Op[]> = fc.array(op, { minLength: 1, maxLength: 14, size: 'max' });
