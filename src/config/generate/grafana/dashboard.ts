import type { Home, HomeHost, Instance } from '../../home.ts';
import { byText } from '../../repo.ts';
import { type AppKind, kindOf } from '../shared/app-kinds.ts';
import { mergeOver } from '../shared/merge.ts';
import { instanceAt } from '../shared/reached.ts';
import { type Source, typeOf } from './datasources.ts';
import { green, left, none, yesNo } from './looks.ts';
import type { GrafanaOptions } from './options.ts';
import { type Panel, panelsBy, placed, type Row } from './panels.ts';
import {
  alertsPanel,
  appsPanels,
  logsPanel,
  namePanels,
  releasePanels,
  storagePanels,
  storePanels,
  type Told,
} from './sections.ts';

type Native = Readonly<Record<string, unknown>>;
type Make = ReturnType<typeof panelsBy>;

/** Of which nobody asks how full it is. */
const onlyDisks = 'fstype!~"tmpfs|ramfs|overlay|squashfs"';

/** One page of the whole home: now, each host with its guests, names, releases, storages, alerts and logs. */
export function dashboardOf(
  home: Home,
  metrics: Source,
  logs: Source | undefined,
  { panels, dashboard }: GrafanaOptions,
): Native {
  const make = panelsBy({ type: typeOf(metrics), uid: metrics.uid });
  const told = toldBy(home);
  const rows: Row[] = [
    { key: 'now', title: 'Now', panels: [...nowPanels(home, make, told), ...appsPanels(home, make, told)] },
    ...Object.values(home.hosts).map((host) => hostRow(home, host, make, told)),
    { key: 'names', title: 'Names', panels: namePanels(make, told) },
    { key: 'releases', title: 'Releases', panels: told.has('writ') ? releasePanels(make) : [] },
    { key: 'storage', title: 'Storages and backups', panels: storagePanels(home, make) },
    { key: 'stores', title: 'What is kept of all this', panels: storePanels(make, told) },
    { key: 'alerts', title: 'Alerts', panels: [alertsPanel(make)] },
    { key: 'logs', title: 'Errors in the journals', panels: logs === undefined ? [] : [logsPanel(logs)] },
  ];
  const made = {
    uid: 'writ-home',
    title: home.site.title ?? home.site.domain,
    tags: ['writ'],
    schemaVersion: 39,
    editable: false,
    timezone: 'browser',
    refresh: '1m',
    time: { from: 'now-24h', to: 'now' },
    templating: { list: [] },
    annotations: { list: [] },
    panels: [...placed(rows), ...panels],
  };
  return mergeOver(made, dashboard);
}

function toldBy(home: Home): Told {
  const found = new Map<AppKind, Set<string>>();
  const tells = (instance: Instance | undefined, only?: AppKind): void => {
    const kind = instance === undefined ? undefined : kindOf(instance);
    if (kind === undefined || (only !== undefined && kind !== only)) return;
    found.set(kind, (found.get(kind) ?? new Set()).add(instance!.target));
  };
  // A home that asks by a file of its own asks whom it wants. Writ is often asked by a job of the owner's own, too: the
  // public machine has no address at home.
  const isAsking = home.scrapes.length > 0;
  for (const instance of home.instances) tells(instance, isAsking ? 'writ' : undefined);
  for (const scrape of home.scrapes) tells(instanceAt(home, scrape));
  return found;
}

/** What does not answer, but for what is off on purpose. Gatus groups by machine. */
function silentOf(home: Home, told: Told): string {
  const answers = 'gatus_results_endpoint_success';
  const sleeping = Object.values(home.hosts).filter(({ sleeps }) => sleeps && told.has('writ'));
  const groups = sleeping.map(({ name }) => [name, machinesOn(home, name).join('|')] as const);
  const all = groups.map(([, group]) => group).join('|');
  const parts = groups.map(
    ([host, group]) =>
      `${answers}{group=~"${group}"} == 0 unless on () writ_host_expected_off{host="${host}"} == 1`,
  );
  return [`${answers}${all === '' ? '' : `{group!~"${all}"}`} == 0`, ...parts].join(' or ');
}

