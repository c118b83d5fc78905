import * as v from 'valibot';
import { absolutePathSchema, durationSchema, titleSchema } from '../../../../schema/manifest/values.ts';
import { nameSchema } from '../../../../schema/wire/ids.ts';
import { recordOf } from '../../../../schema/wire/record.ts';

/** What Grafana itself reads, passed on as it is: in provisioning files with its `${VARIABLE}`, too. */
const nativeSchema = recordOf(v.string(), v.unknown());

export const grafanaOptionsSchema = v.strictObject({
  interval: v.pipe(
    v.optional(durationSchema, '30s'),
    v.description('How often apps are asked for metrics: nothing finer is drawn.'),
  ),
  datasources: v.pipe(
    v.optional(recordOf(nameSchema, v.nullable(nativeSchema)), {}),
    v.description('Members merged over the datasource of an app, as Grafana has them; `null` takes it away.'),
  ),
  more: v.pipe(
    v.optional(v.array(nativeSchema), []),
    v.description('More datasources, as Grafana has them.'),
  ),
  dashboards: v.pipe(
    v.optional(absolutePathSchema, '/etc/grafana/dashboards'),
    v.description('The folder in Grafana’s container where it finds dashboards.'),
  ),
  folder: v.pipe(
    v.optional(titleSchema),
    v.description('The folder of Grafana’s own pages in which they are shown; absent: the outermost.'),
  ),
  panels: v.pipe(
    v.optional(v.array(nativeSchema), []),
    v.description('More panels of the dashboard, at its end, as Grafana has them.'),
  ),
  dashboard: v.pipe(v.optional(nativeSchema, {}), v.description('Merged over the whole dashboard.')),
});
export type GrafanaOptions = v.InferOutput<typeof grafanaOptionsSchema>;
