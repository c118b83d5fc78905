import * as v from 'valibot';

/**
 * A pattern of paths that a release may touch: absolute; `*` stands for any letters within one folder, `**` as a whole part
 * for any folders and files below, three times at most. `/etc/opt/**` covers `/etc/opt/a/b`, and not `/etc/opt` itself.
 */
export const pathPatternSchema = v.pipe(
  v.string(),
  v.maxLength(256),
  v.regex(/^(\/([A-Za-z0-9_.@+*-]+))+$/, 'must be an absolute path of plain letters, with * or **'),
  v.check(
    (pattern) =>
      pattern
        .split('/')
        .every((part) => part !== '.' && part !== '..' && (part === '**' || !part.includes('**'))),
    'must have ** as a whole part, and no part that is . or ..',
  ),
  // Each more multiplies the ways in which a long path may fit: seconds for a pattern of forty.
  v.check((pattern) => pattern.split('**').length <= 4, 'must have ** three times at most'),
);
