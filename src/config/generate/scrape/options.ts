import * as v from 'valibot';
import { absolutePathSchema, durationSchema } from '../../../../schema/manifest/values.ts';
import { recordOf } from '../../../../schema/wire/record.ts';

/** What the program itself reads, passed on as it is. */
const nativeSchema = recordOf(v.string(), v.unknown());

export const scrapeOptionsSchema = v.strictObject({
  interval: v.pipe(
    v.optional(durationSchema, '30s'),
    v.description('How often apps are asked that do not say it.'),
  ),
  secrets: v.pipe(
    v.optional(absolutePathSchema, '/run/secrets'),
    v.description('The folder where whoever asks finds its secrets, each as a file.'),
  ),
  jobs: v.pipe(
    v.optional(recordOf(v.string(), nativeSchema), {}),
    v.description('By name of a job, what is merged over it: `tls_config`, `metric_relabel_configs`.'),
  ),
  extra: v.pipe(v.optional(v.array(nativeSchema), []), v.description('More jobs, as Prometheus has them.')),
  global: v.pipe(
    v.optional(nativeSchema, {}),
    v.description('Merged over `global`, such as `external_labels`.'),
  ),
});
export type ScrapeOptions = v.InferOutput<typeof scrapeOptionsSchema>;
