import { houseMetricsProgram } from '../../src/config/generate/proxmox/metrics-program.ts';
import type { Metrics } from '../../src/control/control.ts';
import { formatMetrics } from '../../src/http/metrics.ts';

/** Metrics in which nothing is left out. */
const whole: Metrics = {
  commands: { running: 1 } as Metrics['commands'],
  queued: 1,
  oldestQueuedMs: 1,
  running: 1,
  parkedPolls: 1,
  deploymentTargets: { healthy: 1 } as Metrics['deploymentTargets'],
  targets: [
    {
      target: 'web',
      relay: 'pve1',
      part: 'p',
      commit: 'c',
      deployed: true,
      healthy: true,
      synced: true,
      drifted: 0,
      healthyAt: 1,
      certificates: [{ app: 'web', name: 'web', expires: 1 }],
    } as Metrics['targets'][number],
  ],
  hosts: [{ host: 'pve1', state: 'awake' }],
  guests: [{ guest: 'web', host: 'pve1', state: 'running' }],
  relays: [{ name: 'pve1', lastSeenMs: 1, receiptsSeq: 1, trustVersion: 1, refusedJobs: 1 }],
  auditSeq: 1,
  trustVersion: 1,
  trustLeftMs: 1,
  tokens: 1,
};

/** Names of metrics with their labels, by who tells them and where that is seen. */
export const exportedMetrics: Readonly<
  Record<string, { readonly source: string; readonly names: readonly string[] }>
> = {
  writ: {
    source: 'formatMetrics itself',
    names: [...formatMetrics(whole, 2).matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name!),
  },
  house: {
    source: 'the program that proxmox/metrics makes',
    names: [...houseMetricsProgram.matchAll(/^\$help\{(\w+)\}/gm)].map(([, name]) => name!),
  },
  node: {
    source: 'node-exporter 1.5.0 of Debian 12, asked on a machine',
    names: [
      'node_cpu_seconds_total',
      'node_memory_MemAvailable_bytes',
      'node_memory_MemTotal_bytes',
      'node_filesystem_avail_bytes',
      'node_filesystem_size_bytes',
    ],
  },
  gatus: {
    source: 'Gatus 5, metrics/metrics.go',
    names: [
      'gatus_results_total',
      'gatus_results_duration_seconds',
      'gatus_results_connected_total',
      'gatus_results_code_total',
      'gatus_results_certificate_expiration_seconds',
      'gatus_results_domain_expiration_seconds',
      'gatus_results_endpoint_success',
    ],
  },
  traefik: {
    source: 'Traefik 3, reference of its metrics, with what is on by default',
    names: [
      'traefik_config_reloads_total',
      'traefik_open_connections',
      'traefik_entrypoint_requests_total',
      'traefik_service_requests_total',
      'traefik_service_request_duration_seconds_bucket',
    ],
  },
  victoria: {
    source:
      'VictoriaMetrics 1.12x and VictoriaLogs 1.26, dashboards of their own and references of their metrics',
    names: [
      'vm_data_size_bytes',
      'vm_free_disk_space_bytes',
      'vl_data_size_bytes',
      'vl_free_disk_space_bytes',
      'vl_rows_ingested_total',
    ],
  },
  rules: { source: 'Prometheus and vmalert, of every alert', names: ['ALERTS', 'ALERTS_FOR_STATE'] },
};
