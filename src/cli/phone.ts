import { commandActionOf } from '../../schema/actions/index.ts';
import { readCommandName } from '../../schema/wire/ids.ts';

/** One request that a phone's token may make, ready to be typed into an app. */
export type PhoneRequest = {
  /** What it does, in a few words: `start gaming`. */
  readonly title: string;
  readonly method: 'GET' | 'POST';
  readonly url: string;
  /** Header names and values, the token among them. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Null where the request has none. */
  readonly body: string | null;
};

/** The longest that a phone waits for the outcome: Shortcuts gives up after about a minute. */
const waitS = 50;

/** The requests that scopes are for: each order among them, or a look at the status where there is none. */
export function requestsOf(scopes: readonly string[], origin: string, token: string): PhoneRequest[] {
  const orders = scopes.flatMap((scope) => {
    const order = orderOf(scope);
    return order === null ? [] : [order];
  });
  const authorization = ['Authorization', `Bearer ${token}`] as const;
  const speakable = ['Accept', 'text/plain'] as const;
  if (orders.length === 0) {
    const status = { title: 'status', method: 'GET', url: `${origin}/v1/status`, body: null } as const;
    return [{ ...status, headers: [authorization, speakable] }];
  }
  return orders.map(({ title, path }) => ({
    title,
    method: 'POST',
    url: `${origin}${path}?wait=${waitS}`,
    headers: [authorization, speakable, ['Content-Type', 'application/json']],
    body: '{}',
  }));
}

function orderOf(scope: string): { title: string; path: string } | null {
  const [verb = '', target] = scope.split('@');
  if (target === undefined) return null;
  if (verb === 'run') return { title: target, path: `/v1/runbooks/${target}/run` };
  const action = commandActionOf(verb);
  if (action === undefined) return null;
  if (action.on === 'app') {
    const { machine, app, command } = readCommandName(target) ?? {};
    return machine === undefined
      ? null
      : {
          title: `${command} ${app} ${machine}`,
          path: `/v1/guests/${machine}/apps/${app}/commands/${command}`,
        };
  }
  const word = verb.slice(verb.indexOf('.') + 1);
  return { title: `${word} ${target}`, path: `/v1/${action.on}s/${target}/${word}` };
}

/** The same as a line of curl. `pin` is curl's own form of a public key's pin; null: authorities vouch for it. */
export const curlOf = (request: PhoneRequest, pin: string | null): string =>
  [
    'curl',
    ...(pin === null ? [] : ['-k', `--pinnedpubkey "${pin}"`]),
    ...(request.method === 'GET' ? [] : [`-X ${request.method}`]),
    ...request.headers.map(([name, value]) => `-H "${name}: ${value}"`),
    ...(request.body === null ? [] : [`-d '${request.body}'`]),
    `"${request.url}"`,
  ].join(' ');

/** How to make an iOS Shortcut of a request, as steps for a person. */
export function shortcutSteps(request: PhoneRequest): string[] {
  const headers = request.headers.filter(([name]) => name !== 'Content-Type').map(([name]) => name);
  return [
    `In Shortcuts, add a shortcut and name it “${request.title}”: Siri starts it by that name.`,
    'Add the action “Get Contents of URL”, and paste the URL.',
    request.method === 'GET'
      ? 'Under “Show More”, leave Method at GET.'
      : `Under “Show More”, set Method to ${request.method}, and Request Body to JSON, without a field.`,
    `Under Headers, add ${headers.join(' and ')} with the values above.`,
    'Add the action “Speak Text” with “Contents of URL”, and run it once to allow the connection.',
  ];
}

/** The version of the format below that HTTP Shortcuts writes and reads. */
const androidFormat = 60;
const androidTimeoutMs = 60_000;

/**
 * An import file of the Android app HTTP Shortcuts, with a shortcut for each request.
 *
 * @param certificate SHA-256 in hex of the one certificate that the app is to take, by its field `certificateFingerprint`;
 *   null: authorities vouch for it
 * @param newId gives a UUID
 */
export const androidImport = (
  name: string,
  requests: readonly PhoneRequest[],
  token: string,
  certificate: string | null,
  newId: () => string,
): object => ({
  version: androidFormat,
  compatibilityVersion: androidFormat,
  categories: [
    {
      id: newId(),
      name: `Writ (${name})`,
      shortcuts: requests.map((request) => ({
        id: newId(),
        name: request.title,
        executionType: 'app',
        method: request.method,
        url: request.url,
        headers: request.headers.filter(([key]) => key === 'Accept').map(([key, value]) => ({ key, value })),
        authentication: 'bearer',
        authToken: token,
        ...(certificate !== null && { certificateFingerprint: certificate }),
        ...(request.body !== null && {
          requestBodyType: 'custom_text',
          contentType: 'application/json',
          bodyContent: request.body,
        }),
        timeout: androidTimeoutMs,
        responseHandling: { uiType: 'toast', successOutput: 'response', failureOutput: 'detailed' },
      })),
    },
  ],
  variables: [],
});
