import type { TokenView } from '../../schema/api/access.ts';
import { signJws } from '../../schema/jose/jws.ts';
import { type TokenClaims, tokenAudience } from '../../schema/wire/token.ts';
import { refused } from '../domain/errors.ts';
import type { TokenRecord } from '../domain/ports.ts';
import { principalKey, principalText } from '../domain/principal.ts';
import { endWaitingOf } from './approvals.ts';
import type { AuditLog } from './audit-log.ts';
import type { TokenControl } from './control.ts';
import { type ControlDeps, newId } from './deps.ts';
import type { TrustKeeper } from './trust-keeper.ts';

const dayMs = 24 * 60 * 60_000;
/** A token's last use is noted at most this often. */
const touchEveryMs = 60_000;

const viewOf = (token: TokenRecord): TokenView => ({
  id: token.id,
  name: token.name,
  scope: [...token.scope],
  created_at: token.createdAt,
  expires_at: token.expiresAt,
  revoked_at: token.revokedAt,
  last_used_at: token.lastUsedAt,
});

export function createTokens(deps: ControlDeps, keeper: TrustKeeper, log: AuditLog): TokenControl {
  const { store, clock } = deps;

  /** The token itself. Ed25519 is deterministic: the same record gives the same text, which is kept nowhere. */
  const mint = (home: string, token: TokenRecord): Promise<string> => {
    const claims: TokenClaims = {
      iss: home,
      aud: tokenAudience(home),
      sub: token.name,
      jti: token.id,
      iat: Math.floor(token.createdAt / 1000),
      exp: Math.floor(token.expiresAt / 1000),
      scope: [...token.scope],
    };
    return signJws('token', claims, deps.key);
  };

  const revoke = async (id: string, principal: string, facts: Record<string, string>): Promise<boolean> => {
    const now = clock.now();
    const note = { time: now, event: 'token.revoked', principal, facts: { token: id, ...facts } };
    const revoked = await store.tokens.revoke(id, now, note);
    if (!revoked) return false;
    log.grew();
    const trust = await keeper.current();
    if (trust !== null) await endWaitingOf(deps, log, trust.document.home, `token:${id}`);
    return true;
  };

  return {
    create: async (grant, { name, scope, days }, options = {}) => {
      const trust = await keeper.current();
      if (trust === null) return refused('not_set_up', 'Nobody has claimed this control plane yet.');
      const { home } = trust.document;
      const use = options.idempotency;
      const principal = principalKey(grant.principal);
      const replay = async () => {
        if (use === undefined) return null;
        const known = await store.commands.idempotent(principal, use.key);
        if (known === null) return null;
        const token = await store.tokens.find(known.made);
        if (token === null || known.route !== use.route || known.body !== use.body) {
          return refused('idempotency_mismatch', 'That idempotency key was used for another request before.');
        }
        return { ok: true, value: { view: viewOf(token), token: await mint(home, token) } } as const;
      };
      const before = await replay();
      if (before !== null) return before;
      const now = clock.now();
      const token: TokenRecord = {
        id: newId(deps, 'tok', now),
        name,
        scope: [...new Set(scope)],
        createdAt: now,
        expiresAt: now + days * dayMs,
        revokedAt: null,
        lastUsedAt: null,
      };
      const added = await store.tokens.add(token, use === undefined ? null : { principal, use }, {
        time: now,
        event: 'token.created',
        principal: principalText(grant.principal),
        facts: {
          token: token.id,
          name,
          scope: token.scope.join(' ').slice(0, 2000),
          expires: token.expiresAt,
        },
      });
      if (added === 'idempotency_taken') {
        const raced = await replay();
        if (raced === null) throw new Error('an idempotency key was taken and is not there');
        return raced;
      }
      log.grew();
      return { ok: true, value: { view: viewOf(token), token: await mint(home, token) } };
    },

    list: async () => (await store.tokens.all()).map(viewOf),

    revoke: async (grant, id) => {
      await revoke(id, principalText(grant.principal), {});
      const token = await store.tokens.find(id);
      return token === null
        ? refused('token_unknown', `There is no token ${id}.`)
        : { ok: true, value: viewOf(token) };
    },

    revokeLeaked: async (id, where) => {
      await revoke(id, 'stranger', { seen_in: where });
    },

    use: async (id) => {
      const token = await store.tokens.find(id);
      if (token === null) return refused('token_unknown', 'That token is not known here.');
      if (token.revokedAt !== null) return refused('token_revoked', 'That token was revoked.');
      const now = clock.now();
      if (token.expiresAt <= now) return refused('token_expired', 'That token has expired.');
      if (now - (token.lastUsedAt ?? 0) >= touchEveryMs) {
        // Nobody waits for this: losing it costs a minute of "last used".
        store.tokens.touch(id, now).catch((error: unknown) => {
          deps.log('warn', 'token.touch_failed', { token: id, cause: String(error) });
        });
      }
      return { ok: true, value: viewOf(token) };
    },
  };
}
