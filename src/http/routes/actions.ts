import { appCommand } from '../../../schema/actions/app-command.ts';
import { type CommandAction, commandActions } from '../../../schema/actions/index.ts';
import { commandViewSchema, type Order } from '../../../schema/api/orders.ts';
import { permissionOf } from '../../domain/order.ts';
import { answer, defineRoute, type Route } from '../route.ts';
import { followCommand } from './follow.ts';
import { appCommandParams, guestParams, hostParams, waitQuery } from './shapes.ts';

const answers = {
  200: { description: 'It ended within `wait`.', schema: commandViewSchema },
  202: {
    description: 'It was accepted and runs, or waits for the owner’s approval.',
    schema: commandViewSchema,
  },
};

/** `sleep` is `host.shutdown`, refused unless trust says that the host sleeps. */
type Spelling = { readonly verb: string; readonly action: CommandAction; readonly sleep: boolean };

const spellings: readonly Spelling[] = commandActions.flatMap((action) => {
  if (action.on === 'app') return [];
  const verb = action.type.slice(action.on.length + 1);
  const own = { verb, action, sleep: false };
  return action.type === 'host.shutdown' ? [own, { verb: 'sleep', action, sleep: true }] : [own];
});

function routeOf({ verb, action, sleep }: Spelling): Route {
  const common = {
    method: 'POST',
    tag: action.on === 'host' ? 'Hosts' : 'Guests',
    summary: sleep ? 'Shut a host down that trust lets sleep' : action.title,
    description: `Orders \`${action.type}\` (risk: ${action.risk}). The body holds its parameters, and may be absent.`,
    authority: 'orderer',
    query: waitQuery,
    body: action.params,
    bodyOptional: true,
    idempotent: true,
    speaks: true,
    answers,
  } as const;
  const orderOf = (target: string, body: unknown): Order => ({
    action: action.type,
    target,
    params: body as Record<string, unknown>,
  });
  const scope = (target: string): string => permissionOf(orderOf(target, {}));

  // Two branches, because the parameter is named after what it names.
  return action.on === 'host'
    ? defineRoute({
        ...common,
        path: `/v1/hosts/{host}/${verb}`,
        params: hostParams,
        permission: ({ params }) => scope(params.host),
        handle: async (input, deps) => {
          const { grant, idempotency, query, params, body, signal } = input;
          const options = { sleep, ...(idempotency && { idempotency }) };
          const accepted = await deps.control.orders.order(grant, orderOf(params.host, body), options);
          if (!accepted.ok) return answer(accepted);
          return followCommand(deps, accepted.value, { waitS: query.wait, signal });
        },
      })
    : defineRoute({
        ...common,
        path: `/v1/guests/{guest}/${verb}`,
        params: guestParams,
        permission: ({ params }) => scope(params.guest),
        handle: async (input, deps) => {
          const { grant, idempotency, query, params, body, signal } = input;
          const options = idempotency && { idempotency };
          const accepted = await deps.control.orders.order(grant, orderOf(params.guest, body), options);
          if (!accepted.ok) return answer(accepted);
          return followCommand(deps, accepted.value, { waitS: query.wait, signal });
        },
      });
}

/** Commands of apps, whose full name is the path. */
const commandRoute = defineRoute({
  method: 'POST',
  path: '/v1/guests/{guest}/apps/{app}/commands/{command}',
  tag: 'Guests',
  summary: appCommand.title,
  description: `Orders \`${appCommand.type}\` (risk: ${appCommand.risk}) on \`{guest}/{app}/{command}\`, which trust must grant by that name. The body is empty or absent.`,
  authority: 'orderer',
  params: appCommandParams,
  query: waitQuery,
  body: appCommand.params,
  bodyOptional: true,
  idempotent: true,
  speaks: true,
  answers,
  permission: ({ params }) => permissionOf(commandOrder(params)),
  handle: async (input, deps) => {
    const { grant, idempotency, query, params, signal } = input;
    const accepted = await deps.control.orders.order(
      grant,
      commandOrder(params),
      idempotency && { idempotency },
    );
    if (!accepted.ok) return answer(accepted);
    return followCommand(deps, accepted.value, { waitS: query.wait, signal });
  },
});

function commandOrder({ guest, app, command }: { guest: string; app: string; command: string }): Order {
  return { action: appCommand.type, target: `${guest}/${app}/${command}`, params: {} };
}

/** One route an action of the registry, and `sleep`. */
export const actionRoutes: readonly Route[] = [...spellings.map(routeOf), commandRoute];
