import * as v from 'valibot';
import { homeIdSchema, nameSchema, tokenIdSchema } from './ids.ts';

/** `<action>@<target>`, of a command of an app with its full name, or `run@<runbook>`; `status` lets its holder read. */
export const scopeSchema = v.pipe(
  v.string(),
  v.regex(
    /^(status|run@[a-z][a-z0-9-]{0,30}|[a-z]+\.[a-z-]{1,40}@[a-z][a-z0-9-]{0,30}(\/[a-z][a-z0-9-]{0,30}\/[a-z][a-z0-9-]{0,30})?)$/,
    'must be status, run@<runbook> or <action>@<target>',
  ),
);

const seconds = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/** RFC 7519 claims of a phone's token; times are seconds, as the RFC has it. */
export const tokenSchema = v.strictObject({
  iss: homeIdSchema,
  aud: v.string(),
  sub: nameSchema,
  jti: tokenIdSchema,
  iat: seconds,
  exp: seconds,
  scope: v.pipe(v.array(scopeSchema), v.minLength(1), v.maxLength(100)),
});
export type TokenClaims = v.InferOutput<typeof tokenSchema>;

/** The one audience of phone tokens of a home. */
export const tokenAudience = (home: string): string => `writ:${home}:api`;
