import type { Probe } from './cell.ts';
import type { Route } from './said.ts';

const plain = (path: string): string => path.replace(/^\^/, '');

/**
 * Requests about a route: at each of its names, with its conditions fulfilled, and with each of them not. A name for
 * a wildcard is one that nobody has, one level and two levels below.
 */
export function probesOf({ hosts, when }: Route): Probe[] {
  const names = hosts.flatMap((host) =>
    host.startsWith('*.') ? [`unheard${host.slice(1)}`, `far.unheard${host.slice(1)}`] : [host],
  );
  const inside = when.path.length === 0 ? ['/', '/some/page'] : when.path.map(plain);
  const paths = [
    ...inside,
    ...inside.map((path) => `${path}x`),
    ...when.path.flatMap((path) => ['/', plain(path).slice(0, -1), `/x${plain(path)}`]),
    ...when.notPath.flatMap((path) => [plain(path), `${plain(path)}/x`, plain(path).slice(0, -1)]),
  ];
  const methods = when.method.length === 0 ? ['GET'] : [...when.method, 'DELETE'];
  const needed = Object.fromEntries(Object.entries(when.header).map(([name, value]) => [name, plain(value)]));
  const headers =
    Object.keys(needed).length === 0
      ? [{}]
      : [needed, {}, Object.fromEntries(Object.keys(needed).map((name) => [name, 'else']))];
  const all = names.flatMap((host) =>
    [...new Set(paths.filter((path) => path.startsWith('/')))].flatMap((path) =>
      methods.flatMap((method) => headers.map((some) => ({ host, path, method, headers: some }))),
    ),
  );
  return all;
}
