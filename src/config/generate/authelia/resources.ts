/** What Authelia is told of a path, or a sentence on why it cannot be told. */
export type Resource = { readonly text: string } | { readonly fault: string };

/**
 * A path of a route as Authelia's expression. Traefik compares the path alone; Authelia compares the path with what
 * stands behind its question mark, so that without care somebody could write into the query what decides on the path.
 */
export function resourceOf(path: string): Resource {
  const told = path.startsWith('^') ? `the expression ${path}` : `the path ${path}`;
  if (path.includes('{{')) return { fault: `${told} holds {{, where a template of Authelia's begins` };
  if (path.startsWith('^')) return expressionOf(path, told);
  if (/[?#%]/.test(path)) return { fault: `${told} holds what no path has: ?, # or %` };
  return { text: `^${path.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')}` };
}

/** How far an alternative has come, on each level of brackets. */
type Level = { ended: boolean; hadEnd: boolean };

function expressionOf(path: string, told: string): Resource {
  const fault = (why: string): Resource => ({ fault: `${told} ${why}` });
  const levels: Level[] = [{ ended: false, hadEnd: false }];
  let text = '';
  let at = 0;
  /** Whether something may stand here: behind the path's end there is only the query. */
  const isBehind = (): boolean => levels.at(-1)!.ended;
  const isRepeated = (): boolean => /^[*+?{]/.test(path.slice(at));
  while (at < path.length) {
    const rest = path.slice(at);
    const token = /^(?:\\.|\(\?(?:P?<[A-Za-z_]\w*>|i?:|i\))|\[\^?\]?(?:\\.|[^\]\\])*\]|.)/su.exec(rest)![0];
    at += token.length;
    const level = levels.at(-1)!;
    if (token === '$' || token === '\\z') {
      if (isRepeated()) return fault('repeats an end');
      text += '(?:\\?|$)';
      level.ended = true;
    } else if (token === '^' || token === '\\A') {
      if (isRepeated()) return fault('repeats a beginning');
      text += token;
    } else if (token === '|') {
      if (levels.length === 1 && !/^(?:\^|\\A)/.test(path.slice(at)))
        return fault('has an alternative that does not begin with ^');
      levels[levels.length - 1] = { ended: false, hadEnd: level.hadEnd || level.ended };
      text += token;
    } else if (token === ')') {
      levels.pop();
      if (levels.length === 0) return fault('closes a bracket too many');
      if (level.ended || level.hadEnd) {
        if (isRepeated()) return fault('repeats an end');
        levels.at(-1)!.ended = true;
      }
      text += token;
    } else if (isBehind() && token !== '(?i)') {
      return fault('goes on behind its end');
    } else if (token.startsWith('(')) {
      if (token === '(' && path[at] === '?') return fault('has a group that Authelia is not told of');
      if (token !== '(?i)') levels.push({ ended: false, hadEnd: false });
      // To Authelia some names of groups mean who asks.
      text += token.includes('<') ? '(?:' : token;
    } else if (token.startsWith('[')) {
      const one = classOf(token);
      if (one === null) return fault('has a class that a question mark is in, or that is not understood');
      text += one;
    } else if (token.startsWith('\\')) {
      if (!/^\\(?:[dwsbBtnfrv]|[^A-Za-z0-9?])$/u.test(token))
        return fault(`has ${token}, which may stand for a question mark`);
      text += token;
    } else {
      text += token === '.' ? '[^?\\n]' : token;
    }
  }
  if (levels.length > 1) return fault('does not close a bracket');
  return { text };
}

/** A class without the question mark; null where that cannot be taken out. */
function classOf(token: string): string | null {
  if (token.length < 2 || token.includes('[:') || /\\[^dwsDWStnfrv\W]/.test(token)) return null;
  if (token.startsWith('[^')) return `[^?${token.slice(2)}`;
  try {
    return new RegExp(token).test('?') ? null : token;
  } catch {
    return null;
  }
}
