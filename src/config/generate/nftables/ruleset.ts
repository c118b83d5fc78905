import { overlaps, parseSubnet } from '../../../../schema/manifest/address.ts';
import type { Home, Target } from '../../home.ts';
import type { Tell } from '../generator.ts';
import {
  addressesOf,
  coversMachine,
  joined,
  judgeSource,
  type Opening,
  openingsOf,
  tailnetRange,
} from '../shared/openings.ts';
import { containerSubnets } from './containers.ts';
import type { NftablesOptions } from './options.ts';

/** The table `inet writ`, which takes the place of the one before in one step and touches no other. */
export function rulesetText(home: Home, target: Target, options: NftablesOptions, tell: Tell): string {
  const openings = openingsOf(home, target, tell);
  const admin = adminOpenings(home, target, options, tell);
  const hasBoxes = runsContainers(home, target);
  const passes = !(target.kind === 'host' && target.proxmox);
  const boxes = interfaces(options.containers);
  const edges = edgesBeside(home, target);
  const held = tailnetRules(home, target, [...openings, ...admin], options);
  return [
    'table inet writ',
    'delete table inet writ',
    'table inet writ {',
    ...(edges.length === 0 ? [] : chain('edge', edgeRules(openings, edges))),
    ...chain('opened', [
      ...(edges.length === 0
        ? []
        : [`ip saddr { ${joined(edges.flatMap((one) => one.addresses)).join(', ')} } goto edge`]),
      ...openings.flatMap((one) => [
        ...openingRule(home, target, one),
        ...(hasBoxes && one.from !== null && coversMachine(home, one.from, target)
          ? [`iifname ${boxes} ${portOf(one)} accept${comment(one)}`]
          : []),
      ]),
      ...admin.flatMap((one) => openingRule(home, target, one)),
    ]),
    ...(held.length === 0 ? [] : chain('tailnet', held)),
    ...chain('input', [
      'type filter hook input priority filter; policy drop;',
      'iif lo accept',
      'ct state vmap { established : accept, related : accept, invalid : drop }',
      ...(held.length === 0 ? [] : ['jump tailnet']),
      'icmp type { destination-unreachable, echo-request, time-exceeded, parameter-problem } accept',
      'icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem, echo-request, mld-listener-query, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert } accept',
      ...(options.dhcp
        ? ['udp sport 67 udp dport 68 accept', 'ip6 saddr fe80::/10 udp sport 547 udp dport 546 accept']
        : []),
      ...(hasBoxes
        ? [`iifname ${boxes} meta l4proto { tcp, udp } th dport 53 accept comment "names of containers"`]
        : []),
      'jump opened',
      ...options.input,
      ...logLines(options),
    ]),
    // Guests of a Proxmox VE host are behind a bridge, and what they say may come by here: it is theirs to judge.
    ...(passes
      ? chain('forward', [
          'type filter hook forward priority filter; policy drop;',
          'ct state vmap { established : accept, related : accept, invalid : drop }',
          // A published port is another address by now; what was asked for is what counts.
          ...(held.length === 0 ? [] : ['ct status dnat jump tailnet']),
          'ct status dnat jump opened',
          ...(hasBoxes ? containerRules(home, target, boxes) : []),
          ...options.forward,
          ...logLines(options),
        ])
      : []),
    '}',
    '',
  ].join('\n');
}

const chain = (name: string, rules: readonly string[]): string[] => [
  `  chain ${name} {`,
  ...rules.map((line) => `    ${line}`),
  '  }',
];

const interfaces = (names: readonly string[]): string =>
  names.length === 1 ? `"${names[0]}"` : `{ ${names.map((name) => `"${name}"`).join(', ')} }`;

const logLines = ({ log }: NftablesOptions): string[] =>
  log ? ['limit rate 5/minute log prefix "writ dropped: "'] : [];

const runsContainers = (home: Home, { name, containers }: Target): boolean =>
  containers !== undefined ||
  home.instances.some(
    ({ target, units }) => target === name && units.some((unit) => /\.(container|pod|kube)$/.test(unit.name)),
  );

/** By what was asked for: where it is the port of a container, it is another one by now. */
const portOf = ({ port, proto }: Opening): string => `meta l4proto ${proto} ct original proto-dst ${port}`;

/** A comment has 128 characters at most. */
function comment({ apps }: Opening): string {
  const text = apps.join(', ');
  return text === '' ? '' : ` comment "${text.length <= 100 ? text : `${text.slice(0, 97)}...`}"`;
}

