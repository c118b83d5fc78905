import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import * as v from 'valibot';
import { ok, type Result, refuse } from '../../schema/result.ts';

/** Proxmox VE's own program for users and rights (pveum(1)), run as root on its host. */
export type Pveum = (argv: readonly string[]) => Promise<Result<string, 'pveum_failed'>>;

const timeoutMs = 60_000;
const maxOutputBytes = 4 * 1024 * 1024;
const run = promisify(execFile);

/** Runs the real program. It is given no secret, and may answer one: its output is not logged. */
export const systemPveum: Pveum = async (argv) => {
  try {
    const { stdout } = await run('pveum', [...argv], { timeout: timeoutMs, maxBuffer: maxOutputBytes });
    return ok(stdout);
  } catch (error) {
    const said = String((error as { stderr?: unknown }).stderr ?? '').trim() || String(error);
    return refuse('pveum_failed', `pveum ${argv.slice(0, 3).join(' ')}: ${said.slice(0, 300)}`);
  }
};

const flag = v.pipe(
  v.optional(v.union([v.boolean(), v.number(), v.string()]), 0),
  v.transform((value) => Number(value) === 1),
);

const shapes = {
  roles: v.array(v.object({ roleid: v.string(), privs: v.optional(v.string(), '') })),
  users: v.array(v.object({ userid: v.string() })),
  tokens: v.array(v.object({ tokenid: v.string(), privsep: flag })),
  grants: v.array(
    v.object({ path: v.string(), roleid: v.string(), type: v.string(), ugid: v.string(), propagate: flag }),
  ),
};
const madeTokenShape = v.object({ value: v.pipe(v.string(), v.regex(/^[0-9a-f-]{36}$/)) });

/** What Proxmox VE knows of users, roles, tokens and rights. */
export type ProxmoxAccess = {
  readonly [K in keyof typeof shapes]: v.InferOutput<(typeof shapes)[K]>;
};

export type AccessRefusal = 'pveum_failed' | 'pveum_malformed';

function parse<S extends v.GenericSchema>(
  text: string,
  shape: S,
): Result<v.InferOutput<S>, 'pveum_malformed'> {
  try {
    const parsed = v.safeParse(shape, JSON.parse(text));
    if (parsed.success) return ok(parsed.output);
  } catch {
    // Told below: it is not JSON at all.
  }
  return refuse('pveum_malformed', 'pveum answered in a form that is not known here');
}

/** Reads all that a setup compares with. Tokens are of one user alone; none when there is no such user. */
export async function readAccess(pveum: Pveum, user: string): Promise<Result<ProxmoxAccess, AccessRefusal>> {
  const list = async <S extends v.GenericSchema>(words: readonly string[], shape: S) => {
    const said = await pveum([...words, '--output-format', 'json']);
    return said.ok ? parse(said.value, shape) : said;
  };
  const roles = await list(['role', 'list'], shapes.roles);
  if (!roles.ok) return roles;
  const users = await list(['user', 'list'], shapes.users);
  if (!users.ok) return users;
  const known = users.value.some(({ userid }) => userid === user);
  const tokens = known ? await list(['user', 'token', 'list', user], shapes.tokens) : ok([]);
  if (!tokens.ok) return tokens;
  const grants = await list(['acl', 'list'], shapes.grants);
  if (!grants.ok) return grants;
  return ok({ roles: roles.value, users: users.value, tokens: tokens.value, grants: grants.value });
}

/** The secret out of what `pveum user token add` printed. */
export function readTokenSecret(output: string): Result<string, 'pveum_malformed'> {
  const made = parse(output, madeTokenShape);
  return made.ok ? ok(made.value.value) : made;
}
