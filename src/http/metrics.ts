import type { Metrics } from '../control/control.ts';

type Sample = { readonly labels?: Readonly<Record<string, string>>; readonly value: number | null };

/** Metrics in Prometheus' text format 0.0.4. What is not known is left out. */
export function formatMetrics(metrics: Metrics): string {
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
  metric('writ_commands_running', 'gauge', 'Commands that have not ended.', one(metrics.running));
  metric('writ_steps_queued', 'gauge', 'Steps that wait for a poll of their relay.', one(metrics.queued));
  metric(
    'writ_steps_queued_oldest_seconds',
    'gauge',
    'Age of the oldest waiting step.',
    one(inSeconds(metrics.oldestQueuedMs)),
  );
  metric('writ_polls_parked', 'gauge', 'Polls that wait for work.', one(metrics.parkedPolls));
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
