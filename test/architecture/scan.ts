/** One import, export-from, dynamic import or require. */
export type Import = {
  readonly specifier: string;
  readonly line: number;
  /** Erased before it runs: `import type`, `export type … from`. */
  readonly typeOnly: boolean;
  /** `export … from`. */
  readonly passedOn: boolean;
  /** What stands between the verb and `from`. */
  readonly clause: string;
};

/** The specifier of an import whose target is only known when it runs. */
export const computedSpecifier = '<computed>';

/** What the rules look at in one source file. */
export type Source = {
  readonly path: string;
  readonly lines: number;
  /** The text with comments and the insides of strings blanked, line breaks kept. */
  readonly code: string;
  readonly imports: readonly Import[];
};

/** Whether a slash after this text starts a regular expression and no division. */
const startsRegex = (before: string): boolean =>
  /(^|[=(,:;!&|?{}[+\-*%<>~^]|\b(return|typeof|case|in|of|do|else|yield|await|void|delete))\s*$/.test(before);

/**
 * Blanks comments and the insides of strings, template texts and regular expressions, and gives the strings
 * by the place of their opening quote. Knows as much of the language as that needs.
 */
function blank(text: string): { code: string; strings: Map<number, string> } {
  const out = text.split('');
  const strings = new Map<number, string>();
  const hide = (from: number, to: number): void => {
    for (let i = from; i < to; i += 1) if (out[i] !== '\n') out[i] = ' ';
  };
  /** The depths of braces at which a template's expression began. */
  const templates: number[] = [];
  let depth = 0;
  let at = 0;

  const skipTemplate = (from: number): number => {
    let i = from;
    while (i < text.length) {
      if (text[i] === '\\') i += 2;
      else if (text[i] === '`') {
        hide(from, i);
        return i + 1;
      } else if (text[i] === '$' && text[i + 1] === '{') {
        hide(from, i);
        templates.push(depth);
        depth += 1;
        return i + 2;
      } else i += 1;
    }
    return text.length;
  };

  while (at < text.length) {
    const char = text[at]!;
    const two = text.slice(at, at + 2);
    if (two === '//' || two === '/*') {
      const end = two === '//' ? text.indexOf('\n', at) : text.indexOf('*/', at + 2) + 2;
      const to = end < 2 ? text.length : end;
      hide(at, to);
      at = to;
    } else if (char === "'" || char === '"') {
      const match = new RegExp(`${char}((?:[^${char}\\\\\\n]|\\\\[^])*)${char}`, 'y');
      match.lastIndex = at;
      const found = match.exec(text);
      if (found === null) {
        at += 1; // an apostrophe in the text of a page
        continue;
      }
      strings.set(at, found[1]!);
      hide(at + 1, match.lastIndex - 1);
      at = match.lastIndex;
    } else if (char === '`') {
      const open = templates.length;
      const end = skipTemplate(at + 1);
      if (templates.length === open) strings.set(at, text.slice(at + 1, end - 1));
      at = end;
    } else if (char === '/' && startsRegex(out.slice(Math.max(0, at - 40), at).join(''))) {
      const match = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/y;
      match.lastIndex = at;
      if (match.test(text)) {
        hide(at + 1, match.lastIndex - 1);
        at = match.lastIndex;
      } else at += 1;
    } else {
      if (char === '{') depth += 1;
      if (char === '}') {
        depth -= 1;
        if (templates.at(-1) === depth) {
          templates.pop();
          at = skipTemplate(at + 1);
          continue;
        }
      }
      at += 1;
    }
  }
  return { code: out.join(''), strings };
}

const statement = /\b(?<verb>import|export)\b(?<clause>[^'"`;()=]*?)\bfrom\s*['"]/g;
const bare = /\bimport\s*['"]/g;
const call = /\b(?:import|require)\s*\(\s*['"`]/g;
const computed = /\bimport\s*\(\s*(?!['"`\s])/g;

/** Reads a file's imports, and its code without comments and texts. */
export function scan(path: string, text: string): Source {
  const { code, strings } = blank(text);
  const lineOf = (index: number): number => code.slice(0, index).split('\n').length;
  const imports: Import[] = [];
  const add = (match: RegExpExecArray): void => {
    const clause = match.groups?.clause?.trim() ?? '';
    const specifier = strings.get(match.index + match[0].length - 1) ?? computedSpecifier;
    imports.push({
      specifier,
      clause,
      line: lineOf(match.index),
      typeOnly: /^type\s+[{*\w]/.test(clause) && !/^type\s*,/.test(clause),
      passedOn: match.groups?.verb === 'export',
    });
  };
  for (const pattern of [statement, bare, call, computed]) {
    for (const match of code.matchAll(pattern)) add(match);
  }
  return { path, lines: text.split('\n').length - (text.endsWith('\n') ? 1 : 0), code, imports };
}
