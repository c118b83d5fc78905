import { machineOf } from '../../compile/routes.ts';
import type { Home } from '../../home.ts';
import { byText } from '../../repo.ts';
import type { AppKind } from '../shared/app-kinds.ts';
import { type Source, typeOf } from './datasources.ts';
import { green, none, yesNo } from './looks.ts';
import type { Panel, panelsBy, Query } from './panels.ts';

type Make = ReturnType<typeof panelsBy>;

/** Machines whose program of a kind is asked for metrics, by kind. */
export type Told = ReadonlyMap<AppKind, ReadonlySet<string>>;

/** A tile for each name that Gatus asks, called as people call it. */
export function appsPanels(home: Home, { tiles }: Make, told: Told): Panel[] {
  if (!told.has('gatus')) return [];
  const names = new Map<string, Query>();
  for (const route of home.routes) {
    const name = route.hosts.find((host) => !host.startsWith('*'));
    if (name === undefined || route.when !== undefined || route.waking || names.has(name)) continue;
    const answers = `gatus_results_endpoint_success{name="${name}"}`;
    const machine = machineOf(home, route.target);
    const host = machine?.kind === 'guest' ? machine.host : route.target;
    const off = `${answers} + on () group_left () (2 * writ_host_expected_off{host="${host}"})`;
    const knowsOff = route.may_sleep && told.has('writ');
    names.set(name, {
      expr: knowsOff ? `${answers} == 1 or ${off} or ${answers}` : answers,
      legend: `${route.title ?? home.apps[route.app]!.title} (${name})`,
    });
  }
  const queries = [...names].sort(([a], [b]) => byText(a, b)).map(([, query]) => query);
  if (queries.length === 0) return [];
  const words = { 0: ['silent', 'red'], 1: ['answers', 'green'], 2: ['off on purpose', 'blue'] } as const;
  return [tiles('apps', 'Apps', queries, { width: 24, height: 8, words })];
}

export function namePanels({ plot, table }: Make, told: Told): Panel[] {
  const panels: Panel[] = [];
  if (told.has('traefik')) {
    panels.push(
      plot(
        'requests',
        'Requests of each route',
        [{ expr: 'sum by (service) (rate(traefik_service_requests_total[5m]))', legend: '{{service}}' }],
        { width: 12, unit: 'reqps' },
      ),
      plot(
        'faults',
        'Requests that ended in a fault of the server',
        [
          {
            expr: 'sum by (service) (rate(traefik_service_requests_total{code=~"5.."}[5m]))',
            legend: '{{service}}',
          },
        ],
        { width: 12, unit: 'reqps' },
      ),
    );
  }
  if (told.has('gatus')) {
    panels.push(
      plot(
        'time',
        'How long names take to answer',
        [{ expr: 'gatus_results_duration_seconds', legend: '{{name}}' }],
        { width: 12, height: 8, unit: 's' },
      ),
      table(
        'certificates',
        'Certificates end in',
        { expr: 'sort(min by (name) (gatus_results_certificate_expiration_seconds > 0))' },
        { unit: 's', value: 'left' },
      ),
    );
  }
  return panels;
}

export const releasePanels = ({ tiles, table, plot }: Make): Panel[] => [
  tiles(
    'deployed',
    'The newest release runs',
    { expr: 'writ_target_deployed', legend: '{{target}}' },
    { width: 12, steps: green, words: yesNo },
  ),
  tiles(
    'drifted',
    'Things not as released',
    { expr: 'writ_target_drifted', legend: '{{target}}' },
    { width: 12, steps: none },
  ),
  table(
    'commits',
    'Which commit runs where',
    { expr: 'writ_target_info' },
    { hidden: ['Value', 'part', 'instance', 'job', 'machine', 'host', 'app', 'may_sleep'] },
  ),
  table(
    'success',
    'A release last came up',
    { expr: 'sort_desc(max by (target) (writ_target_last_success_age_seconds))' },
    { unit: 's', value: 'ago' },
  ),
  table(
    'own-certificates',
    'Certificates of the private CA end in',
    { expr: 'sort(min by (target, app, certificate) (writ_certificate_left_seconds))' },
    { unit: 's', value: 'left' },
  ),
  plot(
    'commands',
    'Commands and steps that wait',
    [
      { expr: 'writ_commands_running', legend: 'commands' },
      { expr: 'writ_steps_queued', legend: 'steps' },
    ],
    { width: 12, height: 8 },
  ),
];

/** What `proxmox/metrics` tells of hosts that have it placed. */
export function storagePanels(home: Home, { plot, table }: Make): Panel[] {
  const isPlaced = home.instances.some(({ files }) =>
    files.some(({ generate }) => generate === 'proxmox/metrics'),
  );
  if (!isPlaced) return [];
  return [
    plot('used', 'Storages', [{ expr: 'house_storage_used_percent', legend: '{{storage}}' }], {
      unit: 'percent',
      max: 100,
    }),
    plot(
      'pools',
      'Thin pools',
      [
        { expr: 'house_thin_pool_data_percent', legend: '{{pool}}' },
        { expr: 'house_thin_pool_metadata_percent', legend: '{{pool}}, metadata' },
      ],
      { unit: 'percent', max: 100 },
    ),
    table(
      'backups',
      'Newest backups',
      { expr: 'sort_desc(time() - max by (guest, storage) (house_backup_newest_timestamp_seconds))' },
      { width: 8, height: 7, unit: 's', value: 'ago' },
    ),
  ];
}

export function storePanels({ plot }: Make, told: Told): Panel[] {
  const metrics = [
    { expr: 'sum(vm_data_size_bytes)', legend: 'metrics' },
    { expr: 'min(vm_free_disk_space_bytes)', legend: 'free for metrics' },
  ];
  const logs = [
    { expr: 'sum(vl_data_size_bytes)', legend: 'logs' },
    { expr: 'min(vl_free_disk_space_bytes)', legend: 'free for logs' },
  ];
  const queries = [...(told.has('metrics') ? metrics : []), ...(told.has('victorialogs') ? logs : [])];
  if (queries.length === 0) return [];
  return [
    plot('size', 'Sizes', queries, { width: 12, unit: 'bytes' }),
    ...(told.has('victorialogs')
      ? [
          plot(
            'lines',
            'Lines that come in',
            [{ expr: 'sum by (type) (rate(vl_rows_ingested_total[5m]))', legend: '{{type}}' }],
            { width: 12 },
          ),
        ]
      : []),
  ];
}

/** Whatever judges the rules writes this down. */
export const alertsPanel = ({ table }: Make): Panel =>
  table(
    'alerts',
    'Alerts that stand, or are about to',
    { expr: 'ALERTS{alertstate=~"firing|pending"}' },
    { width: 24, hidden: ['Value', 'alertgroup', 'job', 'may_sleep'] },
  );

export const logsPanel = (logs: Source): Panel => {
  const datasource = { type: typeOf(logs), uid: logs.uid };
  // PRIORITY of journald: 3 is an error, 0 the end of the world.
  const expr = 'PRIORITY:in("0","1","2","3")';
  return {
    key: 'journal',
    width: 24,
    height: 10,
    native: {
      type: 'logs',
      title: 'Errors',
      datasource,
      targets: [{ refId: 'A', datasource, expr, queryType: 'range' }],
      options: { showTime: true, wrapLogMessage: true, sortOrder: 'Descending', enableLogDetails: true },
    },
  };
};
