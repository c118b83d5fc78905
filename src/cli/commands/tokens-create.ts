import { actionOf } from '../../../schema/actions/index.ts';
import { tokenCreatedSchema } from '../../../schema/api/access.ts';
import { defineCommand } from '../command.ts';
import { done, exits, fail } from '../outcome.ts';
import { openSession } from '../session.ts';
import { localTime } from '../text.ts';
import { curlPin } from '../trust-words.ts';

export const tokensCreate = defineCommand({
  name: 'tokens create',
  summary: 'Make a token for a phone, and a curl line that uses it',
  usage: 'NAME',
  more: [
    'A scope is status (reading), <action>@<target> such as host.wake@pve2, or run@<runbook>. Waking the host that an order needs is included; shutting down another guest is not, unless the token has guest.shutdown@ it, or the runbook lists it. The token is shown once: the control plane keeps its id alone.',
  ],
  examples: [
    {
      line: 'writ tokens create phone --scope status --scope run@start-gaming',
      about: 'may look, and start the runbook',
    },
    {
      line: 'writ tokens create guest-phone --scope host.wake@pve2 --days 7',
      about: 'may wake the tower for a week',
    },
  ],
  options: {
    scope: { type: 'list', value: 'SCOPE', about: 'what it may do; repeat for more' },
    days: { type: 'text', value: 'N', about: 'how many days it lives, 1 to 730 (default: 365)' },
  },
  async run(context, [name], values) {
    if (values.scope.length === 0) {
      return fail(
        exits.usage,
        'scope_missing',
        'A token needs at least one --scope, such as --scope status.',
      );
    }
    const days = values.days === undefined ? undefined : Number(values.days);
    if (days !== undefined && !(Number.isInteger(days) && days >= 1 && days <= 730)) {
      return fail(exits.usage, 'days_invalid', '--days is a whole number from 1 to 730.');
    }
    const session = await openSession(context);
    if (!session.ok) return session;
    const { api, home } = session.value;
    const created = await api.call({
      method: 'POST',
      url: '/v1/tokens',
      body: { name, scope: values.scope, ...(days !== undefined && { days }) },
      answer: tokenCreatedSchema,
    });
    if (!created.ok) return created;
    const { token, id, expires_at } = created.value;
    const header = `Authorization: Bearer ${token}`;
    const order = requestOf(values.scope);
    const url = `${api.origin}${order.path}`;
    const curl = [
      'curl',
      ...(home.file.spki === null ? [] : ['-k', `--pinnedpubkey "${curlPin(home.file.spki)}"`]),
      ...(order.method === 'GET' ? [] : [`-X ${order.method}`]),
      `-H "${header}"`,
      '-H "Accept: text/plain"',
      `"${url}"`,
    ].join(' ');
    return done(
      [
        `${id} is made, good until ${localTime(expires_at)}. It is shown this once:`,
        '',
        `URL     ${url}`,
        `Header  ${header}`,
        '',
        curl,
      ].join('\n'),
      { ...created.value, url, header, curl },
    );
  },
});

/** A request that shows what the scopes are for: the first order among them, else a look at the status. */
function requestOf(scopes: readonly string[]): { method: 'GET' | 'POST'; path: string } {
  for (const scope of scopes) {
    const [verb = '', target] = scope.split('@');
    if (target === undefined) continue;
    if (verb === 'run') return { method: 'POST', path: `/v1/runbooks/${target}/run?wait=50` };
    const action = actionOf(verb);
    if (action !== undefined) {
      return { method: 'POST', path: `/v1/${action.on}s/${target}/${verb.split('.')[1]}?wait=50` };
    }
  }
  return { method: 'GET', path: '/v1/status' };
}
