import type { Flow, Scrape, Target } from '../home.ts';
import { byText } from '../repo.ts';
import { type Machines, machineOf, maySleep } from './routes.ts';
import { fault, type Placed, type Tell } from './units.ts';
import { upstreamHost } from './upstream.ts';

/** What each app that places an output of `scrape` asks: everything in the home that has metrics. */
export function compileScrapes(placed: readonly Placed[], machines: Machines, tell: Tell): Scrape[] {
  const askers = placed.filter(({ files }) => files.some(({ generate }) => generate?.startsWith('scrape/')));
  const scrapes: Scrape[] = [];
  for (const { app, target, source, parsed } of placed) {
    const names = new Set<string>();
    for (const [index, { name: given, port, container, ...metrics }] of source.file.metrics.entries()) {
      const place = source.yaml.place(['metrics', index]);
      const name = given ?? (names.size === 0 ? app : `${app}-${names.size + 1}`);
      if (names.has(name)) tell(fault(place, 'name_twice', `the app has two metrics named ${name}`));
      names.add(name);
      const machine = machineOf(machines, target)!;
      for (const by of askers) {
        const seen = seenFrom(machineOf(machines, by.target)!, machine);
        const way = { app, units: parsed, machine: seen, proxy: by.target, known: true, portPlace: place };
        const host = upstreamHost(way, { port, container }, place, tell);
        if (host === null) continue;
        const asker = { app: by.app, target: by.target };
        scrapes.push({
          ...metrics,
          name,
          app,
          target,
          by: asker,
          host,
          port,
          may_sleep: maySleep(machine),
          place,
        });
      }
    }
  }
  return scrapes.sort(
    (a, b) =>
      byText(a.target, b.target) ||
      byText(a.app, b.app) ||
      byText(a.name, b.name) ||
      byText(a.by.target, b.by.target) ||
      byText(a.by.app, b.by.app),
  );
}

/** What has no address at home is reached over the tailnet by what is on it, too. */
const seenFrom = (asker: Target, machine: Target): Target =>
  machine.address === undefined && machine.tailnet !== undefined && asker.tailnet !== undefined
    ? { ...machine, address: machine.tailnet }
    : machine;

/** Who asks for metrics speaks to what answers: flows like those of `uses`, where none says so already. */
export const flowsOfScrapes = (scrapes: readonly Scrape[], used: readonly Flow[]): Flow[] => {
  const keyOf = ({ from, to, port }: Pick<Flow, 'from' | 'to' | 'port'>): string =>
    [from.target, from.app, to.target, to.app, port].join(' ');
  const known = new Set(used.map(keyOf));
  return scrapes.flatMap(({ by, app, target, port }) => {
    const flow = { from: by, to: { app, target }, port, after: false };
    if (known.has(keyOf(flow)) || (by.app === app && by.target === target)) return [];
    known.add(keyOf(flow));
    return [flow];
  });
};
