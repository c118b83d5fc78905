import type { Fault } from './faults.ts';
import type { TokenSpec } from './options.ts';
import { apiError, isApiError, type Machine, type Route } from './route.ts';
import { findRoute } from './routes.ts';
import type { SchemaCheck } from './schema-check.ts';

export type ApiRequest = {
  readonly method: string;
  /** Below `/api2/json`, not decoded. */
  readonly path: string;
  readonly params: Readonly<Record<string, string>>;
  /** Every value of each parameter of the body. */
  readonly lists: Readonly<Record<string, readonly string[]>>;
  readonly token: TokenSpec | undefined;
  readonly fault: Fault | undefined;
};

/** An answer before it is on the wire. */
export type Outcome = { readonly status: number; readonly reason: string; readonly body: string };

export type ApiDeps = {
  readonly machine: Machine;
  readonly unauthorizedDelayMs: number;
  oldErrorBodies(): boolean;
  readonly schema: SchemaCheck | undefined;
  violation(text: string): void;
};

/**
 * From a request to its answer in the order of the real server: who asks, which method, whether it is permitted,
 * whether its parameters are right, and only then what it does.
 */
export function createApi(deps: ApiDeps): (request: ApiRequest) => Promise<Outcome> {
  const { machine, schema, violation } = deps;

  const errorOutcome = (
    status: number,
    message: string,
    errors?: Readonly<Record<string, string>>,
  ): Outcome => ({
    status,
    reason: message.split('\n')[0] ?? '',
    body: JSON.stringify({
      data: null,
      ...(!deps.oldErrorBodies() && { message }),
      ...(errors && { errors }),
    }),
  });

  return async ({ method, path, params, lists, token, fault }) => {
    if (fault?.kind === 'answer') {
      return { status: fault.status, reason: fault.reason, body: fault.body ?? '' };
    }
    if (token === undefined) {
      await machine.wait(deps.unauthorizedDelayMs);
      return { status: 401, reason: 'Authentication failed!', body: '' };
    }
    const found = findRoute(method, path);
    const listed = Object.fromEntries((found?.route.lists ?? []).map((name) => [name, lists[name] ?? []]));
    const given = { ...params, ...listed };
    for (const text of schema?.request(method, path, given) ?? []) violation(`${method} ${path}: ${text}`);
    if (found === undefined) return errorOutcome(501, `Method '${method} ${path}' not implemented`);
    const { route, parts } = found;
    try {
      const may = (on: string, anyOf: readonly string[]) => allows(token, on, anyOf);
      const on = route.needs?.on.replace(/\{(\w+)\}/g, (_, name: string) => parts[name] ?? '');
      if (route.needs !== undefined && on !== undefined && !may(on, route.needs.anyOf)) {
        throw apiError(403, `Permission check failed (${on}, ${route.needs.anyOf.join('|')})\n`);
      }
      refuseOtherNode(parts.node, machine.node);
      refuseParameters(route, parts, params);
      if (fault?.kind === 'no_worker') throw apiError(500, 'got no worker upid - start worker failed\n');
      if (fault?.kind === 'config_locked') {
        const file = `/var/lock/qemu-server/lock-${parts.vmid ?? '100'}.conf`;
        throw apiError(500, `can't lock file '${file}' - got timeout\n`);
      }
      const user = token.token.split('=')[0] ?? '';
      const privileges = token.privileges ?? { '/': ['Permissions.Modify', 'Sys.Modify', 'VM.Allocate'] };
      const data = await route.handle({ machine, path: parts, params, lists, user, may, privileges });
      for (const text of schema?.answer(method, path, data) ?? []) {
        violation(`answer to ${method} ${path}: ${text}`);
      }
      return { status: 200, reason: 'OK', body: JSON.stringify({ data }) };
    } catch (error) {
      if (isApiError(error)) return errorOutcome(error.status, error.message, error.errors);
      throw error;
    }
  };
}

function refuseOtherNode(asked: string | undefined, node: string): void {
  if (asked === undefined || asked === node) return;
  const why = `failed to get address info for: ${asked}: Name or service not known`;
  throw apiError(500, `hostname lookup '${asked}' failed - ${why}\n`);
}

function refuseParameters(
  route: Route,
  parts: Readonly<Record<string, string>>,
  params: Readonly<Record<string, string>>,
): void {
  const wrong: Record<string, string> = {};
  for (const [name, value] of Object.entries(params)) {
    const pattern = route.params?.[name];
    if (pattern === undefined) {
      wrong[name] = 'property is not defined in schema and the schema does not allow additional properties';
    } else if (!pattern.test(value)) {
      wrong[name] = 'value does not match the regex pattern';
    }
  }
  for (const name of route.lists ?? []) delete wrong[name];
  for (const name of route.required ?? []) {
    if (params[name] === undefined) wrong[name] = 'property is missing and it is not optional';
  }
  if (parts.vmid !== undefined && !/^[1-9]\d{2,8}$/.test(parts.vmid)) {
    wrong.vmid = 'invalid format - value does not look like a valid VM ID';
  }
  if (Object.keys(wrong).length > 0) throw apiError(400, 'Parameter verification failed.\n', wrong);
}

/** Proxmox VE's rule: the access list of the longest path decides, alone. */
function allows(token: TokenSpec, path: string, anyOf: readonly string[]): boolean {
  if (token.privileges === undefined) return true;
  const fitting = Object.entries(token.privileges)
    .filter(([on]) => on === '/' || path === on || path.startsWith(`${on}/`))
    .sort(([a], [b]) => b.length - a.length);
  return anyOf.some((privilege) => fitting[0]?.[1].includes(privilege));
}
