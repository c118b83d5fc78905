import lexer, { type Token, type Tokenizer } from 'nunjucks/src/lexer.js';
import nodes from 'nunjucks/src/nodes.js';
import parser, { type Node, type Parser } from 'nunjucks/src/parser.js';
import { readHeader } from './ansible-header.ts';
import { faultOf, refuseTemplate, type Spot, spotOf } from './fault.ts';

type SpotAt = (lineno: number, colno: number) => Spot;

/**
 * Parses a template by nunjucks' parser, made to do as Jinja2 does where the two differ: backslashes in strings,
 * the order of arithmetic, slices, `{%- endraw -%}`, `#}` in plain text. A line `#jinja2:` at its beginning is read as
 * Ansible reads it. Refuses with `template_syntax`.
 */
export function parseTemplate(source: string, file: string | undefined): Node {
  const at: SpotAt = (lineno, colno) => spotOf({ lineno, colno }, file);
  const { length, trimBlocks } = readHeader(source, at(0, 0));
  const tokens = lexer.lex(source, { trimBlocks });
  tokens.forwardN(length);
  readTextAsJinja(tokens, at, trimBlocks);
  readStringsAsPython(tokens, at);
  const parsing = new parser.Parser(tokens);
  orderAsJinja(parsing);
  readSlices(parsing);
  readRawAsJinja(parsing, at, trimBlocks);
  parsing.parseFilterArgs = () =>
    parsing.peekToken()?.type === 'left-paren' ? parsing.parseSignature().children : [];
  // What is open when the text ends is what lacks its end.
  const open: Token[] = [];
  const { parseStatement } = parsing;
  parsing.parseStatement = () => {
    const tag = parsing.peekToken();
    if (tag !== null) open.push(tag);
    const node = parseStatement.call(parsing);
    if (tag !== null) open.pop();
    return node;
  };
  try {
    return parsing.parseAsRoot();
  } catch (error) {
    if (faultOf(error) !== undefined) throw error;
    if (error instanceof RangeError) refuseTemplate(at(0, 0), 'template_syntax', 'it is nested too deeply');
    const { lineno, colno, message } = error as Error & { lineno?: number; colno?: number };
    const tag = open.at(-1);
    // The parser reads the type of a token that is not there when the text ends within an expression.
    const ended =
      error instanceof TypeError || message.includes('end of file') || tokens.index >= source.length;
    if (ended) {
      const last = tag === undefined ? at(tokens.lineno, tokens.colno) : at(tag.lineno, tag.colno);
      const what = tag === undefined ? 'the text ends within an expression' : `{% ${tag.value} %} has no end`;
      refuseTemplate(last, 'template_syntax', what);
    }
    const spot = lineno === undefined ? at(tokens.lineno, tokens.colno) : at(lineno - 1, (colno ?? 1) - 1);
    refuseTemplate(spot, 'template_syntax', message.replace(/^parse[A-Za-z]+: /, '').toLowerCase());
  }
}

/** The line end that `trim_blocks` takes off behind a tag. */
const lineEnd = (text: string, index: number): number =>
  /^\r?\n/.exec(text.slice(index, index + 2))?.[0].length ?? 0;

