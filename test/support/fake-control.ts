import type { TokenView } from '../../schema/api/access.ts';
import type { DeploymentView } from '../../schema/api/deployments.ts';
import type { CommandView, Order } from '../../schema/api/orders.ts';
import { ulidOf } from '../../schema/wire/ids.ts';
import type { Control, ControlEvent } from '../../src/control/control.ts';
import { refused } from '../../src/domain/errors.ts';
import { noGithub } from './no-github.ts';
import type { TestHome } from './relay-home.ts';

/** A call that reached the control plane behind HTTP: nothing that is refused at HTTP may be here. */
export type ControlCall = { readonly name: string; readonly args: readonly unknown[] };

export type FakeControl = {
  readonly control: Control;
  readonly calls: readonly ControlCall[];
  readonly tokens: Map<string, TokenView>;
  readonly leaked: readonly string[];
  readonly commands: Map<string, CommandView>;
  /** Gives an event to everybody who follows. */
  emit(event: ControlEvent): void;
  /** Replaces what one use case does. */
  override<K extends keyof Control>(part: K, change: Partial<Control[K]>): void;
};

let made = 0;

export function makeCommand(order: Order, state: CommandView['state'] = 'running'): CommandView {
  made += 1;
  return {
    id: `cmd_${ulidOf(1_760_000_000_000 + made, new Uint8Array(10))}`,
    order,
    state,
    code: null,
    sentence: state === 'running' ? 'The tower is being woken.' : 'The tower is awake; it took 41 s.',
    principal: 'token:phone',
    created_at: 1_760_000_000_000,
    ended_at: null,
    intents: [],
    steps: [],
    receipts: [],
  };
}

/** A deployment of nothing, on its way unless it is said when it ended. */
export const makeDeployment = (endedAt: number | null = null): DeploymentView => ({
  id: 'dep_01ARZ3NDEKTSV4RRFFQ69G5FAV',
  digest: `sha256:${'0'.repeat(64)}`,
  order: {
    v: 1,
    home: 'h_00000000000000000000000000',
    release: `sha256:${'0'.repeat(64)}`,
    commit: null,
    order: { run_id: 0, run_attempt: 0, desk: 1 },
    issued_at: 0,
    parts: [{ relay: 'pve2', target: 'websvcs', digest: `sha256:${'0'.repeat(64)}` }],
  },
  principal: 'operator',
  created_at: 1_760_000_000_000,
  ended_at: endedAt,
  sentence: 'Release 0000000 waits for websvcs.',
  targets: [],
  receipts: [],
});

