import type { Generator } from './generator.ts';
import { makeScrapeConfig } from './scrape/config.ts';
import { scrapeOptionsSchema } from './scrape/options.ts';
import { yamlBy } from './shared/outputs.ts';

/** Who is asked for metrics, in the words of Prometheus, which VictoriaMetrics and vmagent read, too. */
export const scrape: Generator = {
  name: 'scrape',
  about: 'what is asked for metrics, for VictoriaMetrics, vmagent and Prometheus',
  upstream: { program: 'VictoriaMetrics', from: '1.79', below: '1.155' },
  options: scrapeOptionsSchema,
  outputs: {
    config: {
      about: 'the file of `-promscrape.config`, and of Prometheus itself',
      kind: 'file',
      // Without anybody who asks, metrics are of use to whoever looks at them by hand.
      needed: () => [],
      generate: yamlBy('scrape/config', scrapeOptionsSchema, makeScrapeConfig),
    },
  },
};