/** Plain text up to the next `{{`, `{%` or `{#`; `#}` alone means nothing. */
function readTextAsJinja(tokens: Tokenizer, at: SpotAt, trimBlocks: boolean): void {
  const { nextToken } = tokens;
  const starts: Readonly<Record<string, string>> = { '{{': 'variable-start', '{%': 'block-start' };
  tokens.nextToken = () => {
    if (tokens.in_code) return nextToken.call(tokens);
    const { index, lineno, colno, str } = tokens;
    if (index >= str.length) return null;
    const take = (type: string, length: number): Token => {
      tokens.forwardN(length);
      return { type, value: str.slice(index, index + length), lineno, colno };
    };
    const two = str.slice(index, index + 2);
    const start = starts[two];
    if (start !== undefined) {
      tokens.in_code = true;
      return take(start, str[index + 2] === '-' ? 3 : 2);
    }
    if (two === '{#') {
      const end = str.indexOf('#}', index + 2);
      if (end < 0) refuseTemplate(at(lineno, colno), 'template_syntax', 'the comment {# has no end');
      const comment = take('comment', end + 2 - index);
      if (trimBlocks) tokens.forwardN(lineEnd(str, end + 2));
      return comment;
    }
    const rest = str.slice(index).search(/\{[{%#]/);
    return take('data', rest < 0 ? str.length - index : rest);
  };
}

const escapes: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  a: '\u0007',
  b: '\b',
  f: '\f',
  v: '\v',
  '\\': '\\',
  "'": "'",
  '"': '"',
  '\n': '',
};

/** Of a backslash before any other character both stay, as in Python; nunjucks drops it. */
function readStringsAsPython(tokens: Tokenizer, at: SpotAt): void {
  tokens._parseString = (delimiter) => {
    const { index, lineno, colno, str } = tokens;
    let end = index + 1;
    while (end < str.length && str[end] !== delimiter) end += str[end] === '\\' ? 2 : 1;
    if (end >= str.length) refuseTemplate(at(lineno, colno), 'template_syntax', 'the string has no end');
    tokens.forwardN(end + 1 - index);
    return str
      .slice(index + 1, end)
      .replace(
        /\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|[\s\S])/g,
        (whole, given: string) =>
          escapes[given] ??
          (given.length > 1 ? String.fromCharCode(Number.parseInt(given.slice(1), 16)) : whole),
      );
  };
}

/** From the left, `*` `/` `//` `%` before `~` before `+` `-`; nunjucks has `7 * 3 // 2` as `7 * (3 // 2)`. */
function orderAsJinja(parsing: Parser): void {
  const chain = (next: () => Node, operators: Readonly<Record<string, keyof typeof nodes>>) => (): Node => {
    let left = next();
    for (;;) {
      const token = parsing.peekToken();
      const made = token === null || token.type === 'string' ? undefined : operators[token.value];
      if (token === null || made === undefined) return left;
      parsing.nextToken();
      left = new nodes[made](token.lineno, token.colno, left, next());
    }
  };
  const times = chain(() => parsing.parsePow(), { '*': 'Mul', '/': 'Div', '//': 'FloorDiv', '%': 'Mod' });
  const concat = chain(times, { '~': 'Concat' });
  parsing.parseConcat = chain(concat, { '+': 'Add', '-': 'Sub' });
}

/** What a slice lacks: `x[1:]` has no end. */
export const openEnd = 'open end';

/** `x[1:3]`, `x[:-1]`, `x[::2]` become calls of the method `slice`, which no text can name: it has a space. */
export const sliceMethod = 'a slice';

function readSlices(parsing: Parser): void {
  const readIndex = (target: Node): Node => {
    const bracket = parsing.nextToken()!;
    const { lineno, colno } = bracket;
    const parts: Node[] = [];
    let colons = 0;
    let given: Node | undefined;
    while (!parsing.skip('right-bracket')) {
      if (parsing.skip('colon')) {
        parts.push(given ?? new nodes.Literal(lineno, colno, openEnd));
        given = undefined;
        colons += 1;
      } else if (given === undefined) {
        given = parsing.parseExpression();
      } else {
        parsing.fail('invalid index');
      }
    }
    if (colons === 0) {
      if (given === undefined) parsing.fail('an index is missing', lineno, colno);
      return new nodes.LookupVal(lineno, colno, target, given);
    }
    parts.push(given ?? new nodes.Literal(lineno, colno, openEnd));
    const method = new nodes.LookupVal(lineno, colno, target, new nodes.Literal(lineno, colno, sliceMethod));
    return new nodes.FunCall(lineno, colno, method, new nodes.Array(lineno, colno, parts));
  };
  parsing.parsePostfix = (node) => {
    let left = node;
    for (;;) {
      const token = parsing.peekToken();
      if (token?.type === 'left-bracket') {
        left = readIndex(left);
      } else if (token?.type === 'left-paren') {
        left = new nodes.FunCall(token.lineno, token.colno, left, parsing.parseSignature());
      } else if (token?.type === 'operator' && token.value === '.') {
        parsing.nextToken();
        const name = parsing.nextToken();
        if (name?.type !== 'symbol' && name?.type !== 'int' && name?.type !== 'none') {
          parsing.fail('a name is missing after the dot', token.lineno, token.colno);
        }
        const key = name.type === 'int' ? Number(name.value) : name.value;
        left = new nodes.LookupVal(
          token.lineno,
          token.colno,
          left,
          new nodes.Literal(name.lineno, name.colno, key),
        );
      } else {
        return left;
      }
    }
  };
}

/** The first `endraw` ends it, and `-` trims on either side of either tag. */
function readRawAsJinja(parsing: Parser, at: SpotAt, trimBlocks: boolean): void {
  parsing.parseRaw = () => {
    const begun = parsing.advanceAfterBlockEnd();
    const { tokens } = parsing;
    // What stands behind the tag itself is kept: Jinja2 trims behind every tag but this.
    const start = tokens.str.lastIndexOf('}', tokens.index - 1) + 1;
    const rest = tokens.str.slice(start);
    const end = /\{%(-?)\s*endraw\s*(-?)%\}/.exec(rest);
    if (end === null) {
      refuseTemplate(at(begun.lineno, begun.colno), 'template_syntax', '{% raw %} has no end');
    }
    let text = rest.slice(0, end.index);
    if (parsing.dropLeadingWhitespace) text = text.trimStart();
    if (end[1] === '-') text = text.trimEnd();
    tokens.forwardN(start + end.index + end[0].length - tokens.index);
    if (trimBlocks) tokens.forwardN(lineEnd(tokens.str, tokens.index));
    parsing.dropLeadingWhitespace = end[2] === '-';
    const { lineno, colno } = begun;
    return new nodes.Output(lineno, colno, [new nodes.TemplateData(lineno, colno, text)]);
  };
}
