import type { ReleaseManifest } from '../../../schema/wire/release.ts';
import { conditionOf } from './facts.ts';
import type { Risk } from './planned.ts';

type Facts = ReleaseManifest['facts'];
type Access = Facts['access'][number];
type Route = Facts['routes'][number];

const strength = ['bypass', 'one_factor', 'two_factor', 'deny'];

/** Whether everybody whom `now` lets in was let in before. No rule lets in everybody; nor does an empty list leave any out. */
function isWithin(now: Access | undefined, before: Access | undefined): boolean {
  if (before === undefined) return true;
  if (now === undefined) return false;
  if (now.policy === 'deny') return true;
  const inside = (all: readonly string[], of: readonly string[]): boolean =>
    of.length === 0 || (all.length > 0 && all.every((one) => of.includes(one)));
  return (
    strength.indexOf(now.policy) >= strength.indexOf(before.policy) &&
    inside(now.groups, before.groups) &&
    inside(now.from, before.from)
  );
}

const rule = (facts: Facts, name: string | undefined): Access | undefined =>
  name === undefined ? undefined : facts.access.find((one) => one.name === name);

const same = (a: Route, b: Route): boolean => a.host === b.host && a.when === b.when;
const answersAt = (host: string, wide: Route): boolean =>
  wide.host === host || (wide.host.startsWith('*.') && host.endsWith(wide.host.slice(1)));

/** Routes by which somebody gets where he did not before: new ones, other rules, and guarded ones that go. */
export function widenedRoutes(before: Facts, after: Facts): Risk[] {
  /** Whether a route lets in whom one of before did not. */
  const isWider = (now: Route, was: Route): boolean =>
    !isWithin(rule(after, now.access), rule(before, was.access));
  const risk = ({ host, target, app }: Route, text: string): Risk => ({
    code: 'access_widened',
    target,
    app,
    text: `\`${host}\`${text}`,
  });
  const risks: Risk[] = [];
  for (const route of after.routes) {
    const was = before.routes.find((one) => same(one, route));
    const others = before.routes.filter(({ host }) => host === route.host);
    const open = route.access === undefined ? ', and no access rule guards it' : '';
    const passed = others.find((one) => isWider(route, one));
    if (route.public && was?.public !== true) {
      const isKnown = was === undefined && others.some((one) => one.public);
      const what = isKnown
        ? `${conditionOf(route)} is a new public route`
        : was === undefined
          ? ' is a new public name'
          : ' becomes public';
      risks.push(risk(route, `${what}${open}`));
    } else if (was === undefined && passed !== undefined) {
      const text = `${conditionOf(route)} is a new route, which lets in whom \`${passed.access}\` did not`;
      risks.push(risk(route, text));
    } else if (was !== undefined && was.access !== route.access) {
      if (route.access === undefined) risks.push(risk(route, ` is no longer guarded by \`${was.access}\``));
      else if (isWider(route, was)) {
        risks.push(
          risk(route, ` is guarded by \`${route.access}\`, which lets in whom \`${was.access}\` did not`),
        );
      }
    }
  }
  return [...risks, ...before.routes.flatMap(unguarded)];

  /** What a guarded route that goes leaves to a wider one, as far as that was there before. */
  function unguarded(was: Route): Risk[] {
    if (was.access === undefined || after.routes.some((one) => same(one, was))) return [];
    const heir = after.routes.find(
      (one) =>
        answersAt(was.host, one) && isWider(one, was) && before.routes.some((other) => same(other, one)),
    );
    if (heir === undefined) return [];
    const text = `${conditionOf(was)} is no longer guarded by \`${was.access}\`: another route answers there, which lets in others`;
    return [risk({ ...was, target: heir.target, app: heir.app }, text)];
  }
}

/** Rules that let in whom they did not. */
export function widenedRules(before: Facts, after: Facts): Risk[] {
  return after.access.flatMap((now) => {
    const was = before.access.find(({ name }) => name === now.name);
    if (was === undefined || isWithin(now, was)) return [];
    return [
      { code: 'access_widened', text: `the access rule \`${now.name}\` lets in whom it did not` } as const,
    ];
  });
}
