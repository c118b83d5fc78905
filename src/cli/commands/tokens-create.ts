import { randomUUID } from 'node:crypto';
import { tokenCreatedSchema } from '../../../schema/api/access.ts';
import { runbookListSchema } from '../../../schema/api/house.ts';
import { defineCommand } from '../command.ts';
import { replaceFile } from '../files.ts';
import { httpsOrigin } from '../origins.ts';
import { done, exits, type Failure, fail } from '../outcome.ts';
import { androidImport, curlOf, type PhoneRequest, requestsOf, shortcutSteps } from '../phone.ts';
import { qrOf } from '../qr.ts';
import { judgeScopes } from '../scopes.ts';
import { openSession, refreshTrust, type Session } from '../session.ts';
import { localTime } from '../text.ts';
import { curlPin } from '../trust-words.ts';

export const tokensCreate = defineCommand({
  name: 'tokens create',
  summary: 'Make a token for a phone, and show what to type into it',
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
    {
      line: 'writ tokens create iphone --scope run@start-gaming --url https://writ.example.org:8420',
      about: 'for a phone that asks under a name',
    },
  ],
  options: {
    scope: { type: 'list', value: 'SCOPE', about: 'what it may do; repeat for more' },
    days: { type: 'text', value: 'N', about: 'how many days it lives, 1 to 730 (default: 365)' },
    url: {
      type: 'text',
      value: 'URL',
      about: 'where the phone reaches the control plane, by a name in its certificate (docs/phone.md)',
    },
    android: { type: 'text', value: 'FILE', about: 'write an import file of Android’s HTTP Shortcuts' },
  },
  async run(context, [name = ''], values) {
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
    const url = values.url === undefined ? null : httpsOrigin(values.url);
    if (values.url !== undefined && url === null) {
      return fail(
        exits.usage,
        'origin_invalid',
        '--url takes an address such as https://writ.example.org:8420.',
      );
    }
    const session = await openSession(context);
    if (!session.ok) return session;
    const { api, home } = session.value;
    const judged = await judge(session.value, values.scope);
    if (!judged.ok) return judged;
    const created = await api.call({
      method: 'POST',
      url: '/v1/tokens',
      body: { name, scope: values.scope, ...(days !== undefined && { days }) },
      answer: tokenCreatedSchema,
    });
    if (!created.ok) return created;
    const { token, id, expires_at } = created.value;
    const requests = requestsOf(values.scope, url ?? api.origin, token);
    const spki = url === null ? home.file.spki : null;
    const pin = spki === null ? null : curlPin(spki);
    const printed = requests.map((request) => ({ ...request, curl: curlOf(request, pin) }));
    const android = androidImport(
      name,
      requests,
      token,
      spki === null ? null : created.certificate,
      randomUUID,
    );
    const file = values.android === undefined ? [] : saveAndroid(values.android, android);
    const [first] = printed;
    const text = textOf({ id, expires: localTime(expires_at), requests: printed, pinned: spki !== null });
    const codes = first === undefined ? [] : codesOf(first, context.terminal.columns);
    return done([...text, ...judged.notes.flatMap((note) => ['', note]), ...codes, ...file].join('\n'), {
      ...created.value,
      notes: judged.notes,
      url: first?.url,
      header: `Authorization: Bearer ${token}`,
      curl: first?.curl,
      requests: printed,
      android,
    });
  },
});

/** Judges scopes by the newest trust, and by the runbooks that there are where one is named. */
async function judge(
  session: Session,
  scopes: readonly string[],
): Promise<{ ok: true; notes: string[] } | Failure> {
  const trust = await refreshTrust(session);
  if (!trust.ok) return trust;
  if (!scopes.some((scope) => scope.startsWith('run@'))) return judgeScopes(trust.value, [], scopes);
  const list = await session.api.call({ method: 'GET', url: '/v1/runbooks', answer: runbookListSchema });
  if (!list.ok) return list;
  const names = list.value.runbooks.map(({ name }) => name);
  return judgeScopes(trust.value, names, scopes);
}

/** Tells what came of it: the token is made by then, and must be shown whatever happens to a file. */
function saveAndroid(path: string, content: object): string[] {
  try {
    replaceFile(path, `${JSON.stringify(content, null, 2)}\n`);
    return ['', `${path} is for Android’s HTTP Shortcuts: Import/Export, Import from file. Delete it then.`];
  } catch (error) {
    return ['', `${path} could not be written: ${error instanceof Error ? error.message : String(error)}`];
  }
}

type Printed = PhoneRequest & { readonly curl: string };

function textOf(made: {
  readonly id: string;
  readonly expires: string;
  readonly requests: readonly Printed[];
  readonly pinned: boolean;
}): string[] {
  const lines = [`${made.id} is made, good until ${made.expires}. It is shown this once:`];
  for (const request of made.requests) {
    lines.push('', `To ${request.title}`);
    lines.push(`  URL     ${request.url}`);
    for (const [name, value] of request.headers) lines.push(`  Header  ${name}: ${value}`);
    if (request.body !== null) lines.push(`  Body    ${request.body}`);
    lines.push(`  ${request.curl}`);
  }
  const [first] = made.requests;
  if (first === undefined) return lines;
  lines.push('', 'On an iPhone:');
  lines.push(...shortcutSteps(first).map((step, index) => `  ${index + 1}. ${step}`));
  if (made.pinned) {
    lines.push(
      '',
      'An iPhone trusts certificates of known authorities alone, and this control plane has one of its own:',
      'docs/phone.md gives it one. HTTP Shortcuts on Android takes it as it is, from a file: --android FILE.',
    );
  }
  return lines;
}

/** What is tedious to type, to be scanned: shown on a terminal that is wide enough. */
function codesOf(request: PhoneRequest, columns: number): string[] {
  const texts = [
    ['URL', request.url],
    ['The value of Authorization', request.headers.find(([name]) => name === 'Authorization')?.[1] ?? ''],
  ] as const;
  return texts.flatMap(([title, text]) => {
    const code = qrOf(text, columns);
    return code === null
      ? []
      : ['', `${title}, to be scanned within Shortcuts (a camera may look it up on the web):`, '', code];
  });
}
