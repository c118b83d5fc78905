import { durationMs } from '../../../../schema/manifest/duration.ts';
import { own } from '../../../../schema/wire/record.ts';
import { grouped } from '../../grouped.ts';
import type { Home } from '../../home.ts';
import { byText } from '../../repo.ts';
import { is, type Rule } from './rule.ts';
import { longestGapMs } from './schedule.ts';

/** For each guest that jobs back up, whether its newest backup is as new as their schedule asks for. */
export function backupRules(home: Home, grace: string): Rule[] {
  const asked = Object.values(home.backups).flatMap(({ guests, storage, schedule }) => {
    const gap = longestGapMs(schedule);
    return gap === null ? [] : guests.map((guest) => ({ guest, storage, gap }));
  });
  const old = [...grouped(asked, ({ guest, storage }) => `${guest} ${storage}`).values()].map(
    (jobs): Rule => {
      const { guest, storage } = jobs[0]!;
      const limitMs = Math.min(...jobs.map(({ gap }) => gap)) + durationMs(grace);
      // What is known of a host that sleeps is what it told before.
      const newest = `max by (guest, storage) (last_over_time(house_backup_newest_timestamp_seconds{${is('guest', guest)},${is('storage', storage)}}[30d]))`;
      const host = own(home.guests, guest)?.host;
      // Nothing new is on a host that is off, and nobody could back it up: it is told once it is back.
      const awake =
        host === undefined ? '' : ` unless on () writ_host_expected_off{${is('host', host)}} == 1`;
      return {
        alert: 'BackupOld',
        expr: `time() - ${newest} > ${limitMs / 1000}${awake}`,
        for: '15m',
        severity: 'warning',
        topic: 'backups',
        labels: { machine: guest, ...(host !== undefined && { host }) },
        summary: `the newest backup of ${guest} on ${storage} is {{ $value | humanizeDuration }} old`,
      };
    },
  );
  return [
    ...old.sort((a, b) => byText(a.expr, b.expr)),
    // Where nothing is told, neither a backup nor a storage is ever found wanting.
    ...toldOf(home).map(
      (machine): Rule => ({
        alert: 'HouseMetricsMissing',
        expr: `absent(last_over_time(house_metrics_success{${is('machine', machine)}}[30d]))`,
        for: '30m',
        severity: 'warning',
        topic: 'storage',
        labels: { machine, host: machine },
        summary: `${machine} has told nothing of its storages and backups for a month`,
      }),
    ),
    {
      alert: 'HouseMetricsFailed',
      expr: 'house_metrics_success == 0',
      for: '30m',
      severity: 'warning',
      topic: 'storage',
      summary: '{{ $labels.machine }} cannot tell of its {{ $labels.part }}',
    },
    {
      alert: 'HouseMetricsOld',
      expr: 'time() - node_textfile_mtime_seconds{file=~".*/house.prom"} > 3600',
      for: '15m',
      severity: 'warning',
      topic: 'storage',
      summary: 'what {{ $labels.machine }} tells of its storages is {{ $value | humanizeDuration }} old',
    },
  ];
}

/** Hosts of which homelab.yaml names storages, or guests that are backed up. */
const toldOf = ({ storage, backups, guests }: Home): string[] =>
  [
    ...new Set([
      ...Object.values(storage).map(({ host }) => host),
      ...Object.values(backups).flatMap((job) =>
        job.guests.flatMap((guest) => own(guests, guest)?.host ?? []),
      ),
    ]),
  ].sort(byText);

/** Limits of each storage, as homelab.yaml has them. */
export function storageRules(home: Home): Rule[] {
  const full = Object.entries(home.storage).flatMap(([storage, { host, kind, alert }]): Rule[] => {
    const where = `${is('machine', host)},${is('storage', storage)}`;
    const labels = { machine: host, host, storage };
    const over = (of: 'data' | 'metadata' | 'used', limit: number): string =>
      of === 'used'
        ? `house_storage_used_percent{${where}} > ${limit}`
        : `house_thin_pool_${of}_percent{${where}} > ${limit}`;
    const percent = '{{ $value | humanize }} %';
    const used: Rule = {
      alert: 'StorageFull',
      expr: over(kind === 'lvmthin' ? 'data' : 'used', alert.used ?? 85),
      for: '15m',
      severity: 'warning',
      topic: 'storage',
      labels,
      summary: `${storage} on ${host} is ${percent} full`,
    };
    if (kind !== 'lvmthin') return [used];
    return [
      used,
      {
        ...used,
        alert: 'PoolMetadataFull',
        expr: over('metadata', alert.metadata ?? alert.used ?? 85),
        // A pool without room for its metadata loses what is written.
        severity: 'critical',
        summary: `the metadata of ${storage} on ${host} are ${percent} full`,
      },
    ];
  });
  return [
    ...full,
    {
      alert: 'StorageGone',
      expr: 'house_storage_active == 0',
      for: '30m',
      severity: 'critical',
      topic: 'storage',
      summary: '{{ $labels.machine }} cannot use its storage {{ $labels.storage }}',
    },
  ];
}
