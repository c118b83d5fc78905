import type { UseEntry } from '../../../schema/manifest/uses.ts';
import { didYouMean } from '../../../schema/near.ts';
import { unlessApp, unlessMachine, unlessNamed } from '../broken.ts';
import type { ConfigCode } from '../codes.ts';
import { grouped } from '../grouped.ts';
import type { Flow } from '../home.ts';
import { byText } from '../repo.ts';
import { askedBy, clashOf } from './provided.ts';
import { fault, type Placed, type Tell } from './units.ts';

/** Who speaks to whom, from `uses`; a ring of apps that wait for each other is told. */
export function compileFlows(
  placed: readonly Placed[],
  unplaced: ReadonlySet<string>,
  accessNames: ReadonlySet<string>,
  tell: Tell,
): Flow[] {
  const on = new Map(
    [...grouped(placed, ({ app }) => app)].map(([app, all]) => [app, all.map(({ target }) => target)]),
  );
  const flows: Flow[] = [];
  const told = new Set<string>();
  for (const { app, target, uses, source } of placed) {
    for (const [index, use] of uses.entries()) {
      const { name, where, port, after } = readUse(use);
      const place = source.yaml.place(['uses', index]);
      const say = (
        code: ConfigCode,
        message: string,
        suggestion = '',
        unless: readonly string[] = [],
      ): void => {
        const key = `${app} ${index} ${message}`;
        if (!told.has(key)) tell(fault(place, code, message, suggestion, unless));
        told.add(key);
      };
      const targets = on.get(name);
      // An app that no machine takes is told by itself.
      if (targets === undefined && unplaced.has(name)) continue;
      if (targets === undefined) {
        say('unknown_app', `there is no app ${name}`, didYouMean(name, on.keys()), unlessApp(name));
        continue;
      }
      const to =
        where ?? (targets.includes(target) ? target : targets.length === 1 ? targets[0]! : undefined);
      if (to === undefined) {
        say(
          'use_unclear',
          `${name} is on ${targets.join(' and ')}; which one is used? ({ app: ${name}, on: … })`,
        );
      } else if (!targets.includes(to)) {
        say('use_unclear', `${name} is not on ${to}`, didYouMean(to, targets), [
          `${name}.on`,
          ...unlessMachine(to),
        ]);
      } else if (name === app && to === target) {
        say('uses_itself', `${app} uses itself`);
      } else {
        const flow: Flow = {
          from: { app, target },
          to: { app: name, target: to },
          ...(port !== undefined && { port }),
          after,
          ...askedBy(use, app),
        };
        const clash = clashOf(flow, flows);
        if (clash !== null) say(clash.code, clash.message);
        const access = flow.oidc?.access;
        if (access !== undefined && !accessNames.has(access)) {
          const message = `there is no access ${access} in homelab.yaml`;
          say('unknown_access', message, didYouMean(access, accessNames), unlessNamed(access, 'access'));
        }
        flows.push(flow);
      }
    }
  }
  tellRing(flows, placed, tell);
  return flows;
}

/** Flows in the order of their ends. */
export const sortFlows = (flows: readonly Flow[]): Flow[] =>
  [...flows].sort(
    (a, b) =>
      byText(a.from.target, b.from.target) ||
      byText(a.from.app, b.from.app) ||
      byText(a.to.target, b.to.target) ||
      byText(a.to.app, b.to.app) ||
      (a.port ?? 0) - (b.port ?? 0),
  );

function readUse(use: UseEntry): {
  name: string;
  where?: string | undefined;
  port?: number | undefined;
  after: boolean;
} {
  if (typeof use === 'string') return { name: use, after: true };
  if ('app' in use) return { name: use.app, where: use.on, port: use.port, after: use.after };
  if ('postgres' in use) return { name: use.postgres.app, where: use.postgres.on, port: 5432, after: true };
  return { name: use.oidc.app, where: use.oidc.on, after: false };
}

function tellRing(flows: readonly Flow[], placed: readonly Placed[], tell: Tell): void {
  const next = new Map<string, string[]>();
  const keyOf = (end: Flow['from']): string => `${end.app} on ${end.target}`;
  for (const { from, to, after } of flows) {
    if (after) next.set(keyOf(from), [...(next.get(keyOf(from)) ?? []), keyOf(to)]);
  }
  const state = new Map<string, 'open' | 'done'>();
  // Without recursion: a chain may be as long as the repo has apps.
  for (const root of next.keys()) {
    const trail: { key: string; left: string[] }[] = [];
    const enter = (key: string): void => {
      state.set(key, 'open');
      trail.push({ key, left: [...(next.get(key) ?? [])] });
    };
    if (!state.has(root)) enter(root);
    while (trail.length > 0) {
      const top = trail.at(-1)!;
      const to = top.left.shift();
      if (to === undefined) {
        state.set(top.key, 'done');
        trail.pop();
      } else if (state.get(to) === 'open') {
        const ring = [...trail.slice(trail.findIndex(({ key }) => key === to)).map(({ key }) => key), to];
        const instance = placed.find((one) => keyOf({ app: one.app, target: one.target }) === to)!;
        const message = `apps wait for each other: ${ring.join(' → ')}`;
        tell(
          fault(
            instance.source.yaml.place(['uses']),
            'uses_ring',
            message,
            'Say after: false for one of them.',
          ),
        );
      } else if (!state.has(to)) {
        enter(to);
      }
    }
  }
}
