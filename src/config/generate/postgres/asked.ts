import { grouped } from '../../grouped.ts';
import type { Flow, Home } from '../../home.ts';
import { byText } from '../../repo.ts';
import type { GeneratorInput, Tell } from '../generator.ts';
import type { PostgresOptions } from './options.ts';

export type PostgresFlow = Flow & { readonly postgres: NonNullable<Flow['postgres']> };

export const isPostgresFlow = (flow: Flow): flow is PostgresFlow => flow.postgres !== undefined;

/** What apps ask of the Postgres that an output is for; null where it is not clear which one that is, which is told. */
export function askedOf(
  { home, target, instance }: GeneratorInput,
  { app }: PostgresOptions,
  tell: Tell,
): { readonly app: string; readonly flows: readonly PostgresFlow[] } | null {
  const here = home.flows.filter(isPostgresFlow).filter(({ to }) => to.target === target.name);
  const found = [...new Set(here.map(({ to }) => to.app))].sort(byText);
  const name = app ?? (found.includes(instance.app) || found.length === 0 ? instance.app : found[0]!);
  if (app === undefined && found.length > 1 && !found.includes(instance.app)) {
    const message = `apps have databases of ${found.join(' and ')} on ${target.name}; which one is meant?`;
    const suggestion = `options: { app: ${found[0]} }`;
    tell({ severity: 'error', code: 'use_unclear', message, suggestion });
    return null;
  }
  if (!home.instances.some((one) => one.app === name && one.target === target.name)) {
    tell({ severity: 'error', code: 'unknown_app', message: `there is no app ${name} on ${target.name}` });
    return null;
  }
  return { app: name, flows: here.filter(({ to }) => to.app === name) };
}

/** A role with the secret of its password; sorted by name. */
export type AskedRole = {
  readonly name: string;
  readonly password: string;
  /** `grafana on secsvcs`, for people. */
  readonly users: readonly string[];
};

/** A database with whose it is, and who else uses it; sorted by name. */
export type AskedDatabase = {
  readonly name: string;
  readonly owner: string;
  readonly others: readonly string[];
  readonly extensions: readonly string[];
};

export const rolesOf = (flows: readonly PostgresFlow[]): AskedRole[] =>
  [...grouped(flows, ({ postgres }) => postgres.role)]
    .map(([name, all]) => ({
      name,
      password: all[0]!.postgres.password,
      users: [...new Set(all.map(({ from }) => `${from.app} on ${from.target}`))].sort(byText),
    }))
    .sort((a, b) => byText(a.name, b.name));

export function databasesOf(
  flows: readonly PostgresFlow[],
  { owners, extensions }: PostgresOptions,
  tell: Tell,
): AskedDatabase[] {
  const databases = [...grouped(flows, ({ postgres }) => postgres.database)].map(([name, all]) => {
    const roles = [...new Set(all.map(({ postgres }) => postgres.role))].sort(byText);
    const wanted = Object.hasOwn(owners, name) ? owners[name]! : undefined;
    const owner = wanted ?? (roles.includes(name) || roles.length > 1 ? name : roles[0]!);
    if (!roles.includes(owner)) {
      const message =
        wanted === undefined
          ? `the database ${name} is used by the roles ${roles.join(' and ')}; whose is it?`
          : `the database ${name} is not used by the role ${wanted}, whose it is to be`;
      const suggestion = `options: { owners: { ${name}: ${roles[0]} } }`;
      tell({ severity: 'error', code: 'owner_unclear', message, suggestion });
    }
    return {
      name,
      owner,
      others: roles.filter((role) => role !== owner),
      extensions: [...new Set(Object.hasOwn(extensions, name) ? extensions[name] : [])].sort(byText),
    };
  });
  const known = new Set(databases.map(({ name }) => name));
  for (const [option, given] of Object.entries({ owners, extensions })) {
    for (const name of Object.keys(given)) {
      if (known.has(name)) continue;
      const message = `options.${option} names the database ${name}, which no app uses`;
      tell({ severity: 'warning', code: 'wrong_option', message });
    }
  }
  return databases.sort((a, b) => byText(a.name, b.name));
}

/** Where each Postgres is that apps have databases of, with one of them. */
export const providersOf = (home: Home): { readonly target: string; readonly flow: PostgresFlow }[] =>
  [...grouped(home.flows.filter(isPostgresFlow), ({ to }) => to.target)].map(([target, [flow]]) => ({
    target,
    flow: flow!,
  }));
