import type { Derived, UseEntry } from '../../../schema/manifest/uses.ts';
import type { ConfigCode } from '../codes.ts';
import type { Flow } from '../home.ts';
import { byText } from '../repo.ts';
import type { Placed } from './units.ts';

/** What a typed use asks of the app that it names. */
export function askedBy(use: UseEntry, app: string): Pick<Flow, 'postgres' | 'oidc'> {
  if (typeof use === 'string' || 'app' in use) return {};
  if ('postgres' in use) {
    const { database, role = database, password } = use.postgres;
    return { postgres: { database, role, password } };
  }
  const { client = app, secret, redirect, access } = use.oidc;
  return {
    oidc: { client, secret, hash: `${secret}_hash`, redirect, ...(access !== undefined && { access }) },
  };
}

/** Whether two apps ask one provider for things that cannot both be. */
export function clashOf(flow: Flow, others: readonly Flow[]): { code: ConfigCode; message: string } | null {
  for (const other of others) {
    if (other.to.app !== flow.to.app || other.to.target !== flow.to.target) continue;
    const who = `${other.from.app} on ${other.from.target}`;
    const { postgres, oidc } = flow;
    if (postgres !== undefined && other.postgres?.role === postgres.role) {
      const { password } = other.postgres;
      if (password !== postgres.password) {
        const message = `the role ${postgres.role} has the password ${password} for ${who} already`;
        return { code: 'role_twice', message };
      }
    }
    // One app on several machines is one client.
    if (oidc !== undefined && other.oidc?.client === oidc.client && other.from.app !== flow.from.app) {
      return { code: 'client_twice', message: `the client ${oidc.client} is ${who} already` };
    }
    if (oidc !== undefined && other.oidc?.client === oidc.client) {
      const { secret, access } = other.oidc;
      if (secret === oidc.secret && access === oidc.access) continue;
      const message = `the client ${oidc.client} has the secret ${secret} and ${access === undefined ? 'no access' : `the access ${access}`} already`;
      return { code: 'client_twice', message };
    }
  }
  return null;
}

/**
 * Gives apps that others use the secrets that this takes: the passwords of roles, the secrets of clients and their
 * hashes. What makes the roles of a Postgres on its machine (`postgres/roles`) has the passwords, too.
 */
export function bringSecrets(placed: readonly Placed[], flows: readonly Flow[]): Placed[] {
  const keyOf = ({ app, target }: Flow['to']): string => `${target} ${app}`;
  const asked = new Map<string, Flow[]>();
  for (const flow of flows) {
    if (flow.postgres === undefined && flow.oidc === undefined) continue;
    asked.set(keyOf(flow.to), [...(asked.get(keyOf(flow.to)) ?? []), flow]);
  }
  return placed.map((one) => {
    const makesRoles = one.files.some(({ generate }) => generate === 'postgres/roles');
    const roles = makesRoles
      ? flows.filter(({ to, postgres }) => to.target === one.target && postgres !== undefined)
      : [];
    const own = [...(asked.get(keyOf(one)) ?? []), ...roles.filter(({ to }) => to.app !== one.app)];
    if (own.length === 0) return one;
    const secrets = new Set(one.secrets);
    const derived: Record<string, Derived> = { ...one.derived };
    for (const { postgres, oidc } of own) {
      if (postgres !== undefined) secrets.add(postgres.password);
      if (oidc === undefined) continue;
      secrets.add(oidc.secret);
      // The provider may say itself how it wants the hash.
      if (!secrets.has(oidc.hash)) derived[oidc.hash] = { from: [oidc.secret], as: 'pbkdf2-sha512' };
      secrets.add(oidc.hash);
    }
    return { ...one, secrets: [...secrets].sort(byText), derived };
  });
}
