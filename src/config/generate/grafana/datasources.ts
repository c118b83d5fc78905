import { own } from '../../../../schema/wire/record.ts';
import type { Home, Instance } from '../../home.ts';
import { type AppKind, kindOf } from '../shared/app-kinds.ts';
import { mergeOver } from '../shared/merge.ts';
import { instanceAt, reachedFrom } from '../shared/reached.ts';
import type { GrafanaOptions } from './options.ts';

type Native = Readonly<Record<string, unknown>>;

/** Something that Grafana asks: an app that it uses. */
export type Source = {
  readonly kind: Kind;
  readonly app: string;
  readonly title: string;
  /** By which dashboards name it. */
  readonly uid: string;
  readonly url: string;
};

const kinds = {
  metrics: { type: 'prometheus', port: 8428 },
  victorialogs: { type: 'victoriametrics-logs-datasource', port: 9428 },
  loki: { type: 'loki', port: 3100 },
  alertmanager: { type: 'alertmanager', port: 9093 },
} as const;
type Kind = keyof typeof kinds;

export const typeOf = ({ kind }: Source): string => kinds[kind].type;

const isKind = (kind: AppKind | undefined): kind is Kind => kind !== undefined && Object.hasOwn(kinds, kind);

/**
 * What Grafana uses and can ask, that on its own machine first. Its own database is none of it: who looks at the home
 * need not read that.
 */
export function sourcesOf(home: Home, { app, target }: Instance): Source[] {
  const counts = new Map<Kind, number>();
  const isAway = (flow: Home['flows'][number]): number => Number(flow.to.target !== target);
  const used = home.flows.filter(
    ({ from, postgres }) => from.app === app && from.target === target && postgres === undefined,
  );
  return used
    .toSorted((a, b) => isAway(a) - isAway(b))
    .flatMap((flow): Source[] => {
      const instance = instanceAt(home, flow.to);
      const kind = instance === undefined ? undefined : kindOf(instance);
      const host = instance === undefined ? undefined : reachedFrom(home, target, instance);
      if (!isKind(kind) || host === undefined) return [];
      const count = (counts.get(kind) ?? 0) + 1;
      counts.set(kind, count);
      return [
        {
          kind,
          app: flow.to.app,
          title: home.apps[flow.to.app]!.title,
          uid: count === 1 ? `writ-${kind}` : `writ-${kind}-${count}`,
          url: `http://${host}:${flow.port ?? kinds[kind].port}`,
        },
      ];
    });
}

/** A file for provisioning/datasources. */
export function datasourcesOf(
  sources: readonly Source[],
  { interval, datasources, more }: GrafanaOptions,
): Native {
  const [metrics] = sources.filter(({ kind }) => kind === 'metrics');
  const [manager] = sources.filter(({ kind }) => kind === 'alertmanager');
  const made = sources.flatMap((source): Native[] => {
    const over = own(datasources, source.app);
    if (over === null) return [];
    const base = {
      name: literal(source.title),
      uid: source.uid,
      type: typeOf(source),
      access: 'proxy',
      url: source.url,
      isDefault: source === metrics,
      editable: false,
      ...jsonOf(source, interval, manager),
    };
    return [mergeOver(base, over ?? {})];
  });
  return { apiVersion: 1, prune: true, datasources: [...made, ...more] };
}

function jsonOf({ kind }: Source, timeInterval: string, manager: Source | undefined): Native {
  if (kind === 'alertmanager') return { jsonData: { implementation: 'prometheus' } };
  if (kind !== 'metrics') return {};
  return { jsonData: { timeInterval, ...(manager !== undefined && { alertmanagerUid: manager.uid }) } };
}

/** In provisioning files `$` begins a variable. */
const literal = (text: string): string => text.replaceAll('$', '$$$$');
