/** What the engines need to know of a statement's text before they run it. */
export type StatementText = {
  /** What it does, upper case (`SELECT`, `INSERT`, `CREATE`, …): the first word, or what follows a WITH's tables. */
  readonly keyword: string;
  /** Number of `?` placeholders. */
  readonly placeholders: number;
  /** Does it return the rows that it changes, one for each? */
  readonly isReturning: boolean;
};

const controlKeywords = new Set([
  'BEGIN',
  'COMMIT',
  'END',
  'ROLLBACK',
  'SAVEPOINT',
  'RELEASE',
  'PRAGMA',
  'ATTACH',
  'DETACH',
  'VACUUM',
]);

const readKeywords = new Set(['SELECT', 'VALUES']);
const dataKeywords = new Set(['SELECT', 'VALUES', 'INSERT', 'UPDATE', 'DELETE', 'REPLACE']);

/** String or quoted name, comment, numbered or named placeholder, word, or any other single character. */
const tokens =
  /'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|\?\d+|[:@$]\w+|\w+|\S/g;

/**
 * Reads a statement's text. Throws TypeError for what an atomic batch must not contain: nothing, a second statement
 * (which SQLite's prepare would silently drop), transaction control, numbered or named placeholders.
 */
export function inspectStatement(sql: string): StatementText {
  let keyword = '';
  let words = 0;
  let placeholders = 0;
  let parentheses = 0;
  let isReturning = false;
  let trigger = false;
  // A trigger's body has semicolons of its own, between BEGIN and END; CASE has an END too.
  let depth = 0;
  let ended = false;
  for (const [token] of sql.matchAll(tokens)) {
    if (token.startsWith('--') || token.startsWith('/*')) continue;
    if (ended) throw new TypeError('one statement at a time');
    if (/^\w/.test(token)) {
      const word = token.toUpperCase();
      words += 1;
      if (words === 1) keyword = word;
      else if (keyword === 'WITH' && parentheses === 0 && dataKeywords.has(word)) keyword = word;
      if (word === 'RETURNING') isReturning = true;
      if (words <= 3 && keyword === 'CREATE' && word === 'TRIGGER') trigger = true;
      if (trigger && (word === 'BEGIN' || word === 'CASE')) depth += 1;
      if (trigger && word === 'END') depth -= 1;
    } else if (token === '(') parentheses += 1;
    else if (token === ')') parentheses -= 1;
    else if (token === '?') placeholders += 1;
    else if (token === ';') ended = depth === 0;
    else if (/^[?:@$]\w/.test(token)) throw new TypeError('placeholders are plain ?');
  }
  if (keyword === '') throw new TypeError('an empty statement');
  if (controlKeywords.has(keyword)) throw new TypeError(`${keyword} has no place in a batch`);
  return { keyword, placeholders, isReturning };
}

/** May a statement of this kind go through `read`? */
export function isReading(text: StatementText): boolean {
  return readKeywords.has(text.keyword);
}

/** Does it change the schema, so that prepared statements are stale after it? */
export function isSchemaChange(text: StatementText): boolean {
  return !dataKeywords.has(text.keyword);
}
