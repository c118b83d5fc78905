import type { Home } from '../../home.ts';
import { byText } from '../../repo.ts';
import type { RouterRules } from './rules.ts';

/** The same in words, for who has another router or none that can be told. */
export function routerText(home: Home, { aliases, rules }: RouterRules): string {
  const networks = Object.values(home.networks).map(({ name, title, subnet, vlan, gateway }) => [
    name,
    subnet,
    vlan === undefined ? '' : String(vlan),
    gateway ?? '',
    title ?? '',
  ]);
  const allowed = rules.map(({ network, from, to, proto, port, apps }) => [
    network,
    from === network ? 'anybody there' : from,
    to,
    `${port}/${proto}`,
    apps.join(', '),
  ]);
  return [
    'Networks',
    '',
    ...table(['network', 'subnet', 'VLAN', 'gateway', 'what it is'], networks),
    '',
    'What one network may reach in another; all else between networks is to be refused',
    '',
    ...table(['in network', 'from', 'to', 'port', 'for'], allowed),
    '',
    'Addresses',
    '',
    ...table(
      ['name', 'addresses'],
      aliases.map(({ name, addresses }) => [name, [...addresses].sort(byText).join(', ')]),
    ),
    '',
  ].join('\n');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const all = [head, ...rows];
  const widths = head.map((_, index) => Math.max(...all.map((row) => row[index]!.length)));
  return all.map((row) =>
    row
      .map((cell, index) => cell.padEnd(widths[index]!))
      .join('  ')
      .trimEnd(),
  );
}
