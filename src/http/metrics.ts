import type { Metrics } from '../control/control.ts';

type Sample = { readonly labels?: Readonly<Record<string, string>>; readonly value: number | null };

type Target = Metrics['targets'][number];

const asNumber = (is: boolean | null): number | null => (is === null ? null : Number(is));

/** What is told of each target of releases. */
const targetMetrics: readonly (readonly [string, string, (target: Target, now: number) => number | null])[] =
  [
    [
      'deployed',
      'Whether the target runs what its newest release says.',
      ({ deployed }) => asNumber(deployed),
    ],
    ['healthy', 'Whether all services of the target run.', ({ healthy }) => asNumber(healthy)],
    ['synced', 'Whether all files of the target are as released.', ({ synced }) => asNumber(synced)],
    ['drifted', 'Things of the target that are not as released.', ({ drifted }) => drifted],
    [
      'last_success_timestamp_seconds',
      'When a release last came up on the target.',
      ({ healthyAt }) => healthyAt && healthyAt / 1000,
    ],
    [
      'last_success_age_seconds',
      'How long ago a release last came up on the target.',
      ({ healthyAt }, now) => healthyAt && (now - healthyAt) / 1000,
    ],
  ];

/** Metrics in Prometheus' text format 0.0.4, as of a time in ms. What is not known is left out. */
export function formatMetrics(metrics: Metrics, now: number): string {
  const lines: string[] = [];
  const metric = (
    name: string,
    type: 'gauge' | 'counter',
    help: string,
    samples: readonly Sample[],
  ): void => {
    const known = samples.filter(({ value }) => value !== null);
    if (known.length === 0) return;
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
    for (const { labels, value } of known) lines.push(`${name}${formatLabels(labels)} ${value}`);
  };
  const one = (value: number | null): readonly Sample[] => [{ value }];
  const relays = (pick: (relay: Metrics['relays'][number]) => number | null): readonly Sample[] =>
    metrics.relays.map((relay) => ({ labels: { relay: relay.name }, value: pick(relay) }));
  const inSeconds = (ms: number | null): number | null => (ms === null ? null : ms / 1000);

  metric(
    'writ_commands',
    'gauge',
    'Commands by state.',
    Object.entries(metrics.commands).map(([state, value]) => ({ labels: { state }, value })),
  );
  metric('writ_commands_running', 'gauge', 'Commands that run.', one(metrics.running));
  metric('writ_steps_queued', 'gauge', 'Steps that wait for a poll of their relay.', one(metrics.queued));
  metric(
    'writ_steps_queued_oldest_seconds',
    'gauge',
    'Age of the oldest waiting step.',
    one(inSeconds(metrics.oldestQueuedMs)),
  );
  metric('writ_polls_parked', 'gauge', 'Polls that wait for work.', one(metrics.parkedPolls));
  const hosts = (value: (state: Metrics['hosts'][number]['state']) => boolean): readonly Sample[] =>
    metrics.hosts.flatMap(({ host, state }) =>
      state === 'unseen' ? [] : [{ labels: { host }, value: Number(value(state)) }],
    );
  metric(
    'writ_host_up',
    'gauge',
    'Whether the relay of the host polls.',
    hosts((state) => state === 'awake'),
  );
  metric(
    'writ_host_expected_off',
    'gauge',
    'Whether the host was shut down on purpose and has not been heard of since.',
    hosts((state) => state === 'off' || state === 'powering_off'),
  );
  metric(
    'writ_guest_state',
    'gauge',
    'What the host last told of the guest; nothing while it is not awake.',
    metrics.guests.map((labels) => ({ labels, value: 1 })),
  );
  metric(
    'writ_relay_silent_seconds',
    'gauge',
    'How long ago the relay was last heard of.',
    relays((relay) => inSeconds(relay.lastSeenMs)),
  );
  metric(
    'writ_relay_receipts',
    'counter',
    'Receipts held of the relay.',
    relays((relay) => relay.receiptsSeq),
  );
  metric(
    'writ_relay_trust_version',
    'gauge',
    'Version of trust that the relay obeys.',
    relays((relay) => relay.trustVersion),
  );
  metric(
    'writ_relay_refused_jobs_total',
    'counter',
    'Jobs that the relay refused unseen.',
    relays((relay) => relay.refusedJobs),
  );
  metric('writ_audit_entries', 'counter', 'Entries of the audit log.', one(metrics.auditSeq));
  metric('writ_trust_version', 'gauge', 'Version of trust in force.', one(metrics.trustVersion));
  metric(
    'writ_trust_left_seconds',
    'gauge',
    'Time until trust expires; negative once it has.',
    one(inSeconds(metrics.trustLeftMs)),
  );
  metric('writ_tokens', 'gauge', 'Tokens that are in force.', one(metrics.tokens));
  metric(
    'writ_deployment_targets',
    'gauge',
    'Targets of the deployments that are kept, by state.',
    Object.entries(metrics.deploymentTargets).map(([state, value]) => ({ labels: { state }, value })),
  );
  metric(
    'writ_target_info',
    'gauge',
    'The part of a release that is in force, and the commit that brought it.',
    metrics.targets.flatMap(({ target, relay, part, commit }) =>
      part === null ? [] : [{ labels: { target, host: relay, part, commit: commit ?? '' }, value: 1 }],
    ),
  );
  const certificates = (value: (expires: number) => number): readonly Sample[] =>
    metrics.targets.flatMap(({ target, relay, certificates }) =>
      certificates.map(({ app, name, expires }) => ({
        labels: { target, host: relay, app, certificate: name },
        value: value(expires),
      })),
    );
  metric(
    'writ_certificate_expires_timestamp_seconds',
    'gauge',
    'When a certificate of the private CA ends; 0 where there is none.',
    certificates((expires) => expires / 1000),
  );
  metric(
    'writ_certificate_left_seconds',
    'gauge',
    'Time until a certificate of the private CA ends; negative once it has.',
    certificates((expires) => (expires - now) / 1000),
  );
  for (const [name, help, pick] of targetMetrics) {
    const samples = metrics.targets.map((target) => ({
      // By its host, what a host shut down on purpose last told is known for what it is.
      labels: { target: target.target, host: target.relay },
      value: pick(target, now),
    }));
    metric(`writ_target_${name}`, 'gauge', help, samples);
  }
  return `${lines.join('\n')}\n`;
}

function formatLabels(labels: Readonly<Record<string, string>> | undefined): string {
  if (labels === undefined) return '';
  const quoted = (value: string): string =>
    value.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n');
  return `{${Object.entries(labels)
    .map(([name, value]) => `${name}="${quoted(value)}"`)
    .join(',')}}`;
}