/** The use cases as HTTP sees them, over nothing: answers have the right shapes, calls are written down. */
export function fakeControl(home: TestHome | null): FakeControl {
  const calls: ControlCall[] = [];
  const tokens = new Map<string, TokenView>();
  const leaked: string[] = [];
  const commands = new Map<string, CommandView>();
  const nonces = new Set<string>();
  const followers = new Set<(event: ControlEvent) => void>();
  const note = (name: string, ...args: readonly unknown[]): void => {
    calls.push({ name, args });
  };
  const accept = (name: string, order: Order, args: readonly unknown[]) => {
    note(name, ...args);
    const command = makeCommand(order);
    commands.set(command.id, command);
    return { ok: true as const, value: { command, replayed: false } };
  };
  const digest = `sha256:${'0'.repeat(64)}`;

  const control: { -readonly [K in keyof Control]: Control[K] } = {
    github: noGithub.keys,
    setup: {
      claimed: async () => home !== null,
      claim: async (request) => {
        note('setup.claim', request);
        return { ok: true, value: { home: 'h_00000000000000000000000000', version: 1 } };
      },
    },
    trust: {
      current: async () => home?.trust() ?? null,
      chain: async (after) => home?.chain(after) ?? { versions: [] },
      upload: async (...args) => {
        note('trust.upload', ...args);
        return { ok: true, value: { version: 2, digest } };
      },
    },
    orders: {
      order: async (...args) => accept('orders.order', args[1], args),
      plan: async (...args) => {
        note('orders.plan', ...args);
        const order = args[1];
        return {
          ok: true,
          value: { order, intent: 'e30', digest, steps: [], controller_may: true, notes: [] },
        };
      },
      submit: async (...args) => accept('orders.submit', args[1].order, args),
      command: async (id) => commands.get(id) ?? null,
      commands: async () => [...commands.values()],
      wait: async (id) => commands.get(id) ?? null,
    },
    approvals: {
      list: async () => [],
      approve: async (...args) => {
        note('approvals.approve', ...args);
        const command = commands.get(args[1]);
        return command === undefined
          ? refused('command_unknown', 'There is no such command.')
          : { ok: true, value: { command, replayed: false } };
      },
      deny: async (...args) => {
        note('approvals.deny', ...args);
        const command = commands.get(args[1]);
        return command === undefined
          ? refused('command_unknown', 'There is no such command.')
          : { ok: true, value: command };
      },
    },
    releases: {
      missing: async (digests) => digests,
      putBlob: async (...args) => note('releases.putBlob', ...args),
      blob: async () => new Uint8Array([1, 2, 3]),
      blobFor: async (...args) => {
        note('releases.blobFor', ...args);
        return new Uint8Array([1, 2, 3]);
      },
      release: async (...args) => {
        note('releases.release', ...args);
        return { ok: true, value: { deployment: makeDeployment(), replayed: false } };
      },
      deployment: async () => makeDeployment(),
      deployments: async () => [makeDeployment()],
      wait: async () => makeDeployment(1_760_000_000_001),
      targets: async () => ({ targets: [], next: { run_id: 0, run_attempt: 0, desk: 1 } }),
    },
    house: {
      status: async () => ({
        home: home?.id ?? '',
        time: 0,
        sentence: 'All is well.',
        warnings: [],
        hosts: [],
        guests: [],
      }),
      hosts: async () => [],
      guests: async () => [],
      relays: async () => [],
      reports: async () => [],
      runbooks: async () => [],
      file: async () => ({
        v: 1,
        hosts: {},
        guests: {},
        runbooks: {},
        limits: { power: '6/1h', guests: '20/1h' },
      }),
      upload: async (...args) => {
        note('house.upload', ...args);
        return { ok: true, value: true };
      },
    },
    enrolment: {
      registerCode: async (...args) => {
        note('enrolment.registerCode', ...args);
        return { ok: true, value: true };
      },
      enrol: async (request) => {
        note('enrolment.enrol', request);
        return refused('code_unknown', 'Nobody registered this code.');
      },
      pending: async () => null,
    },
    relay: {
      poll: async (relay, request) => {
        note('relay.poll', relay, request);
        return {
          ok: true,
          value: {
            heartbeat: 'h',
            jobs: [],
            evidence: [],
            trust_version: 1,
            report_wanted: false,
            receipts_seq: 0,
            last_receipt: null,
          },
        };
      },
      times: async (...args) => {
        note('relay.times', ...args);
      },
      receipts: async (...args) => {
        note('relay.receipts', ...args);
        return { ok: true, value: { receipts_seq: 1 } };
      },
      report: async (...args) => {
        note('relay.report', ...args);
        return { ok: true, value: true };
      },
    },
    tokens: {
      create: async (...args) => {
        note('tokens.create', ...args);
        const { name, scope } = args[1];
        const view = makeTokenView(`tok_${ulidOf(1, new Uint8Array(10))}`, name, scope);
        return { ok: true, value: { view, token: 'the token' } };
      },
      list: async () => [...tokens.values()],
      revoke: async (...args) => {
        note('tokens.revoke', ...args);
        const view = tokens.get(args[1]);
        return view === undefined
          ? refused('token_unknown', 'There is no such token.')
          : { ok: true, value: view };
      },
      revokeLeaked: async (id) => {
        leaked.push(id);
        const view = tokens.get(id);
        if (view !== undefined) tokens.set(id, { ...view, revoked_at: 1 });
      },
      use: async (id) => {
        const view = tokens.get(id);
        if (view === undefined) return refused('token_unknown', 'There is no such token.');
        if (view.revoked_at !== null) return refused('token_revoked', 'The token was revoked.');
        return { ok: true, value: view };
      },
    },
    audit: {
      page: async () => ({ entries: [], head: { seq: 0, hash: digest } }),
      head: async () => ({ seq: 0, hash: digest }),
      export: async function* () {},
      events: async function* (_after, signal) {
        const waiting: ControlEvent[] = [];
        let wake = (): void => {};
        const take = (event: ControlEvent): void => {
          waiting.push(event);
          wake();
        };
        const stop = (): void => wake();
        followers.add(take);
        signal.addEventListener('abort', stop);
        try {
          while (!signal.aborted) {
            const event = waiting.shift();
            if (event !== undefined) yield event;
            else {
              await new Promise<void>((resolve) => {
                wake = resolve;
              });
            }
          }
        } finally {
          followers.delete(take);
        }
      },
      note: async (...args) => note('audit.note', ...args),
    },
    upkeep: {
      metrics: async () => ({
        commands: {
          waiting: 0,
          running: 1,
          succeeded: 2,
          failed: 0,
          refused: 0,
          unknown: 0,
          expired: 0,
          unconfirmed: 0,
        },
        hosts: [],
        guests: [],
        queued: 1,
        oldestQueuedMs: 1500,
        running: 1,
        parkedPolls: 3,
        deploymentTargets: {
          pending: 1,
          staged: 0,
          activated: 0,
          healthy: 4,
          'rolled-back': 0,
          failed: 0,
          superseded: 2,
        },
        targets: [],
        relays: [
          { name: 'pve1', lastSeenMs: 1_760_000_000_000, receiptsSeq: 4, trustVersion: 1, refusedJobs: 0 },
        ],
        auditSeq: 7,
        trustVersion: 1,
        trustLeftMs: 1000,
        tokens: 1,
      }),
      rememberProofNonce: async (kid, nonce) => {
        const key = `${kid}.${nonce}`;
        if (nonces.has(key)) return false;
        nonces.add(key);
        return true;
      },
      sweep: async () => null,
      run: async () => {},
      healthy: async () => true,
    },
  };
  return {
    control,
    calls,
    tokens,
    leaked,
    commands,
    emit: (event) => {
      for (const take of followers) take(event);
    },
    override: (part, change) => {
      control[part] = { ...control[part], ...change };
    },
  };
}

export const makeTokenView = (id: string, name: string, scope: readonly string[]): TokenView => ({
  id,
  name,
  scope: [...scope],
  created_at: 1_700_000_000_000,
  expires_at: 1_900_000_000_000,
  revoked_at: null,
  last_used_at: null,
});
