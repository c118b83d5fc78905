import { machineOf } from '../../compile/routes.ts';
import type { Flow, Home, Target } from '../../home.ts';
import { byText } from '../../repo.ts';
import type { Tell } from '../generator.ts';
import type { PostgresFlow } from './asked.ts';
import type { PostgresOptions } from './options.ts';

type Line = {
  readonly type: 'host' | 'hostssl';
  readonly database: string;
  readonly role: string;
  readonly from: string;
};

/** pg_hba.conf: who connects to what from where. What no line names is refused. */
export function hbaText(
  home: Home,
  target: Target,
  app: string,
  flows: readonly PostgresFlow[],
  options: PostgresOptions,
  tell: Tell,
): string {
  const here = options.here ?? placesHere(home, target, app);
  const bringers = home.instances.filter(({ files }) =>
    files.some(({ generate }) => generate === 'postgres/roles'),
  );
  const bring = home.flows.filter(
    ({ from, to }) =>
      to.app === app &&
      to.target === target.name &&
      bringers.some((one) => one.app === from.app && one.target === from.target),
  );
  const lines = [
    ...bring.flatMap((flow) => linesOf(flow, 'all', options.superuser)),
    ...flows.flatMap((flow) => linesOf(flow, flow.postgres.database, flow.postgres.role)),
  ];

  function linesOf({ from }: Flow, database: string, role: string): Line[] {
    if (from.target === target.name) {
      return here.map((one) => ({ type: 'host' as const, database, role, from: one }));
    }
    const machine = machineOf(home, from.target)!;
    const addresses = [machine.address, machine.tailnet].filter((one) => one !== undefined);
    if (addresses.length === 0) {
      const message = `${from.app} cannot reach ${app} on ${target.name}: ${from.target} states no address in homelab.yaml`;
      const unless = [`${from.target}.address`];
      tell({ severity: 'error', code: 'address_missing', message, unless });
    }
    const type = options.tls ? ('hostssl' as const) : ('host' as const);
    return addresses.map((one) => ({ type, database, role, from: `${one}/32` }));
  }

  const texts = lines.map(({ type, database, role, from }) => {
    // In quotes a name is a name: without them `all` means every one.
    const name = database === 'all' && role === options.superuser ? 'all' : `"${database}"`;
    return [type.padEnd(7), name, `"${role}"`, from, 'scram-sha-256'].join('  ');
  });
  return [
    '# TYPE  DATABASE  USER  ADDRESS  METHOD',
    `local    all  "${options.superuser}"  peer`,
    ...[...new Set(texts)].sort(byText),
    ...options.hba,
    '',
  ].join('\n');
}

/** A container's own networks are where others of its machine come from, and the machine itself. */
function placesHere(home: Home, target: Target, app: string): readonly string[] {
  const units = home.instances
    .filter((one) => one.app === app && one.target === target.name)
    .flatMap((one) => one.units)
    .filter(({ name }) => /\.(container|pod|kube)$/.test(name));
  if (units.some(({ text }) => !/^\s*Network\s*=\s*host\s*$/m.test(text))) return ['samenet'];
  const subnet = target.containers?.subnet;
  return ['samehost', ...(subnet === undefined ? [] : [subnet])];
}
