import { didYouMean } from '../../../../schema/near.ts';
import { sectionOf } from '../../../../schema/quadlet/names.ts';
import { all, last, lastValue, placeOf, type Unit, unitPlace } from '../../../../schema/quadlet/unit.ts';
import { unlessApp } from '../../broken.ts';
import type { Place } from '../../finding.ts';
import type { Home, Target } from '../../home.ts';
import { byText } from '../../repo.ts';
import type { Doubt } from '../generator.ts';
import { type Box, type Boxes, isSame, type Joined } from './boxes.ts';
import type { PodmanOptions } from './options.ts';

type Tell = (doubt: Doubt) => void;

/** Networks to be made, by name, and what each box is in, by its unit. */
export type Isolation = {
  readonly networks: ReadonlyMap<string, { readonly internal: boolean }>;
  readonly joins: ReadonlyMap<Box, readonly Joined[]>;
};

/**
 * A network for each pair of apps that speak, so that an app reaches what it uses and nothing else of its machine.
 * Apps of several boxes, and apps that nobody speaks to, have one of their own. A network that an app brings itself and
 * shares with no other app stays.
 */
export function isolate(
  home: Home,
  target: Target,
  all: Boxes,
  options: PodmanOptions,
  tell: Tell,
): Isolation {
  const { boxes } = all;
  const members = new Map<string, Set<string>>();
  const users = new Map<string, Set<string>>();
  for (const { app, networks } of boxes) {
    members.set(app, new Set());
    for (const { name } of networks) users.set(name, (users.get(name) ?? new Set()).add(app));
  }
  const apps = [...members.keys()].sort(byText);
  const boxesOf = new Map(apps.map((app): [string, Box[]] => [app, []]));
  for (const box of boxes) boxesOf.get(box.app)!.push(box);
  const pairs = new Map<string, readonly [string, string]>();
  for (const [from, to] of flowsOn(home, target, options, tell)) {
    if (!members.has(from) || !members.has(to)) continue;
    // One network serves both ways.
    const pair = [from, to].sort(byText) as [string, string];
    const name = pair.join('_');
    pairs.set(name, pair);
    for (const app of pair) members.get(app)!.add(name);
  }
  const inside = new Set(options.internal);
  const networks = new Map<string, { internal: boolean }>();
  for (const [name, pair] of pairs) networks.set(name, { internal: pair.some((app) => inside.has(app)) });
  const joins = new Map<Box, readonly Joined[]>();
  for (const app of apps) {
    const own = boxesOf.get(app)!;
    // Networks of its own folder that no other app is in.
    const kept = new Set(
      own
        .flatMap((box) => box.networks)
        .flatMap(({ name }) => (all.networks.get(name) === app && users.get(name)!.size === 1 ? [name] : [])),
    );
    const shared = [...members.get(app)!].sort(byText);
    const isInside = inside.has(app);
    const reaches = isInside || kept.size > 0 || shared.some((name) => !networks.get(name)!.internal);
    const isAlone =
      shared.length === 0 && own.some((box) => !box.networks.some(({ name }) => kept.has(name)));
    if (!reaches || isAlone || (own.length > 1 && kept.size === 0)) {
      networks.set(`${app}.own`, { internal: isInside });
      shared.push(`${app}.own`);
    }
    for (const box of own) joins.set(box, joinedBy(box, kept, shared, tell));
  }
  for (const app of options.internal.filter((one) => !Object.hasOwn(home.apps, one))) {
    const near = didYouMean(app, Object.keys(home.apps)).trim();
    const message = `the option internal names ${app}, which is no app`;
    const unless = unlessApp(app);
    tell({
      severity: 'error',
      code: 'unknown_app',
      message,
      ...(near !== '' && { suggestion: near }),
      unless,
    });
  }
  return { networks: new Map([...networks].sort(([a], [b]) => byText(a, b))), joins };
}

/** Who speaks to whom on a machine: what apps use, and the proxy to what it answers for. */
function flowsOn(
  home: Home,
  target: Target,
  options: PodmanOptions,
  tell: Tell,
): (readonly [string, string])[] {
  const flows = home.flows
    .filter(({ from, to }) => from.target === target.name && to.target === target.name)
    .map(({ from, to }) => [from.app, to.app] as const);
  const routes = home.routes.filter(
    ({ proxy, target: on, upstream }) =>
      proxy === target.name && on === target.name && upstream !== undefined,
  );
  const proxies = home.instances.filter(
    ({ target: on, files }) =>
      on === target.name && files.some(({ generate }) => generate?.startsWith('traefik/')),
  );
  const proxy = options.proxy ?? proxies[0]?.app;
  if (routes.length === 0) return flows;
  if (proxy === undefined) {
    const message = `apps on ${target.name} are isolated, and nothing says which app is the proxy that must reach them`;
    const suggestion = 'Name it in the option proxy.';
    tell({ severity: 'error', code: 'proxy_unclear', message, suggestion, unless: ['apps/*'] });
    return flows;
  }
  return [...flows, ...routes.filter(({ app }) => app !== proxy).map(({ app }) => [proxy, app] as const)];
}

/** What a box is in: what it keeps, then what it shares, where it has the aliases that it had. */
function joinedBy(
  { app, unit, networks }: Box,
  kept: ReadonlySet<string>,
  shared: readonly string[],
  tell: Tell,
): readonly Joined[] {
  const left = networks.filter(({ name }) => !kept.has(name));
  const aliases = left.flatMap(({ options }) => options.filter((one) => one.startsWith('alias=')));
  const joined = [
    ...networks.filter(({ name }) => kept.has(name)),
    ...shared.map((name) => ({ name: `${name}.network`, options: aliases })),
  ];
  if (isSame(networks, joined)) return joined;
  // An address is one of a network: out of that, or beside a second one, it says nothing.
  const said = left.find(({ options }) => options.some((one) => /^(ip6?|mac)=/.test(one)));
  const section = sectionOf(unit.name.kind as 'container');
  const key = ['IP', 'IP6'].find((one) => (lastValue(unit, section, one) ?? '') !== '');
  if (said !== undefined || key !== undefined) {
    tell({
      severity: 'error',
      code: 'network_address',
      message: `${unit.file.name} of ${app} says ${said === undefined ? `${key}=` : `an address in ${said.name}`}, and its machine puts it into other networks`,
      suggestion: 'Take it away, for names are enough: containers reach each other by ContainerName.',
      place: whereAddress(unit, section, said?.name, key),
    });
  }
  return joined;
}

function whereAddress(
  unit: Unit,
  section: string,
  network: string | undefined,
  key: string | undefined,
): Place {
  const line =
    network === undefined
      ? last(unit, section, key!)
      : all(unit, section, 'Network').find(({ value }) => value.startsWith(`${network}:`));
  return line === undefined ? unitPlace(unit) : placeOf(line);
}
