import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';

export type Comment = { id: number; body: string; user: { login: string } };

/** As much of GitHub's REST API as comments take, on loopback. */
export type GithubRest = {
  readonly url: string;
  readonly comments: Comment[];
  /** What each request was: `POST /repos/…`. */
  readonly requests: string[];
  /** A token that may read and write, and one that may only read: a fork's. */
  readonly tokens: { readonly writes: string; readonly reads: string };
  /** Answers everything so from now on; null: as it should. */
  answer(how: { readonly status: number; readonly body: string } | null): void;
};

export async function startGithubRest(t: TestContext, prefix = ''): Promise<GithubRest> {
  const comments: Comment[] = [];
  const requests: string[] = [];
  const tokens = { writes: 'ghs_writes', reads: 'ghs_reads' };
  let always: { status: number; body: string } | null = null;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { pathname, searchParams } = new URL(request.url ?? '/', 'http://rest');
      requests.push(`${request.method} ${pathname}`);
      const json = (status: number, body: unknown): void => {
        response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' });
        response.end(JSON.stringify(body));
      };
      if (always !== null) {
        response.writeHead(always.status);
        return response.end(always.body);
      }
      const token = request.headers.authorization;
      const writes = token === `Bearer ${tokens.writes}`;
      if (!writes && token !== `Bearer ${tokens.reads}`) return json(401, { message: 'Bad credentials' });
      const issues = `${prefix}/repos/octocat/homelab/issues`;
      if (request.method === 'GET' && pathname === `${issues}/7/comments`) {
        const size = Number(searchParams.get('per_page'));
        const at = (Number(searchParams.get('page')) - 1) * size;
        return json(200, comments.slice(at, at + size));
      }
      if (request.method === 'GET') return json(404, { message: 'Not Found' });
      if (!writes) return json(403, { message: 'Resource not accessible by integration' });
      const { body } = JSON.parse(Buffer.concat(chunks).toString()) as { body: string };
      if (body.length > 65_536) return json(422, { message: 'body is too long' });
      if (request.method === 'POST' && pathname === `${issues}/7/comments`) {
        comments.push({ id: comments.length + 1000, body, user: { login: 'github-actions[bot]' } });
        return json(201, comments.at(-1));
      }
      const id = new RegExp(`^${issues}/comments/(\\d+)$`).exec(pathname)?.[1];
      const found = comments.find((one) => String(one.id) === id);
      if (request.method !== 'PATCH' || found === undefined) return json(404, { message: 'Not Found' });
      found.body = body;
      json(200, found);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${prefix}`,
    comments,
    requests,
    tokens,
    answer: (how) => {
      always = how;
    },
  };
}
