// biome-ignore-all lint/style/noDefaultExport: nunjucks' modules have one
// The parser alone is used of nunjucks; its published types do not cover it.

declare module 'nunjucks/src/lexer.js' {
  export type Token = {
    readonly type: string;
    readonly value: string;
    readonly lineno: number;
    readonly colno: number;
  };
  export type Tokenizer = {
    readonly str: string;
    readonly index: number;
    readonly lineno: number;
    readonly colno: number;
    in_code: boolean;
    nextToken(): Token | null;
    forward(): void;
    forwardN(count: number): void;
    _parseString(delimiter: string): string;
  };
  const lexer: { lex(source: string, options: object): Tokenizer };

  export default lexer;
}

declare module 'nunjucks/src/parser.js' {
  import type { Token, Tokenizer } from 'nunjucks/src/lexer.js';

  /** A node of any kind; which members it has follows from `typename`. Lines and columns count from 0. */
  export type Node = {
    readonly typename: string;
    readonly lineno: number;
    readonly colno: number;
    readonly children: readonly Node[];
    readonly value: unknown;
    readonly targets: readonly Node[];
    readonly ops: readonly Node[];
    readonly type: string;
    readonly ignoreMissing?: boolean;
    readonly withContext?: boolean | null;
    readonly else_?: Node | null;
    readonly body: Node;
    readonly key: Node;
    readonly name: Node;
    readonly names: Node;
    readonly args: Node;
    readonly arr: Node;
    readonly cond: Node;
    readonly left: Node;
    readonly right: Node;
    readonly expr: Node;
    readonly target: Node;
    readonly val: Node;
    readonly template: Node;
  };
  export type Parser = {
    readonly tokens: Tokenizer;
    dropLeadingWhitespace: boolean;
    peekToken(): Token | null;
    nextToken(): Token | null;
    skip(type: string): boolean;
    skipValue(type: string, value: string): boolean;
    fail(message: string, lineno?: number, colno?: number): never;
    advanceAfterBlockEnd(): Token;
    parseAsRoot(): Node;
    parseStatement(): Node | null;
    parseExpression(): Node;
    parseSignature(): Node;
    parseUnary(): Node;
    parseConcat(): Node;
    parsePow(): Node;
    parsePostfix(node: Node): Node;
    parseFilterArgs(node: Node): readonly Node[];
    parseRaw(tag?: string): Node;
  };
  const parser: { readonly Parser: new (tokens: Tokenizer) => Parser };

  export default parser;
}

declare module 'nunjucks/src/nodes.js' {
  import type { Node } from 'nunjucks/src/parser.js';

  type Made = new (lineno: number, colno: number, ...fields: unknown[]) => Node;
  const nodes: Readonly<
    Record<
      | 'Add'
      | 'Sub'
      | 'Mul'
      | 'Div'
      | 'FloorDiv'
      | 'Mod'
      | 'Concat'
      | 'FunCall'
      | 'LookupVal'
      | 'Literal'
      | 'Output'
      | 'TemplateData'
      | 'Array',
      Made
    >
  >;

  export default nodes;
}
