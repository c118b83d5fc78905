import { machineOf } from '../../compile/routes.ts';
import type { Home } from '../../home.ts';
import { byText } from '../../repo.ts';
import type { Tell } from '../generator.ts';
import { mergeOver } from '../shared/merge.ts';
import type { HeadscaleOptions } from './options.ts';
import { makeRoles, type Roles, roles } from './roles.ts';
import { makeTests, pagePort } from './tests.ts';

type Native = Readonly<Record<string, unknown>>;

/** Who may reach what over the tailnet, and the tests by which Headscale itself holds the file to it. */
export function makePolicy(home: Home, options: HeadscaleOptions, tell: Tell): Native {
  const known = makeRoles(home, options);
  const admins = `group:${options.admins}`;
  const tags = [...roles, 'router' as const].map((role) => known.tagOf(role));
  const subnets = Object.values(home.networks).map(({ subnet }) => subnet);
  const router = known.tagOf('router');
  const tree = mergeOver(
    {
      groups: groupsOf(home, options.admins),
      hosts: Object.fromEntries(Object.values(home.networks).map(({ name, subnet }) => [name, subnet])),
      tagOwners: Object.fromEntries(tags.map((tag) => [tag, [admins]])),
      autoApprovers: { routes: Object.fromEntries(subnets.map((subnet) => [subnet, [router]])) },
      acls: [
        accept(
          [admins],
          [...Object.keys(home.networks), ...tags].map((name) => `${name}:*`),
        ),
        ...ways(home, known, options),
        ...declaredWays(home, known, tell),
        ...options.acls,
      ],
      tests: [...makeTests(home, known, options, tell), ...options.tests],
    },
    options.extra,
  );
  judge(tree, admins, tell);
  return tree;
}

const accept = (src: readonly string[], dst: readonly string[], proto?: string): Native => ({
  action: 'accept',
  ...(proto !== undefined && { proto }),
  src,
  dst,
});

function groupsOf(home: Home, admins: string): Native {
  const people = Object.values(home.people);
  const named = [
    admins,
    ...Object.values(home.access).flatMap(({ groups }) => groups),
    ...people.flatMap(({ groups }) => groups),
  ];
  return Object.fromEntries(
    [...new Set(named)].sort(byText).map((group) => {
      const members = people.filter(({ groups }) => groups.includes(group)).map(({ name }) => `${name}@`);
      return [`group:${group}`, members.sort(byText)];
    }),
  );
}

/** What every home has: people to the proxies, the public machine to what is public, relays to the control plane. */
function ways(home: Home, { proxiesOf, machinesOf, tagOf }: Roles, options: HeadscaleOptions): Native[] {
  const { home: inside, public: outside } = home.ingress.ports;
  const proxies = proxiesOf(() => true);
  const open = proxiesOf((route) => route.public);
  const isThere = home.ingress.edges.length > 0;
  return [
    ...(proxies.length > 0
      ? [
          accept(
            ['autogroup:member'],
            proxies.map((role) => `${tagOf(role)}:${inside}`),
          ),
        ]
      : []),
    ...(isThere && open.length > 0
      ? [
          accept(
            [tagOf('edge')],
            open.map((role) => `${tagOf(role)}:${outside}`),
          ),
        ]
      : []),
    ...(isThere && machinesOf('host').length > 0
      ? [accept([tagOf('host')], [`${tagOf('edge')}:${options.control_port}`])]
      : []),
  ];
}

/**
 * Ports that apps open to machines by name, where the tailnet is the only way: one of the two is not at home. By address,
 * for a tag would open them to more machines.
 */
function declaredWays(home: Home, known: Roles, tell: Tell): Native[] {
  const { home: inside, public: outside } = home.ingress.ports;
  const found = new Map<string, Native>();
  for (const { app, target, place } of home.instances) {
    const there = machineOf(home, target);
    for (const { port, proto, from = [] } of home.apps[app]?.file.ports ?? []) {
      for (const name of from) {
        const here = machineOf(home, name);
        if (here?.tailnet === undefined || there?.tailnet === undefined || name === target) continue;
        if (here.address !== undefined && there.address !== undefined) continue;
        const isOutside = known.roleOf(name) === 'edge' && known.roleOf(target) !== 'edge';
        if (isOutside && port === outside) continue;
        const isPage = port === pagePort && there.kind === 'host' && there.proxmox;
        if (isOutside && (port === inside || port === 22 || isPage)) {
          const message = `${app} lets ${name}, which is public, to port ${port} of ${target}, which only the home may reach`;
          tell({ severity: 'error', code: 'edge_reaches', message, place });
          continue;
        }
        found.set(
          `${here.tailnet} ${there.tailnet} ${port} ${proto}`,
          accept([here.tailnet], [`${there.tailnet}:${port}`], proto),
        );
      }
    }
  }
  return [...found].sort(([a], [b]) => byText(a, b)).map(([, rule]) => rule);
}

function judge(tree: Native, admins: string, tell: Tell): void {
  const { groups, acls, grants } = tree as { groups?: Native; acls?: unknown; grants?: unknown };
  if (!Array.isArray(acls) && !Array.isArray(grants)) {
    const message = 'without acls and grants Headscale lets everybody reach everything';
    tell({ severity: 'error', code: 'wrong_option', message, suggestion: 'acls: [] lets nobody.' });
  }
  const members = groups?.[admins];
  if (Array.isArray(members) && members.length > 0) return;
  tell({
    severity: 'warning',
    code: 'group_empty',
    message: `nobody is in ${admins}, so that nobody reaches the machines over the tailnet`,
    suggestion: 'Name people and their groups in homelab.yaml, or members in the option extra.groups.',
    unless: ['homelab.people'],
  });
}
