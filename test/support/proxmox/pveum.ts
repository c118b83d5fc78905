import { randomUUID } from 'node:crypto';
import type { TokenSpec } from './options.ts';

/**
 * A stand-in for Proxmox VE's program for users and rights, as far as a relay's setup uses it: it keeps them in a
 * state of its own, and a simulator that is given `tokensOf` obeys them.
 */
export type PveumState = {
  readonly roles: Record<string, string[]>;
  readonly users: string[];
  readonly tokens: { user: string; id: string; privsep: boolean; secret: string }[];
  readonly acl: { path: string; role: string; type: 'user' | 'token'; ugid: string; propagate: boolean }[];
};

export const emptyPveum = (): PveumState => ({
  roles: { PVEAuditor: ['Sys.Audit', 'VM.Audit'] },
  users: ['root@pam'],
  tokens: [],
  acl: [],
});

export type PveumAnswer = { readonly code: number; readonly out: string; readonly err: string };

const refused = (err: string): PveumAnswer => ({ code: 255, out: '', err: `${err}\n` });
const said = (value?: unknown): PveumAnswer => ({
  code: 0,
  out: value === undefined ? '' : `${JSON.stringify(value)}\n`,
  err: '',
});

/** Options after the positional words: each `--name` takes the word that follows. */
function read(words: readonly string[]): { plain: string[]; options: Record<string, string> } {
  const plain: string[] = [];
  const options: Record<string, string> = {};
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at]!;
    if (!word.startsWith('--')) plain.push(word);
    else {
      options[word.slice(2)] = words[at + 1] ?? '';
      at += 1;
    }
  }
  return { plain, options };
}

/** Runs one command line and changes the state as Proxmox VE would. */
export function runPveum(state: PveumState, words: readonly string[]): PveumAnswer {
  const { plain, options } = read(words);
  const [noun, verb, ...rest] = plain;
  const privileges = (options.privs ?? '').split(/[\s,]+/).filter((word) => word !== '');
  switch (`${noun} ${verb}`) {
    case 'role list':
      return said(Object.entries(state.roles).map(([roleid, privs]) => ({ roleid, privs: privs.join(',') })));
    case 'role add': {
      if (state.roles[rest[0]!] !== undefined) return refused(`role '${rest[0]}' already exists`);
      state.roles[rest[0]!] = privileges;
      return said();
    }
    case 'role modify': {
      if (state.roles[rest[0]!] === undefined) return refused(`role '${rest[0]}' does not exist`);
      state.roles[rest[0]!] = privileges;
      return said();
    }
    case 'user list':
      return said(state.users.map((userid) => ({ userid, enable: 1 })));
    case 'user add': {
      if (state.users.includes(rest[0]!))
        return refused(`create user failed: user '${rest[0]}' already exists`);
      state.users.push(rest[0]!);
      return said();
    }
    case 'user token':
      return runToken(state, rest, options);
    case 'acl list':
      return said(
        state.acl.map(({ path, role, type, ugid, propagate }) => ({
          path,
          roleid: role,
          type,
          ugid,
          propagate: propagate ? 1 : 0,
        })),
      );
    case 'acl modify':
    case 'acl delete':
      return runAcl(state, verb === 'modify', rest[0]!, options);
    default:
      return refused(`unknown command 'pveum ${words.join(' ')}'`);
  }
}

function runToken(
  state: PveumState,
  [verb, user, id]: readonly string[],
  options: Readonly<Record<string, string>>,
): PveumAnswer {
  const own = state.tokens.filter((token) => token.user === user);
  const at = state.tokens.findIndex((token) => token.user === user && token.id === id);
  if (!state.users.includes(user!)) return refused(`no such user ('${user}')`);
  switch (verb) {
    case 'list':
      return said(own.map((token) => ({ tokenid: token.id, privsep: token.privsep ? 1 : 0, expire: 0 })));
    case 'add': {
      if (at >= 0) return refused('Token already exists.');
      const secret = randomUUID();
      state.tokens.push({ user: user!, id: id!, privsep: options.privsep !== '0', secret });
      return said({ 'full-tokenid': `${user}!${id}`, info: { privsep: options.privsep }, value: secret });
    }
    case 'remove': {
      if (at < 0) return refused(`no such token '${id}' for user '${user}'`);
      state.tokens.splice(at, 1);
      state.acl.splice(0, state.acl.length, ...state.acl.filter(({ ugid }) => ugid !== `${user}!${id}`));
      return said();
    }
    default:
      return refused(`unknown command 'pveum user token ${verb}'`);
  }
}

function runAcl(
  state: PveumState,
  adds: boolean,
  path: string,
  options: Readonly<Record<string, string>>,
): PveumAnswer {
  const type = options.tokens === undefined ? 'user' : 'token';
  const ugid = options.tokens ?? options.users ?? '';
  const role = options.roles ?? '';
  if (state.roles[role] === undefined) return refused(`role '${role}' does not exist`);
  const known = type === 'user' ? state.users : state.tokens.map((token) => `${token.user}!${token.id}`);
  if (!known.includes(ugid)) return refused(`${type} '${ugid}' does not exist`);
  const at = state.acl.findIndex((one) => one.path === path && one.ugid === ugid && one.role === role);
  if (at >= 0) state.acl.splice(at, 1);
  if (adds) state.acl.push({ path, role, type, ugid, propagate: options.propagate !== '0' });
  return said();
}

/** What tokens may do: what both their user and they themselves are granted. The longest path that fits decides. */
export function tokensOf(state: PveumState): TokenSpec[] {
  return state.tokens.map(({ user, id, privsep, secret }) => {
    const of = (ugid: string) => state.acl.filter((one) => one.ugid === ugid);
    const paths = [...new Set(of(user).map(({ path }) => path))];
    const granted = (ugid: string, path: string): string[] => {
      const exact = of(ugid).filter((one) => one.path === path);
      const above = of(ugid).filter((one) => one.propagate && path.startsWith(`${one.path}/`));
      return [...(exact.length > 0 ? exact : above)].flatMap(({ role }) => state.roles[role] ?? []);
    };
    const privileges = Object.fromEntries(
      paths.map((path) => {
        const users = granted(user, path);
        const own = privsep ? granted(`${user}!${id}`, path) : users;
        return [path, users.filter((privilege) => own.includes(privilege))];
      }),
    );
    return { token: `${user}!${id}=${secret}`, privileges };
  });
}
