import * as v from 'valibot';
import type { SetupCode } from '../../schema/api/access.ts';
import { type Origin, originSchema } from '../../schema/trust/document.ts';
import { exits, type Failure, fail } from './outcome.ts';

export const originOption = {
  type: 'list',
  value: 'URL',
  about: 'where relays reach the control plane, best first (default: where the code says)',
} as const;

/** An https origin and nothing beside it, or null. */
export function httpsOrigin(text: string | undefined): string | null {
  if (text === undefined || !URL.canParse(text)) return null;
  const { origin, protocol, pathname, search, hash, username } = new URL(text);
  const isBare = pathname === '/' && search === '' && hash === '' && username === '';
  return protocol === 'https:' && isBare ? origin : null;
}

/** Where relays will reach the control plane of a setup code, with its pin. */
export function readOrigins(
  code: SetupCode,
  urls: readonly string[],
): { ok: true; value: Origin[] } | Failure {
  const origins = (urls.length === 0 ? [code.origin] : urls).map((url) => ({
    url: url.replace(/\/$/, ''),
    ...(code.spki !== null && { spki: code.spki }),
  }));
  for (const origin of origins) {
    const parsed = v.safeParse(originSchema, origin);
    if (!parsed.success)
      return fail(exits.usage, 'origin_invalid', `${origin.url}: ${parsed.issues[0].message}.`);
  }
  return { ok: true, value: origins };
}