/** A host and its guests. */
const machinesOn = (home: Home, host: string): string[] =>
  [
    host,
    ...Object.values(home.guests)
      .filter((guest) => guest.host === host)
      .map(({ name }) => name),
  ].sort(byText);

function nowPanels(home: Home, { tiles }: Make, told: Told): Panel[] {
  const firing = 'count(ALERTS{alertstate="firing"}) or vector(0)';
  return [
    tiles('alerts', 'Alerts', { expr: firing }, { steps: none }),
    ...(told.has('gatus')
      ? [
          tiles(
            'silent',
            'Do not answer',
            { expr: `count(${silentOf(home, told)}) or vector(0)` },
            { steps: none },
          ),
          tiles(
            'certificate',
            'First certificate to end',
            { expr: 'min(gatus_results_certificate_expiration_seconds > 0)' },
            { unit: 's', steps: left },
          ),
        ]
      : []),
    ...(told.has('writ')
      ? [
          tiles('drift', 'Not as released', { expr: 'sum(writ_target_drifted)' }, { steps: none }),
          tiles(
            'own-certificate',
            'First certificate of the private CA to end',
            { expr: 'min(writ_certificate_left_seconds)' },
            { unit: 's', steps: left },
          ),
          tiles('trust', 'Trust expires in', { expr: 'writ_trust_left_seconds' }, { unit: 's', steps: left }),
        ]
      : []),
  ];
}

/** A host and what is on it. */
function hostRow(home: Home, { name, title }: HomeHost, { tiles, plot }: Make, told: Told): Row {
  const machines = machinesOn(home, name);
  const measured = machines.filter((machine) => told.get('node')?.has(machine) === true);
  const panels: Panel[] = [];
  if (told.has('writ')) {
    const among = `target=~"${machines.join('|')}"`;
    panels.push(
      tiles(
        'state',
        'The host',
        { expr: `writ_host_up{host="${name}"} + 2 * writ_host_expected_off{host="${name}"}` },
        { width: 4, words: { 0: ['away', 'red'], 1: ['up', 'green'], 2: ['off on purpose', 'blue'] } },
      ),
      tiles(
        'guests',
        'Guests',
        { expr: `writ_guest_state{host="${name}"}`, legend: '{{guest}}: {{state}}' },
        { width: 8, names: true },
      ),
      tiles(
        'healthy',
        'All services run',
        { expr: `writ_target_healthy{${among}}`, legend: '{{target}}' },
        { steps: green, words: yesNo },
      ),
      tiles(
        'synced',
        'Files are as released',
        { expr: `writ_target_synced{${among}}`, legend: '{{target}}' },
        { steps: green, words: yesNo },
      ),
    );
  }
  if (measured.length > 0) {
    const of = `machine=~"${measured.join('|')}"`;
    panels.push(
      plot(
        'cpu',
        'Processors',
        [
          {
            expr: `1 - avg by (machine) (rate(node_cpu_seconds_total{${of},mode="idle"}[5m]))`,
            legend: '{{machine}}',
          },
        ],
        { unit: 'percentunit', max: 1 },
      ),
      plot(
        'memory',
        'Memory',
        [
          {
            expr: `1 - node_memory_MemAvailable_bytes{${of}} / node_memory_MemTotal_bytes{${of}}`,
            legend: '{{machine}}',
          },
        ],
        { unit: 'percentunit', max: 1 },
      ),
      plot(
        'disk',
        'Disks',
        [
          {
            expr: `1 - node_filesystem_avail_bytes{${of},${onlyDisks}} / node_filesystem_size_bytes{${of},${onlyDisks}}`,
            legend: '{{machine}} {{mountpoint}}',
          },
        ],
        { unit: 'percentunit', max: 1 },
      ),
    );
  }
  return { key: `host/${name}`, title: title === undefined ? name : `${name}, ${title}`, panels };
}