/** What comes from the machine itself does not come by here. */
function openingRule(home: Home, { address, tailnet }: Target, opening: Opening): string[] {
  if (opening.from === null) return [`${portOf(opening)} accept${comment(opening)}`];
  const addresses = joined(opening.from.flatMap((name) => addressesOf(home, name))).filter(
    (one) => one !== address && one !== tailnet,
  );
  return addresses.length === 0
    ? []
    : [`${portOf(opening)} ip saddr { ${addresses.join(', ')} } accept${comment(opening)}`];
}

type Edge = { readonly name: string; readonly addresses: readonly string[] };

/** Public machines beside this one, whose ranges of addresses may be opened where they are not meant. */
const edgesBeside = (home: Home, target: Target): Edge[] =>
  home.ingress.edges.flatMap((name) => {
    const addresses = [...addressesOf(home, name), ...publicAddressOf(home, name)];
    return name === target.name || addresses.length === 0 ? [] : [{ name, addresses }];
  });

const publicAddressOf = (home: Home, name: string): string[] => {
  const { public_address: address } = Object.hasOwn(home.hosts, name) ? home.hosts[name]! : {};
  return address === undefined ? [] : [address];
};

/** A public machine reaches what names it, and what is open to everyone. */
function edgeRules(openings: readonly Opening[], edges: readonly Edge[]): string[] {
  return [
    ...openings.flatMap((opening) => {
      if (opening.from === null) return [`${portOf(opening)} accept${comment(opening)}`];
      const named = edges.filter(
        ({ name, addresses }) =>
          opening.from!.includes(name) || addresses.some((one) => opening.from!.includes(one)),
      );
      const addresses = joined(named.flatMap((one) => one.addresses));
      return addresses.length === 0
        ? []
        : [`${portOf(opening)} ip saddr { ${addresses.join(', ')} } accept${comment(opening)}`];
    }),
    'drop',
  ];
}

function adminOpenings(home: Home, target: Target, options: NftablesOptions, tell: Tell): Opening[] {
  const from = options.admin_from ?? (target.network === undefined ? [] : Object.keys(home.networks));
  for (const name of options.admin_from ?? []) judgeSource(home, name, tell);
  if (from.length === 0) {
    const message = `${target.name} is in no network of the home, so that nobody could administer it`;
    const suggestion = 'options: { admin_from: … } names from where.';
    tell({
      severity: 'error',
      code: 'wrong_option',
      message,
      suggestion,
      unless: [`${target.name}.network`],
    });
  }
  const ports = options.admin_ports ?? (target.kind === 'host' && target.proxmox ? [22, 8006] : [22]);
  return ports.map((port) => ({ port, proto: 'tcp', from, apps: [] }));
}

/**
 * Who controls the tailnet is not trusted: an address of it counts on its interface alone, and what is opened to everyone
 * is not opened to it on a machine with a relay.
 */
function tailnetRules(
  home: Home,
  target: Target,
  openings: readonly Opening[],
  { tailnet }: NftablesOptions,
): string[] {
  if (target.tailnet === undefined) return [];
  const range = parseSubnet(tailnetRange)!;
  const named = joined(
    openings
      .flatMap(({ from }) => from ?? [])
      .flatMap((name) => addressesOf(home, name))
      .filter((text) => overlaps(range, parseSubnet(text.includes('/') ? text : `${text}/32`)!)),
  );
  return [
    `iifname != "${tailnet}" ip saddr ${tailnetRange} drop`,
    ...(target.kind !== 'host'
      ? []
      : named.length === 0
        ? [`iifname "${tailnet}" drop`]
        : [
            `iifname "${tailnet}" ip saddr != { ${named.join(', ')} } drop`,
            `iifname "${tailnet}" meta nfproto ipv6 drop`,
          ]),
  ];
}

/** Out of the machine, and within one network. Where a network's subnet is not known, networks cannot be told apart. */
function containerRules(home: Home, target: Target, boxes: string): string[] {
  const subnets = containerSubnets(home, target);
  return [
    `iifname ${boxes} oifname != ${boxes} accept comment "containers to the outside"`,
    ...(subnets === null
      ? [`iifname ${boxes} oifname ${boxes} accept comment "between containers: a network says no subnet"`]
      : subnets.map(
          (one) =>
            `iifname ${boxes} oifname ${boxes} ip saddr ${one} ip daddr ${one} accept comment "within a network"`,
        )),
  ];
}
