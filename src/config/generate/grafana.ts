import type { Doubt, Generator, GeneratorInput, Tell } from './generator.ts';
import { dashboardOf } from './grafana/dashboard.ts';
import { datasourcesOf, sourcesOf } from './grafana/datasources.ts';
import { grafanaOptionsSchema } from './grafana/options.ts';
import { yamlBy } from './shared/outputs.ts';
import { readOptions, tellUnknown } from './shared/read-options.ts';

/** Grafana: what it asks, and one page of the home. */
export const grafana: Generator = {
  name: 'grafana',
  about: 'what Grafana asks, and one page of the whole home',
  upstream: { program: 'Grafana', from: '11.5', below: '13' },
  options: grafanaOptionsSchema,
  outputs: {
    datasources: {
      about: 'a file for provisioning/datasources: what the app uses and Grafana can ask',
      kind: 'file',
      needed: () => [],
      generate: yamlBy('grafana/datasources', grafanaOptionsSchema, ({ home, instance }, options, tell) => {
        const sources = sourcesOf(home, instance);
        const apps = sources.map(({ app }) => app);
        for (const name of Object.keys(options.datasources)) {
          if (!apps.includes(name))
            tellUnknown(`datasources: nothing named ${name} is asked`, name, apps, tell);
        }
        return datasourcesOf(sources, options);
      }),
    },
    providers: {
      about: 'a file for provisioning/dashboards: where Grafana finds dashboards',
      kind: 'file',
      needed: () => [],
      generate: yamlBy('grafana/providers', grafanaOptionsSchema, (_, { dashboards, folder }) => ({
        apiVersion: 1,
        providers: [
          {
            name: 'writ',
            type: 'file',
            ...(folder !== undefined && { folder: folder.replaceAll('$', '$$$$') }),
            allowUiUpdates: false,
            options: { path: dashboards },
          },
        ],
      })),
    },
    dashboard: {
      about: 'the page of the home, as JSON',
      kind: 'file',
      needed: () => [],
      generate: makeDashboard,
    },
  },
};

function makeDashboard({ home, instance, options: given }: GeneratorInput) {
  const doubts: Doubt[] = [];
  const tell: Tell = (doubt) => void doubts.push(doubt);
  const options = readOptions(grafanaOptionsSchema, given, tell);
  const sources = sourcesOf(home, instance);
  const metrics = sources.find(({ kind }) => kind === 'metrics');
  if (metrics === undefined) {
    tell({
      severity: 'error',
      code: 'wrong_option',
      message: `the page of the home has nothing to ask: ${instance.app} uses nothing that answers queries of metrics`,
      suggestion: 'uses: [{ app: victoriametrics, port: 8428 }] says it.',
    });
  }
  const logs = sources.find(({ kind }) => kind === 'victorialogs');
  const made = options === null || metrics === undefined ? {} : dashboardOf(home, metrics, logs, options);
  return { made: { kind: 'file' as const, text: `${JSON.stringify(made, null, 1)}\n` }, doubts };
}
