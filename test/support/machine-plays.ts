import type { Play } from './rule-play.ts';
import type { Course } from './rule-test.ts';

const disk = (avail: number, size = 100): Course => ({
  'node_filesystem_avail_bytes{machine="secsvcs",host="pve1",mountpoint="/",fstype="ext4"}': [[0, avail]],
  'node_filesystem_size_bytes{machine="secsvcs",host="pve1",mountpoint="/",fstype="ext4"}': [[0, size]],
});
const unit = (name: string, machine = 'secsvcs') =>
  `node_systemd_unit_state{machine="${machine}",host="pve1",app="node",name="${name}.service",state="active"}`;
const collector = (machine = 'secsvcs') =>
  `node_systemd_units{machine="${machine}",host="pve1",app="node",state="active"}`;
const health = { topic: 'health' };

/** What was last told of something on a host that was shut down on purpose. */
export const asleep = (series: string, value: number): Course => ({
  [series]: [[0, value]],
  'writ_host_expected_off{host="pve2"}': [[0, 1]],
});

/** Alerts of hosts, guests and apps. */
export const machinePlays: Readonly<Record<string, Play>> = {
  HostSilent: {
    bad: {
      'writ_host_up{host="pve1",machine="cloud",app="writ"}': [
        [0, 0],
        [20, 1],
      ],
      'writ_host_expected_off{host="pve1",machine="cloud",app="writ"}': [[0, 0]],
    },
    before: 4,
    raised: 6,
    ends: 21,
    labels: { ...health, severity: 'critical', host: 'pve1', machine: 'pve1' },
    summary: 'pve1 is silent, and nobody shut it down',
    quiet: [
      { 'writ_host_up{host="pve1"}': [[0, 1]] },
      // Off on purpose, and a host that may sleep.
      { 'writ_host_up{host="pve1"}': [[0, 0]], 'writ_host_expected_off{host="pve1"}': [[0, 1]] },
      { 'writ_host_up{host="pve2"}': [[0, 0]], 'writ_host_expected_off{host="pve2"}': [[0, 0]] },
    ],
  },
  HostLost: {
    bad: {
      'writ_host_up{host="pve2"}': [[0, 0]],
      'writ_host_expected_off{host="pve2"}': [
        [0, 0],
        [30, 1],
      ],
    },
    before: 14,
    raised: 16,
    ends: 31,
    labels: { ...health, severity: 'warning', host: 'pve2', machine: 'pve2' },
    summary: 'pve2 went silent without having been shut down',
    quiet: [
      { 'writ_host_up{host="pve2"}': [[0, 1]], 'writ_host_expected_off{host="pve2"}': [[0, 0]] },
      { 'writ_host_up{host="pve2"}': [[0, 0]], 'writ_host_expected_off{host="pve2"}': [[0, 1]] },
      { 'writ_host_up{host="pve1"}': [[0, 0]] },
    ],
  },
  HostsUnknown: {
    // The control plane is asked, and knows no host; then it does.
    bad: { 'writ_commands_running{app="writ"}': [[0, 0]], 'writ_host_up{host="pve1",app="writ"}': [[20, 1]] },
    before: 9,
    raised: 11,
    ends: 21,
    labels: { ...health, severity: 'critical' },
    summary:
      'nothing is told of any host: whether hosts, guests and releases are as they should be is not known',
    quiet: [{ 'writ_host_up{host="pve2"}': [[0, 0]], 'writ_host_expected_off{host="pve2"}': [[0, 1]] }],
  },
  MachineUnreachable: {
    bad: {
      'up{job="node",machine="secsvcs",host="pve1",app="node",may_sleep="no"}': [
        [0, 0],
        [20, 1],
      ],
      'up{job="web",machine="secsvcs",host="pve1",app="web",may_sleep="no"}': [[0, 0]],
    },
    before: 4,
    raised: 6,
    ends: 21,
    labels: { ...health, severity: 'critical', host: 'pve1', machine: 'secsvcs' },
    summary: 'nothing on secsvcs answers',
    quiet: [
      {
        'up{job="node",machine="secsvcs",host="pve1",may_sleep="no"}': [[0, 0]],
        'up{job="web",machine="secsvcs",host="pve1",may_sleep="no"}': [[0, 1]],
      },
      { 'up{job="node",machine="websvcs",host="pve2",may_sleep="yes"}': [[0, 0]] },
      {
        'up{job="node",machine="secsvcs",host="pve1",may_sleep="no"}': [[0, 0]],
        'writ_host_expected_off{host="pve1"}': [[0, 1]],
      },
    ],
  },
  DiskFull: {
    bad: {
      ...disk(4),
      'node_filesystem_avail_bytes{machine="secsvcs",host="pve1",mountpoint="/",fstype="ext4"}': [
        [0, 4],
        [30, 50],
      ],
    },
    before: 14,
    raised: 16,
    ends: 31,
    labels: {
      severity: 'critical',
      topic: 'storage',
      machine: 'secsvcs',
      host: 'pve1',
      mountpoint: '/',
      fstype: 'ext4',
    },
    summary: '/ of secsvcs has 4% left',
    quiet: [
      disk(50),
      {
        'node_filesystem_avail_bytes{machine="secsvcs",mountpoint="/run",fstype="tmpfs"}': [[0, 1]],
        'node_filesystem_size_bytes{machine="secsvcs",mountpoint="/run",fstype="tmpfs"}': [[0, 100]],
      },
    ],
  },
  DiskFillsUp: {
    bad: {
      'node_filesystem_avail_bytes{machine="secsvcs",host="pve1",mountpoint="/",fstype="ext4"}': [
        ...Array.from({ length: 36 }, (_, index) => [index * 10, 390 - index * 2] as const),
        [360, 900],
      ],
      'node_filesystem_size_bytes{machine="secsvcs",host="pve1",mountpoint="/",fstype="ext4"}': [[0, 1000]],
    },
    before: 30,
    raised: 180,
    ends: 361,
    labels: {
      severity: 'warning',
      topic: 'storage',
      machine: 'secsvcs',
      host: 'pve1',
      mountpoint: '/',
      fstype: 'ext4',
    },
    summary: '/ of secsvcs is full in two days if it goes on like this',
    quiet: [disk(30)],
  },
  MemoryShort: {
    bad: {
      'node_memory_MemAvailable_bytes{machine="secsvcs",host="pve1"}': [
        [0, 4],
        [30, 50],
      ],
      'node_memory_MemTotal_bytes{machine="secsvcs",host="pve1"}': [[0, 100]],
    },
    before: 14,
    raised: 16,
    ends: 31,
    labels: { ...health, severity: 'warning', machine: 'secsvcs', host: 'pve1' },
    summary: 'secsvcs has 4% of its memory left',
    quiet: [
      {
        'node_memory_MemAvailable_bytes{machine="secsvcs"}': [[0, 50]],
        'node_memory_MemTotal_bytes{machine="secsvcs"}': [[0, 100]],
      },
    ],
  },
  GuestDown: {
    bad: {
      'writ_guest_state{guest="websvcs",host="pve2",state="stopped",app="writ"}': [
        [0, 1],
        [20, 'gone'],
      ],
    },
    before: 9,
    raised: 11,
    ends: 21,
    labels: {
      ...health,
      severity: 'critical',
      host: 'pve2',
      guest: 'websvcs',
      machine: 'websvcs',
      state: 'stopped',
    },
    summary: 'websvcs is stopped, though pve2 is awake',
    quiet: [
      { 'writ_guest_state{guest="websvcs",host="pve2",state="running"}': [[0, 1]] },
      { 'writ_guest_state{guest="gaming",host="pve2",state="stopped"}': [[0, 1]] },
    ],
  },
  GuestAnother: {
    bad: {
      'writ_guest_state{guest="gaming",host="pve2",state="mismatch"}': [
        [0, 1],
        [20, 'gone'],
      ],
    },
    before: 9,
    raised: 11,
    ends: 21,
    labels: {
      severity: 'critical',
      topic: 'security',
      host: 'pve2',
      guest: 'gaming',
      machine: 'gaming',
      state: 'mismatch',
    },
    summary: 'gaming is not the guest that was adopted on pve2',
    quiet: [{ 'writ_guest_state{guest="gaming",host="pve2",state="stopped"}': [[0, 1]] }],
  },
  AppUnreachable: {
    bad: {
      'up{job="web",machine="secsvcs",host="pve1",app="web",may_sleep="no"}': [
        [0, 0],
        [20, 1],
      ],
    },
    before: 4,
    raised: 6,
    ends: 21,
    labels: {
      ...health,
      severity: 'warning',
      job: 'web',
      machine: 'secsvcs',
      host: 'pve1',
      app: 'web',
      may_sleep: 'no',
    },
    summary: 'web on secsvcs does not answer who asks for metrics',
    quiet: [
      { 'up{job="web",machine="secsvcs",host="pve1",app="web",may_sleep="no"}': [[0, 1]] },
      { 'up{job="web",machine="websvcs",host="pve2",app="web",may_sleep="yes"}': [[0, 0]] },
      {
        'up{job="web",machine="secsvcs",host="pve1",app="web",may_sleep="no"}': [[0, 0]],
        'writ_host_expected_off{host="pve1"}': [[0, 1]],
      },
    ],
  },
  ServicesDown: {
    bad: {
      'writ_target_healthy{target="secsvcs",host="pve1",app="writ"}': [
        [0, 0],
        [30, 1],
      ],
    },
    before: 14,
    raised: 16,
    ends: 31,
    labels: { ...health, severity: 'warning', target: 'secsvcs', machine: 'secsvcs', host: 'pve1' },
    summary: 'not all services of secsvcs run',
    quiet: [
      { 'writ_target_healthy{target="secsvcs",host="pve1"}': [[0, 1]] },
      asleep('writ_target_healthy{target="websvcs",host="pve2"}', 0),
    ],
  },
  AppStopped: {
    bad: {
      [collector()]: [[0, 50]],
      [unit('web')]: [
        [0, 0],
        [20, 1],
      ],
      [unit('node')]: [[0, 1]],
      [unit('watch')]: [[0, 1]],
    },
    before: 4,
    raised: 6,
    ends: 21,
    labels: { ...health, severity: 'warning', app: 'web', machine: 'secsvcs', host: 'pve1', state: 'active' },
    summary: 'web does not run on secsvcs',
    quiet: [
      {
        [collector()]: [[0, 50]],
        [unit('web')]: [[0, 1]],
        [unit('node')]: [[0, 1]],
        [unit('watch')]: [[0, 1]],
      },
      // Nothing is told of services, as while a machine sleeps.
      { 'up{job="node",machine="websvcs",host="pve2",may_sleep="yes"}': [[0, 0]] },
    ],
  },
  AppUnanswered: {
    bad: {
      'gatus_results_endpoint_success{name="web.example.net",group="secsvcs",app="gatus"}': [
        [0, 0],
        [20, 1],
      ],
      'writ_host_expected_off{host="pve2"}': [[0, 1]],
    },
    before: 4,
    raised: 6,
    ends: 21,
    labels: {
      ...health,
      severity: 'warning',
      app: 'web',
      machine: 'secsvcs',
      host: 'pve1',
      name: 'web.example.net',
      group: 'secsvcs',
    },
    summary: 'web does not answer at web.example.net',
    quiet: [
      // The same app on the machine that may sleep.
      { 'gatus_results_endpoint_success{name="web",group="websvcs"}': [[0, 0]] },
      { 'gatus_results_endpoint_success{name="web.example.net",group="secsvcs"}': [[0, 1]] },
      { 'gatus_results_endpoint_success{name="webxexample.net",group="secsvcs"}': [[0, 0]] },
      {
        'gatus_results_endpoint_success{name="web.example.net",group="secsvcs"}': [[0, 0]],
        'writ_host_expected_off{host="pve1"}': [[0, 1]],
      },
    ],
  },
};
