import { nearest } from '../../../../schema/near.ts';
import { machineOf } from '../../compile/routes.ts';
import { grouped } from '../../grouped.ts';
import type { Scrape } from '../../home.ts';
import { byText } from '../../repo.ts';
import type { GeneratorInput, Tell } from '../generator.ts';
import { mergeOver } from '../shared/merge.ts';
import type { ScrapeOptions } from './options.ts';

type Tree = Readonly<Record<string, unknown>>;

/** A name of metrics is unique in its app; the names of apps and of metrics have no slash. */
export const jobName = ({ app, name }: Pick<Scrape, 'app' | 'name'>): string =>
  name === app ? app : `${app}/${name}`;

/** The host that a machine is on: itself, unless it is a guest. */
export const hostOf = (home: Parameters<typeof machineOf>[0], name: string): string => {
  const machine = machineOf(home, name);
  return machine?.kind === 'guest' ? machine.host : name;
};

/** Prometheus' scrape configuration, of what the app that places it is to ask. */
export function makeScrapeConfig(
  { home, instance }: GeneratorInput,
  options: ScrapeOptions,
  tell: Tell,
): Tree {
  const asked = home.scrapes.filter(({ by }) => by.app === instance.app && by.target === instance.target);
  const jobs = [...grouped(asked, jobName)].sort(([a], [b]) => byText(a, b));
  const names = jobs.map(([name]) => name);
  for (const name of Object.keys(options.jobs)) {
    if (names.includes(name)) continue;
    const near = nearest(name, names);
    tell({
      severity: 'error',
      code: 'wrong_option',
      message: `options.jobs names ${name}, and nothing is asked by that name`,
      ...(near !== undefined && { suggestion: `Did you mean ${near}?` }),
    });
  }
  for (const { app, token, place } of asked) {
    if (token === undefined || instance.secrets.includes(token)) continue;
    tell({
      severity: 'error',
      code: 'secret_undeclared',
      message: `${app} asks for the token ${token}, which ${instance.app} does not list among its secrets`,
      place,
    });
  }
  const made = jobs.map(([name, scrapes]) => {
    const job = jobOf(name, scrapes, options, (target) => hostOf(home, target));
    return Object.hasOwn(options.jobs, name) ? mergeOver(job, options.jobs[name]!) : job;
  });
  return {
    global: mergeOver({ scrape_interval: options.interval }, options.global),
    scrape_configs: [...made, ...options.extra],
  };
}

function jobOf(
  name: string,
  scrapes: readonly Scrape[],
  { secrets }: ScrapeOptions,
  hostFor: (target: string) => string,
): Tree {
  // They are of one entry of one app.yaml: only places differ.
  const { path, scheme, every, token, honor_labels } = scrapes[0]!;
  return {
    job_name: name,
    ...(path !== '/metrics' && { metrics_path: path.split('?')[0] }),
    ...(path.includes('?') && { params: paramsOf(path) }),
    ...(scheme !== 'http' && { scheme }),
    ...(every !== undefined && { scrape_interval: every }),
    ...(honor_labels && { honor_labels }),
    ...(token !== undefined && {
      authorization: { type: 'Bearer', credentials_file: `${secrets}/${token}` },
    }),
    static_configs: scrapes.map(({ app, target, host, port, may_sleep }) => ({
      targets: [`${host}:${port}`],
      labels: {
        machine: target,
        host: hostFor(target),
        app,
        may_sleep: may_sleep ? 'yes' : 'no',
      },
    })),
  };
}

/** In a path, `?` would be taken for a part of it. */
const paramsOf = (path: string): Tree => {
  const given = [...new URLSearchParams(path.slice(path.indexOf('?') + 1))];
  return Object.fromEntries(
    [...grouped(given, ([key]) => key)].map(([key, all]) => [key, all.map(([, value]) => value)]),
  );
};
