import * as v from 'valibot';

/** An address that is fetched from or posted to, without a name or password in it. */
export const webUrlSchema = v.pipe(
  v.string(),
  v.url(),
  v.maxLength(500),
  v.regex(
    /^https:\/\/|^http:\/\/(127\.0\.0\.1|\[::1\]|localhost)[:/]/,
    'must be https (http on loopback only)',
  ),
  // With one, what looks like a loopback address may be the name: http://localhost:80@example.net
  v.check((text) => !hasUser(text), 'must not hold a user or password'),
);

function hasUser(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { username, password } = new URL(text);
  return username !== '' || password !== '';
}
