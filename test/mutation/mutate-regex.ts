/** One change to a pattern: where in its text, and what takes the place. */
export type PatternChange = { readonly start: number; readonly end: number; readonly text: string };

const quantifier = /^(?:[*+?]|\{\d+(?:,\d*)?\})\??/;

/**
 * The changes of a regular expression's text: an anchor dropped, a class or shorthand turned into its opposite, a
 * quantifier dropped, a lookaround turned into its opposite.
 */
export function changesOfPattern(pattern: string): PatternChange[] {
  const changes: PatternChange[] = [];
  let inClass = false;
  let at = 0;
  const replace = (length: number, text: string): void => {
    changes.push({ start: at, end: at + length, text });
  };
  while (at < pattern.length) {
    const char = pattern[at]!;
    if (char === '\\') {
      const next = pattern[at + 1]!;
      if (/[dDwWsSbB]/.test(next)) {
        replace(2, `\\${next === next.toLowerCase() ? next.toUpperCase() : next.toLowerCase()}`);
      }
      at += 2;
    } else if (inClass) {
      inClass = char !== ']';
      at += 1;
    } else if (char === '[') {
      if (pattern[at + 1] === '^') replace(2, '[');
      else replace(1, '[^');
      inClass = true;
      at += pattern[at + 1] === '^' ? 2 : 1;
    } else if (char === '^' || char === '$') {
      replace(1, '');
      at += 1;
    } else if (char === '(') {
      const around = /^\(\?<?[=!]/.exec(pattern.slice(at));
      const head = around?.[0] ?? /^\(\?(?::|<[a-zA-Z]+>)/.exec(pattern.slice(at))?.[0] ?? '(';
      if (around !== null) replace(head.length, head.slice(0, -1) + (head.endsWith('=') ? '!' : '='));
      at += head.length;
    } else {
      const found = quantifier.exec(pattern.slice(at));
      if (found !== null) replace(found[0].length, '');
      at += found?.[0].length ?? 1;
    }
  }
  return changes;
}
