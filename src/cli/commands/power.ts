import { commandActionOf, commandActions } from '../../../schema/actions/index.ts';
import type { Order } from '../../../schema/api/orders.ts';
import { didYouMean } from '../../../schema/near.ts';
import type { Trust } from '../../../schema/trust/read.ts';
import { type Command, defineCommand } from '../command.ts';
import { giveOrder, orderOptions } from '../order.ts';
import { exits, type Failure, fail } from '../outcome.ts';

const inUseSuffix = '-in-use';

/** What help says of a verb. Everything else of these commands derives from the registry of actions. */
const words: Readonly<Record<string, { summary: string; example: string; about: string }>> = {
  wake: {
    summary: 'Wake a sleeping host',
    example: 'writ wake pve2',
    about: 'ends once the host’s own relay has reported',
  },
  shutdown: {
    summary: 'Shut a guest or a host down gracefully',
    example: 'writ shutdown devtop',
    about: 'refused while somebody uses it',
  },
  reboot: {
    summary: 'Reboot a guest or a host gracefully',
    example: 'writ reboot websvcs',
    about: 'refused while somebody uses it',
  },
  start: {
    summary: 'Start a guest, waking its host first',
    example: 'writ start gaming',
    about: 'asks before it shuts down another guest that holds the same device',
  },
  stop: {
    summary: 'Cut the power of a guest',
    example: 'writ stop devtop',
    about: 'what it had not saved is lost',
  },
  suspend: {
    summary: 'Pause a guest in memory',
    example: 'writ suspend gaming',
    about: 'refused while somebody uses it',
  },
  resume: {
    summary: 'Resume a suspended guest',
    example: 'writ resume gaming',
    about: 'goes on where it was',
  },
};

/** Actions that have a command of another kind: `writ guests prepare` looks, asks and prepares, `writ run` names an app's. */
const elsewhere: ReadonlySet<string> = new Set(['guest.look', 'guest.prepare', 'app.command']);
const ordinary = commandActions.filter(({ type }) => !elsewhere.has(type));

const verbOf = (type: string): string => type.slice(type.indexOf('.') + 1);

const options = {
  ...orderOptions,
  'even-if-in-use': { type: 'flag', about: 'do it although somebody uses it' },
  timeout: { type: 'text', value: 'SECONDS', about: 'how long a guest may take to end by itself, 10 to 600' },
} as const;

/** One command for each verb of the registry, on hosts, guests or both. */
export const powerCommands: readonly Command[] = [
  ...new Set(ordinary.map(({ type }) => verbOf(type)).filter((verb) => !verb.endsWith(inUseSuffix))),
].map((verb) => {
  const types = ordinary.filter(({ type }) => verbOf(type) === verb);
  const on = types.map((action) => action.on);
  const said = words[verb] ?? {
    summary: types[0]!.title,
    example: `writ ${verb} NAME`,
    about: types[0]!.title,
  };
  const overridable = types.some(({ type }) => commandActionOf(type + inUseSuffix) !== undefined);
  const patient = types.some((action) => action.acceptsParams({ timeout_s: 60 }));
  const { 'even-if-in-use': override, timeout, ...always } = options;
  return defineCommand({
    name: verb,
    summary: said.summary,
    usage: on.length > 1 ? 'HOST|GUEST' : on[0] === 'host' ? 'HOST' : 'GUEST',
    examples: [
      { line: said.example, about: said.about },
      ...(overridable
        ? [
            {
              line: `${said.example} --even-if-in-use`,
              about: 'an action of its own, which you alone may order',
            },
          ]
        : []),
    ],
    options: {
      ...always,
      ...(overridable && { 'even-if-in-use': override }),
      ...(patient && { timeout }),
    } as typeof options,
    run: (context, [name = ''], values) =>
      giveOrder(
        context,
        (trust) => powerOrder(trust, verb, name, values['even-if-in-use'] === true, values.timeout),
        values,
      ),
  });
});

/** `sleep` is a host's shutdown, refused unless trust says that the host sleeps. */
export const sleep = defineCommand({
  name: 'sleep',
  summary: 'Shut down a host that can be woken again, guests first',
  usage: 'HOST',
  examples: [{ line: 'writ sleep pve2', about: 'its end is confirmed when it boots again' }],
  options,
  run: (context, [name = ''], values) =>
    giveOrder(
      context,
      (trust) => {
        const { hosts } = trust.document.house;
        if (Object.hasOwn(hosts, name) && hosts[name]?.sleeps !== true) {
          return fail(
            exits.refused,
            'host_does_not_sleep',
            `${name} does not sleep: trust names nobody who could wake it. To switch it off: writ shutdown ${name}`,
          );
        }
        return powerOrder(trust, 'shutdown', name, values['even-if-in-use'], values.timeout, 'host');
      },
      values,
    ),
});

function powerOrder(
  trust: Trust,
  verb: string,
  name: string,
  evenIfInUse: boolean,
  timeout: string | undefined,
  only?: 'host',
): { ok: true; value: Order } | Failure {
  const { hosts, guests } = trust.document.house;
  const on = Object.hasOwn(hosts, name) ? 'host' : Object.hasOwn(guests, name) ? 'guest' : undefined;
  if (on === undefined || (only !== undefined && on !== only)) {
    const names = [...Object.keys(hosts), ...(only === 'host' ? [] : Object.keys(guests))];
    const what = only ?? 'host or guest';
    return fail(exits.usage, 'target_unknown', `There is no ${what} ${name}.${didYouMean(name, names)}`);
  }
  const type = `${on}.${verb}${evenIfInUse ? inUseSuffix : ''}`;
  const action = commandActionOf(type);
  if (action === undefined) {
    return fail(
      exits.usage,
      'action_unknown',
      `${name} is a ${on}, and a ${on} has no ${verb}${evenIfInUse ? ' that overrides its use' : ''}.`,
    );
  }
  const params = timeout === undefined ? {} : { timeout_s: Number(timeout) };
  if (!action.acceptsParams(params)) {
    return fail(
      exits.usage,
      'params_invalid',
      '--timeout is a whole number of seconds from 10 to 600, for what ends gracefully.',
    );
  }
  const relay = action.relayFor(trust.document.house, name);
  if (!relay.ok) return fail(exits.usage, relay.reason, `That cannot be done on ${name}: ${relay.detail}.`);
  return { ok: true, value: { action: type, target: name, params } };
}
