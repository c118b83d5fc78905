import { asleep } from './machine-plays.ts';
import type { Play } from './rule-play.ts';

const atPve2 = 'machine="pve2",host="pve2",app="house"';
const minutes = (days: number): number => days * 1440;

/** Alerts of backups, certificates, releases and storages. */
export const storePlays: Readonly<Record<string, Play>> = {
  BackupOld: {
    // Time begins at 0, when the newest backup was made; the next one comes late.
    bad: {
      [`house_backup_newest_timestamp_seconds{guest="websvcs",storage="hdd",${atPve2}}`]: [
        [0, 0],
        [2400, 2400 * 60],
      ],
    },
    before: 36 * 60 + 14,
    raised: 36 * 60 + 17,
    ends: 2401,
    labels: {
      severity: 'warning',
      topic: 'backups',
      guest: 'websvcs',
      storage: 'hdd',
      machine: 'websvcs',
      host: 'pve2',
    },
    summary: 'the newest backup of websvcs on hdd is 1d 12h 17m 0s old',
    quiet: [
      {
        [`house_backup_newest_timestamp_seconds{guest="websvcs",storage="hdd",${atPve2}}`]: [
          [0, 0],
          [1440, 1440 * 60],
        ],
      },
      { 'house_backup_newest_timestamp_seconds{guest="secsvcs",storage="root"}': [[0, 0]] },
      asleep(`house_backup_newest_timestamp_seconds{guest="websvcs",storage="hdd",${atPve2}}`, 0),
    ],
  },
  HouseMetricsFailed: {
    bad: {
      [`house_metrics_success{part="thin_pools",${atPve2}}`]: [
        [0, 0],
        [40, 1],
      ],
    },
    before: 29,
    raised: 31,
    ends: 41,
    labels: {
      severity: 'warning',
      topic: 'storage',
      part: 'thin_pools',
      machine: 'pve2',
      host: 'pve2',
      app: 'house',
    },
    summary: 'pve2 cannot tell of its thin_pools',
    quiet: [{ [`house_metrics_success{part="thin_pools",${atPve2}}`]: [[0, 1]] }],
  },
  HouseMetricsMissing: {
    bad: {
      [`house_metrics_success{part="storages",${atPve2}}`]: [[40, 1]],
      'house_metrics_success{machine="pve1"}': [[0, 1]],
    },
    before: 29,
    raised: 31,
    ends: 41,
    labels: { severity: 'warning', topic: 'storage', machine: 'pve2', host: 'pve2' },
    summary: 'pve2 has told nothing of its storages and backups for a month',
    quiet: [
      // It slept for a week.
      {
        [`house_metrics_success{part="storages",${atPve2}}`]: [
          [0, 1],
          [1, 'gone'],
        ],
        'house_metrics_success{machine="pve1"}': [[0, 1]],
      },
    ],
  },
  HouseMetricsOld: {
    bad: {
      [`node_textfile_mtime_seconds{file="/var/lib/prometheus/node-exporter/house.prom",${atPve2}}`]: [
        [0, 0],
        [90, 90 * 60],
      ],
    },
    before: 74,
    raised: 77,
    ends: 91,
    labels: {
      severity: 'warning',
      topic: 'storage',
      file: '/var/lib/prometheus/node-exporter/house.prom',
      machine: 'pve2',
      host: 'pve2',
      app: 'house',
    },
    summary: 'what pve2 tells of its storages is 1h 17m 0s old',
    quiet: [{ [`node_textfile_mtime_seconds{file="/x/apt.prom",${atPve2}}`]: [[0, 0]] }],
  },
  CertificateEnds: {
    bad: {
      'writ_certificate_left_seconds{target="secsvcs",app="postgres",certificate="tls",host="pve1"}': [
        [0, 500_000],
        [90, 2_592_000],
      ],
    },
    before: 59,
    raised: 61,
    ends: 91,
    labels: {
      severity: 'warning',
      topic: 'certificates',
      target: 'secsvcs',
      machine: 'secsvcs',
      host: 'pve1',
      app: 'postgres',
      certificate: 'tls',
    },
    summary: 'the certificate tls of postgres on secsvcs was not renewed',
    quiet: [
      { 'writ_certificate_left_seconds{target="secsvcs",app="postgres",certificate="tls"}': [[0, 864_000]] },
      asleep('writ_certificate_left_seconds{target="websvcs",app="web",certificate="tls",host="pve2"}', 1000),
    ],
  },
  ProxyCertificateEnds: {
    bad: {
      'traefik_tls_certs_not_after{machine="secsvcs",host="pve1",cn="example.net",serial="1"}': [
        [0, 1_000_000],
        [90, 5_000_000],
      ],
    },
    before: 59,
    raised: 61,
    ends: 91,
    labels: {
      severity: 'warning',
      topic: 'certificates',
      machine: 'secsvcs',
      host: 'pve1',
      cn: 'example.net',
    },
    summary: 'the certificate of example.net on secsvcs ends in 11d 12h 45m 40s',
    quiet: [
      { 'traefik_tls_certs_not_after{machine="secsvcs",host="pve1",cn="example.net"}': [[0, 5_000_000]] },
    ],
  },
  TrustEnds: {
    bad: {
      'writ_trust_left_seconds{host="cloud"}': [
        [0, 864_000],
        [90, 31_536_000],
      ],
    },
    before: 59,
    raised: 61,
    ends: 91,
    labels: { severity: 'critical', topic: 'security' },
    summary: 'trust ends in 10d 0h 0m 0s, and no relay will do anything then',
    quiet: [{ writ_trust_left_seconds: [[0, 5_184_000]] }],
  },
  Drifted: {
    bad: {
      'writ_target_drifted{target="secsvcs",host="pve1"}': [
        [0, 2],
        [40, 0],
      ],
    },
    before: 29,
    raised: 31,
    ends: 41,
    labels: { severity: 'warning', topic: 'drift', target: 'secsvcs', machine: 'secsvcs', host: 'pve1' },
    summary: '2 things of secsvcs are not as released',
    quiet: [
      { 'writ_target_drifted{target="secsvcs",host="pve1"}': [[0, 0]] },
      asleep('writ_target_drifted{target="websvcs",host="pve2"}', 2),
    ],
  },
  NotDeployed: {
    bad: {
      'writ_target_deployed{target="secsvcs",host="pve1"}': [
        [0, 0],
        [minutes(1) + 30, 1],
      ],
    },
    before: minutes(1) - 1,
    raised: minutes(1) + 1,
    ends: minutes(1) + 31,
    labels: {
      severity: 'warning',
      topic: 'deployments',
      target: 'secsvcs',
      machine: 'secsvcs',
      host: 'pve1',
    },
    summary: 'secsvcs has not had its newest release for a day',
    quiet: [
      { 'writ_target_deployed{target="secsvcs",host="pve1"}': [[0, 1]] },
      asleep('writ_target_deployed{target="websvcs",host="pve2"}', 0),
    ],
  },
  JobsRefused: {
    bad: {
      'writ_relay_refused_jobs_total{relay="pve1",host="cloud"}': [
        [0, 0],
        [70, 1],
      ],
    },
    before: 69,
    raised: 72,
    ends: 140,
    labels: { severity: 'critical', topic: 'security', relay: 'pve1', machine: 'pve1', host: 'pve1' },
    summary: 'the relay on pve1 was sent jobs that nobody ordered',
    quiet: [{ 'writ_relay_refused_jobs_total{relay="pve1"}': [[0, 7]] }],
  },
  StorageFull: {
    bad: {
      [`house_storage_used_percent{storage="hdd",${atPve2}}`]: [
        [0, 91],
        [30, 60],
      ],
      // Its own limit is another one.
      [`house_thin_pool_data_percent{storage="vms",vg="pve",pool="data",${atPve2}}`]: [[0, 79]],
    },
    before: 14,
    raised: 16,
    ends: 31,
    labels: {
      severity: 'warning',
      topic: 'storage',
      storage: 'hdd',
      machine: 'pve2',
      host: 'pve2',
      app: 'house',
    },
    summary: 'hdd on pve2 is 91 % full',
    quiet: [{ [`house_storage_used_percent{storage="hdd",${atPve2}}`]: [[0, 89]] }],
  },
  PoolMetadataFull: {
    bad: {
      [`house_thin_pool_metadata_percent{storage="vms",vg="pve",pool="data",${atPve2}}`]: [
        [0, 61],
        [30, 5],
      ],
    },
    before: 14,
    raised: 16,
    ends: 31,
    labels: {
      severity: 'critical',
      topic: 'storage',
      storage: 'vms',
      vg: 'pve',
      pool: 'data',
      machine: 'pve2',
      host: 'pve2',
      app: 'house',
    },
    summary: 'the metadata of vms on pve2 are 61 % full',
    quiet: [{ [`house_thin_pool_metadata_percent{storage="vms",${atPve2}}`]: [[0, 60]] }],
  },
  StorageGone: {
    bad: {
      [`house_storage_active{storage="hdd",${atPve2}}`]: [
        [0, 0],
        [40, 1],
      ],
    },
    before: 29,
    raised: 31,
    ends: 41,
    labels: {
      severity: 'critical',
      topic: 'storage',
      storage: 'hdd',
      machine: 'pve2',
      host: 'pve2',
      app: 'house',
    },
    summary: 'pve2 cannot use its storage hdd',
    quiet: [{ [`house_storage_active{storage="hdd",${atPve2}}`]: [[0, 1]] }],
  },
};
