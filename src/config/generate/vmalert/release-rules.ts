import { type Rule, unlessOffOnPurpose } from './rule.ts';

const week = 7 * 86_400;

/**
 * Certificates of the private CA and those that proxies show. A relay renews with ten days left. What the control plane
 * tells goes without the labels of the place where it was asked: it is of other machines.
 */
export const certificateRules = (): Rule[] => [
  {
    alert: 'CertificateEnds',
    // Of a host that is off on purpose, its relay renews what it holds as soon as it is back.
    expr: `min by (target, host, app, certificate) (writ_certificate_left_seconds) < ${week} ${unlessOffOnPurpose}`,
    for: '1h',
    severity: 'warning',
    topic: 'certificates',
    labels: { machine: '{{ $labels.target }}' },
    summary:
      'the certificate {{ $labels.certificate }} of {{ $labels.app }} on {{ $labels.target }} was not renewed',
  },
  {
    alert: 'ProxyCertificateEnds',
    expr: `min by (machine, host, cn) (traefik_tls_certs_not_after) - time() < ${2 * week}`,
    for: '1h',
    severity: 'warning',
    topic: 'certificates',
    summary:
      'the certificate of {{ $labels.cn }} on {{ $labels.machine }} ends in {{ $value | humanizeDuration }}',
  },
  {
    alert: 'TrustEnds',
    expr: `min(writ_trust_left_seconds) < ${2 * week}`,
    for: '1h',
    severity: 'critical',
    topic: 'security',
    summary: 'trust ends in {{ $value | humanizeDuration }}, and no relay will do anything then',
  },
];

/** What is on targets against what releases say. Of a host that was shut down it is what it last told. */
export const driftRules = (): Rule[] => {
  const labels = { machine: '{{ $labels.target }}' };
  return [
    {
      alert: 'Drifted',
      expr: `max by (target, host) (writ_target_drifted) > 0 ${unlessOffOnPurpose}`,
      for: '30m',
      severity: 'warning',
      topic: 'drift',
      labels,
      summary: '{{ $value }} things of {{ $labels.target }} are not as released',
    },
    {
      alert: 'NotDeployed',
      expr: `max by (target, host) (writ_target_deployed) == 0 ${unlessOffOnPurpose}`,
      for: '1d',
      severity: 'warning',
      topic: 'deployments',
      labels,
      summary: '{{ $labels.target }} has not had its newest release for a day',
    },
    {
      alert: 'JobsRefused',
      // VictoriaMetrics takes all of a counter that it sees for the first time for its increase.
      expr: 'max by (relay) (increase(writ_relay_refused_jobs_total[1h]) and writ_relay_refused_jobs_total offset 1h) > 0',
      for: '0m',
      severity: 'critical',
      topic: 'security',
      labels: { machine: '{{ $labels.relay }}', host: '{{ $labels.relay }}' },
      summary: 'the relay on {{ $labels.relay }} was sent jobs that nobody ordered',
    },
  ];
};
