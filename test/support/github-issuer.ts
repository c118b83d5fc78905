import { createHash, generateKeyPairSync, type KeyObject, randomUUID, sign } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A key that signs ID tokens, as GitHub has one: RSA, known by a UUID. */
export type GithubKey = { readonly kid: string; readonly x5t: string; readonly privateKey: KeyObject };

/** Of an ID token: GitHub's ids, numbers and booleans are strings; the three times are numbers. */
export type GithubClaims = Readonly<Record<string, unknown>>;

/** Wrong answers to whoever asks for the keys. `null`: the right one. */
export type GithubFailure = 'down' | 'hangs' | 'huge' | 'malformed' | 'empty' | 'redirects' | null;

export type GithubIssuer = {
  /** What tokens call it, and below which its keys are: `/.well-known/jwks`. */
  readonly url: string;
  /** A token by the newest key. A claim that is overridden with undefined is left out. */
  issue(overrides?: GithubClaims): Promise<string>;
  /** A new key; the ones before stay among the keys that it shows, unless `forget`. */
  rotate(options?: { readonly forget: boolean }): void;
  /** The keys, the newest last. */
  keys(): readonly GithubKey[];
  readonly requests: { jwks: number; token: number };
  fail(mode: GithubFailure): void;
  /** What the job that asks for tokens is, as claims. */
  job(claims: GithubClaims): void;
  /** The environment of a step whose job may ask for ID tokens. */
  readonly env: {
    readonly ACTIONS_ID_TOKEN_REQUEST_URL: string;
    readonly ACTIONS_ID_TOKEN_REQUEST_TOKEN: string;
  };
  close(): Promise<void>;
};

export function githubKey(): GithubKey {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const der = publicKey.export({ type: 'spki', format: 'der' });
  return { kid: randomUUID(), x5t: createHash('sha1').update(der).digest('base64url'), privateKey };
}

/** The public half, as GitHub's key set has it. */
export function githubJwk({ kid, x5t, privateKey }: GithubKey): Readonly<Record<string, string>> {
  const { n, e } = privateKey.export({ format: 'jwk' });
  return { kty: 'RSA', alg: 'RS256', use: 'sig', kid, x5t, n: n!, e: e! };
}

const lifetimeS = 5 * 60;
const owner = 'octocat';
const repository = `${owner}/homelab`;
const workflow = `${repository}/.github/workflows/deploy.yml@refs/heads/main`;

/** What GitHub says of a push to main that runs the workflow `deploy.yml` in the environment `home`. */
export function githubClaims(nowMs: number, overrides: GithubClaims = {}): GithubClaims {
  const iat = Math.floor(nowMs / 1000);
  const claims = {
    jti: randomUUID(),
    sub: `repo:${repository}:environment:home`,
    aud: `https://github.com/${owner}`,
    ref: 'refs/heads/main',
    sha: 'c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00',
    repository,
    repository_owner: owner,
    repository_owner_id: '583231',
    run_id: '9000000001',
    run_number: '41',
    run_attempt: '1',
    repository_visibility: 'private',
    repository_id: '1296269',
    actor_id: '583231',
    actor: owner,
    workflow: 'deploy',
    head_ref: '',
    base_ref: '',
    event_name: 'push',
    ref_protected: 'true',
    ref_type: 'branch',
    workflow_ref: workflow,
    workflow_sha: 'c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00',
    job_workflow_ref: workflow,
    job_workflow_sha: 'c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00',
    runner_environment: 'github-hosted',
    environment: 'home',
    iss: 'https://token.actions.githubusercontent.com',
    nbf: iat - 600,
    exp: iat + lifetimeS,
    iat,
    ...overrides,
  };
  return Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined));
}

const base64url = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A token of exactly these claims, in the form that GitHub gives it; nothing is added to them. */
export function githubToken(key: GithubKey, claims: GithubClaims, header: object = {}): string {
  const head = { typ: 'JWT', alg: 'RS256', x5t: key.x5t, kid: key.kid, ...header };
  const input = `${base64url(head)}.${base64url(claims)}`;
  return `${input}.${sign('sha256', Buffer.from(input), key.privateKey).toString('base64url')}`;
}

/** GitHub's issuer of ID tokens on loopback: its keys, and the endpoint that a job asks for tokens. */
export async function startGithubIssuer(
  options: { readonly now?: () => number; readonly redirectTo?: string } = {},
): Promise<GithubIssuer> {
  const now = options.now ?? Date.now;
  let keys = [githubKey()];
  let failure: GithubFailure = null;
  let job: GithubClaims = {};
  let url = '';
  const requests = { jwks: 0, token: 0 };
  const requestToken = randomUUID();

  const json = (response: ServerResponse, status: number, body: object): void => {
    response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' });
    response.end(JSON.stringify(body));
  };
  const answerKeys = (response: ServerResponse): void => {
    if (failure === null) json(response, 200, { keys: keys.map(githubJwk) });
    else if (failure === 'down') json(response, 503, { message: 'unavailable' });
    else if (failure === 'empty') json(response, 200, { keys: [] });
    else if (failure === 'redirects') {
      response.writeHead(302, { location: `${options.redirectTo ?? 'http://127.0.0.1:9'}/.well-known/jwks` });
      response.end();
    } else {
      response.writeHead(200, { 'content-type': 'application/json' });
      if (failure === 'malformed') response.end('<html>');
      if (failure === 'huge') response.end(`{"keys":[],"more":"${'x'.repeat(4 * 1024 * 1024)}"}`);
      // Headers come, the body never ends.
      if (failure === 'hangs') response.write('{"keys":[');
    }
  };
  const issue = async (overrides: GithubClaims = {}): Promise<string> =>
    githubToken(keys.at(-1)!, githubClaims(now(), { iss: url, ...overrides }));

  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://issuer');
    if (pathname === '/.well-known/jwks') {
      requests.jwks += 1;
      return answerKeys(response);
    }
    if (pathname !== '/token') return json(response, 404, { message: 'not found' });
    requests.token += 1;
    if (request.headers.authorization !== `Bearer ${requestToken}`) {
      return json(response, 401, { message: 'unauthorised' });
    }
    if (failure === 'down') return json(response, 503, { message: 'unavailable' });
    const audience = searchParams.get('audience');
    void issue({ ...job, ...(audience !== null && { aud: audience }) }).then((value) =>
      json(response, 200, { count: value.length, value }),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  return {
    url,
    issue,
    rotate({ forget } = { forget: false }) {
      keys = [...(forget ? [] : keys), githubKey()];
    },
    keys: () => keys,
    requests,
    fail(mode) {
      failure = mode;
    },
    job(claims) {
      job = claims;
    },
    env: {
      ACTIONS_ID_TOKEN_REQUEST_URL: `${url}/token?api-version=2.0`,
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: requestToken,
    },
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
