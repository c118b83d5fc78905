import { didYouMean } from '../../../schema/near.ts';
import { unlessMachine } from '../broken.ts';
import type { Home, Ingress, Route } from '../home.ts';
import type { Manifest } from '../read/manifest.ts';
import { byText } from '../repo.ts';
import { type Machines, machineNames, machineOf } from './routes.ts';
import { fault, type Placed, type Tell } from './units.ts';

/** Whether HAProxy on a machine hands a name straight to an app there, which holds the certificate itself. */
export const isStraight = (
  machine: string,
  { target, passthrough, scheme, upstream }: Pick<Route, 'target' | 'passthrough' | 'scheme' | 'upstream'>,
): boolean => target === machine && (passthrough || scheme === 'tcp') && upstream !== undefined;

/** How public names get to the proxies, and what answers for those that sleep. */
export function compileIngress(
  { homelab: { ingress }, yaml }: Manifest,
  placed: readonly Placed[],
  home: Machines & Pick<Home, 'routes' | 'networks'>,
  tell: Tell,
): Ingress {
  const edges = placed
    .filter(({ files }) => files.some(({ generate }) => generate?.startsWith('haproxy/')))
    .map(({ target }) => target);
  const from = (ingress.from ?? edges).flatMap((name): string[] => {
    if (/^[0-9]/.test(name)) return [name];
    const machine = machineOf(home, name);
    const address = machine?.tailnet ?? machine?.address ?? home.networks[name]?.subnet;
    if (address !== undefined) return [address];
    if (ingress.from === undefined) return [];
    const known = [...Object.keys(home.networks), ...machineNames(home)];
    const place = yaml.place(['ingress', 'from']);
    if (known.includes(name)) {
      const unless = [`${name}.address`, `${name}.tailnet`];
      tell(fault(place, 'address_missing', `${name} states no address`, '', unless));
    } else {
      const message = `there is no network, guest or host ${name}`;
      tell(
        fault(place, 'unknown_network', message, didYouMean(name, known), [
          ...unlessMachine(name),
          'homelab.networks',
        ]),
      );
    }
    return [];
  });
  const [waking, ...more] = home.routes.filter((route) => route.waking);
  for (const { place } of more) {
    tell(fault(place, 'waking_twice', `${waking!.app} answers for what sleeps already`));
  }
  if (waking?.may_sleep === true) {
    tell({
      ...waking.place,
      severity: 'warning',
      code: 'waking_sleeps',
      message: `${waking.app} is to answer for what sleeps, and may sleep itself`,
    });
  }
  const { home: inside, public: outside, http } = ingress;
  return {
    ports: { home: inside, public: outside, http },
    edges: [...new Set(edges)].sort(byText),
    from: [...new Set(from)].sort(byText),
    ...(waking !== undefined && { waking }),
  };
}
