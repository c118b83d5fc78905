import type { Home } from '../../home.ts';
import { byText } from '../../repo.ts';
import { isOneOf, type Rule, unlessOffOnPurpose } from './rule.ts';

const realFilesystems = 'fstype!~"tmpfs|ramfs|overlay|squashfs|nsfs|fuse.*|9p|nfs.*"';

/** Hosts that Writ's relays are on, and machines that are asked for metrics. */
export function hostRules({ hosts }: Home): Rule[] {
  const names = (sleeps: boolean): string[] =>
    Object.values(hosts)
      .filter((host) => host.sleeps === sleeps)
      .map(({ name }) => name)
      .sort(byText);
  const silent = (
    alert: string,
    which: string[],
    rule: Pick<Rule, 'for' | 'severity' | 'summary'>,
  ): Rule[] =>
    which.length === 0
      ? []
      : [
          {
            alert,
            expr: `max by (host) (writ_host_up{${isOneOf('host', which)}}) == 0 ${unlessOffOnPurpose}`,
            topic: 'health',
            labels: { machine: '{{ $labels.host }}' },
            ...rule,
          },
        ];
  const all = [...names(false), ...names(true)].sort(byText);
  return [
    // Whoever is not heard of at all is not silent either: nobody asks the control plane, or it knows no host.
    {
      alert: 'HostsUnknown',
      expr: `absent(max(writ_host_up{${isOneOf('host', all)}}))`,
      for: '10m',
      severity: 'critical',
      topic: 'health',
      summary:
        'nothing is told of any host: whether hosts, guests and releases are as they should be is not known',
    },
    ...silent('HostSilent', names(false), {
      for: '5m',
      severity: 'critical',
      summary: '{{ $labels.host }} is silent, and nobody shut it down',
    }),
    // It may sleep, but not like this: when it is sent to sleep, it says so.
    ...silent('HostLost', names(true), {
      for: '15m',
      severity: 'warning',
      summary: '{{ $labels.host }} went silent without having been shut down',
    }),
    {
      alert: 'MachineUnreachable',
      expr: `max by (machine, host) (up{may_sleep="no"}) == 0 ${unlessOffOnPurpose}`,
      for: '5m',
      severity: 'critical',
      topic: 'health',
      summary: 'nothing on {{ $labels.machine }} answers',
    },
    {
      alert: 'DiskFull',
      expr: `node_filesystem_avail_bytes{${realFilesystems}} / node_filesystem_size_bytes{${realFilesystems}} < 0.05`,
      for: '15m',
      severity: 'critical',
      topic: 'storage',
      summary: '{{ $labels.mountpoint }} of {{ $labels.machine }} has {{ $value | humanizePercentage }} left',
    },
    {
      alert: 'DiskFillsUp',
      expr: [
        `predict_linear(node_filesystem_avail_bytes{${realFilesystems}}[6h], 48 * 3600) < 0`,
        `and node_filesystem_avail_bytes{${realFilesystems}} / node_filesystem_size_bytes{${realFilesystems}} < 0.4`,
      ].join(' '),
      for: '1h',
      severity: 'warning',
      topic: 'storage',
      summary:
        '{{ $labels.mountpoint }} of {{ $labels.machine }} is full in two days if it goes on like this',
    },
    {
      alert: 'MemoryShort',
      expr: 'node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes < 0.05',
      for: '15m',
      severity: 'warning',
      topic: 'health',
      summary: '{{ $labels.machine }} has {{ $value | humanizePercentage }} of its memory left',
    },
  ];
}

/** Guests as their host's relay sees them. */
export function guestRules({ guests }: Home): Rule[] {
  const always = Object.values(guests)
    .filter(({ ad_hoc }) => !ad_hoc)
    .map(({ name }) => name)
    .sort(byText);
  const labels = { machine: '{{ $labels.guest }}' };
  return [
    ...(always.length === 0
      ? []
      : [
          {
            alert: 'GuestDown',
            // Told while its host is awake alone.
            expr: `max by (host, guest, state) (writ_guest_state{${isOneOf('guest', always)},state=~"stopped|paused"}) == 1`,
            for: '10m',
            severity: 'critical',
            topic: 'health',
            labels,
            summary: '{{ $labels.guest }} is {{ $labels.state }}, though {{ $labels.host }} is awake',
          } as const,
        ]),
    {
      alert: 'GuestAnother',
      expr: 'max by (host, guest, state) (writ_guest_state{state=~"missing|mismatch"}) == 1',
      for: '10m',
      severity: 'critical',
      topic: 'security',
      labels,
      summary: '{{ $labels.guest }} is not the guest that was adopted on {{ $labels.host }}',
    },
  ];
}
