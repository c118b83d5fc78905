import { parse } from 'acorn';

/** A node of the syntax tree (ESTree), with what mutators look at. */
export type SyntaxNode = {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [member: string]: unknown;
};

export const isNode = (value: unknown): value is SyntaxNode =>
  typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string';

/** The nodes under a member, in order. */
export const nodesIn = (value: unknown): SyntaxNode[] =>
  Array.isArray(value) ? value.filter(isNode) : isNode(value) ? [value] : [];

/** Visits every node of a module, parents before their children. */
export function walk(
  code: string,
  visit: (node: SyntaxNode, parent: SyntaxNode | null, member: string) => void,
): void {
  const program = parse(code, { ecmaVersion: 'latest', sourceType: 'module' }) as unknown as SyntaxNode;
  const into = (node: SyntaxNode, parent: SyntaxNode | null, member: string): void => {
    visit(node, parent, member);
    for (const [name, value] of Object.entries(node)) {
      for (const child of nodesIn(value)) into(child, node, name);
    }
  };
  into(program, null, '');
}
