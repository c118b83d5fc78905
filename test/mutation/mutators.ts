import { changesOfPattern } from './mutate-regex.ts';
import { nodesIn, type SyntaxNode, walk } from './syntax.ts';

/** One small fault that could be made in a file: a stretch of its code, and what takes its place. */
export type Mutant = {
  readonly path: string;
  readonly mutator: string;
  readonly line: number;
  readonly start: number;
  readonly end: number;
  readonly before: string;
  readonly after: string;
  /** Where what is changed begins to be evaluated: whoever gets there reaches the fault. */
  readonly reach: number;
};

type Change = Pick<Mutant, 'mutator' | 'start' | 'end' | 'after'>;
type Mutator = (
  node: SyntaxNode,
  parent: SyntaxNode | null,
  member: string,
  code: string,
) => readonly Change[];

const comparisons: Readonly<Record<string, readonly string[]>> = {
  '<': ['<=', '>='],
  '<=': ['<', '>'],
  '>': ['>=', '<='],
  '>=': ['>', '<'],
  '===': ['!=='],
  '!==': ['==='],
};
const calculations: Readonly<Record<string, string>> = {
  '+': '-',
  '-': '+',
  '*': '/',
  '/': '*',
  '%': '*',
  '**': '*',
  '&': '|',
  '|': '&',
  '<<': '>>',
  '>>': '<<',
};
const assignments: Readonly<Record<string, string>> = {
  '+=': '-=',
  '-=': '+=',
  '*=': '/=',
  '>>=': '<<=',
  '<<=': '>>=',
  '??=': '&&=',
};
const methods: Readonly<Record<string, string>> = {
  startsWith: 'endsWith',
  endsWith: 'startsWith',
  toUpperCase: 'toLowerCase',
  toLowerCase: 'toUpperCase',
  some: 'every',
  every: 'some',
  min: 'max',
  max: 'min',
};
/** Methods whose call is replaced by what they are called on. */
const dropped = new Set(['filter', 'sort', 'slice', 'trim', 'reverse', 'toSorted']);

const whole = (mutator: string, node: SyntaxNode, after: string): Change => ({
  mutator,
  start: node.start,
  end: node.end,
  after,
});

const textOf = (node: unknown, code: string): string =>
  nodesIn(node)
    .map(({ start, end }) => code.slice(start, end))
    .join('');

/** The operator between two operands, without touching either. */
function operator(mutator: string, node: SyntaxNode, code: string, after: string): Change {
  const [left, right] = [nodesIn(node.left)[0]!, nodesIn(node.right)[0]!];
  const start = code.indexOf(String(node.operator), closingAfter(left.end, code));
  if (start < 0 || start >= right.start) throw new Error(`no operator at ${node.start}`);
  return { mutator, start, end: start + String(node.operator).length, after };
}

/** Past the closing brackets of an operand in brackets. */
function closingAfter(at: number, code: string): number {
  const match = /[\s)]*/y;
  match.lastIndex = at;
  match.test(code);
  return match.lastIndex;
}

const isText = (node: unknown): boolean =>
  nodesIn(node).some(
    (part) => part.type === 'TemplateLiteral' || (part.type === 'Literal' && typeof part.value === 'string'),
  );

const conditions: Mutator = (node, parent, member) => {
  const isTest =
    member === 'test' &&
    parent !== null &&
    /^(If|While|DoWhile|For)Statement$|^ConditionalExpression$/.test(parent.type);
  const isComparison = node.type === 'BinaryExpression' && Object.hasOwn(comparisons, String(node.operator));
  const isLogical = node.type === 'LogicalExpression' && node.operator !== '??';
  if (!isTest && !isComparison && !isLogical) return [];
  const isLoop = parent !== null && member === 'test' && /^(While|DoWhile|For)/.test(parent.type);
  return isLoop
    ? [whole('condition', node, 'false')]
    : [whole('condition', node, 'true'), whole('condition', node, 'false')];
};

const operators: Mutator = (node, _parent, _member, code) => {
  const sign = String(node.operator);
  if (node.type === 'BinaryExpression') {
    if (Object.hasOwn(comparisons, sign))
      return comparisons[sign]!.map((after) => operator('boundary', node, code, after));
    if (Object.hasOwn(calculations, sign) && !isText(node.left) && !isText(node.right))
      return [operator('arithmetic', node, code, calculations[sign]!)];
  }
  if (node.type === 'LogicalExpression') {
    return [operator('logical', node, code, { '&&': '||', '||': '&&', '??': '&&' }[sign]!)];
  }
  if (node.type === 'AssignmentExpression' && Object.hasOwn(assignments, sign))
    return [operator('assignment', node, code, assignments[sign]!)];
  if (node.type === 'UnaryExpression' && sign === '!')
    return [whole('negation', node, textOf(node.argument, code))];
  if (node.type === 'UnaryExpression' && sign === '-')
    return [whole('negation', node, textOf(node.argument, code))];
  return [];
};

const literals: Mutator = (node, parent, member) => {
  if (node.type === 'TemplateLiteral') return [whole('string', node, '``')];
  if (node.type !== 'Literal') return [];
  if (typeof node.value === 'boolean') return [whole('boolean', node, String(!node.value))];
  if (typeof node.value === 'number') return [whole('number', node, String(node.value + 1))];
  if (typeof node.value === 'string') {
    const isName =
      /^(Import|Export)/.test(parent?.type ?? '') || (parent?.type === 'Property' && member === 'key');
    return isName ? [] : [whole('string', node, node.value === '' ? "'mutated'" : "''")];
  }
  const { pattern } = (node.regex ?? {}) as { pattern?: string };
  return pattern === undefined
    ? []
    : changesOfPattern(pattern).map(({ start, end, text }) => ({
        mutator: 'regex',
        start: node.start + 1 + start,
        end: node.start + 1 + end,
        after: text,
      }));
};

const structures: Mutator = (node) => {
  const items = Array.isArray(node.elements) ? node.elements.length : 0;
  if (node.type === 'ArrayExpression') return [whole('array', node, items === 0 ? "['mutated']" : '[]')];
  if (node.type === 'ObjectExpression' && nodesIn(node.properties).length > 0)
    return [whole('object', node, '{}')];
  if (node.type === 'BlockStatement' && nodesIn(node.body).length > 0) return [whole('block', node, '{}')];
  if (node.type === 'SwitchCase' && nodesIn(node.consequent).length > 0) {
    const [first, last] = [nodesIn(node.consequent)[0]!, nodesIn(node.consequent).at(-1)!];
    return [{ mutator: 'block', start: first.start, end: last.end, after: '' }];
  }
  return [];
};

const values: Mutator = (node, _parent, _member, code) => {
  if (node.type === 'ReturnStatement' && node.argument !== null) {
    const value = textOf(node.argument, code);
    return value === 'undefined' ? [] : [whole('return', nodesIn(node.argument)[0]!, 'undefined')];
  }
  if (node.type === 'ArrowFunctionExpression' && node.expression === true) {
    const value = textOf(node.body, code);
    return value === 'undefined' ? [] : [whole('return', nodesIn(node.body)[0]!, 'undefined')];
  }
  if (node.type === 'UpdateExpression') {
    const after = code
      .slice(node.start, node.end)
      .replace(/\+\+|--/, (sign) => (sign === '++' ? '--' : '++'));
    return [whole('update', node, after)];
  }
  if (node.type === 'MemberExpression' && node.optional === true) {
    const start = code.indexOf('?.', nodesIn(node.object)[0]!.end);
    return [{ mutator: 'optional', start, end: start + 2, after: node.computed === true ? '' : '.' }];
  }
  if (node.type === 'CallExpression' && node.optional === true) {
    const start = code.indexOf('?.', nodesIn(node.callee)[0]!.end);
    return [{ mutator: 'optional', start, end: start + 2, after: '' }];
  }
  return [];
};

const calls: Mutator = (node, _parent, _member, code) => {
  if (node.type !== 'CallExpression') return [];
  const callee = nodesIn(node.callee)[0]!;
  if (callee.type !== 'MemberExpression' || callee.computed === true) return [];
  const name = nodesIn(callee.property)[0]!;
  const called = code.slice(name.start, name.end);
  if (Object.hasOwn(methods, called)) return [whole('method', name, methods[called]!)];
  if (dropped.has(called)) return [whole('method', node, textOf(callee.object, code))];
  return [];
};

const mutators: readonly Mutator[] = [conditions, operators, literals, structures, values, calls];

/** All mutants of a file, in the order of its lines. `code` is JavaScript: the types are stripped already. */
export function mutantsOf(path: string, code: string): Mutant[] {
  const found = new Map<string, Mutant>();
  walk(code, (node, parent, member) => {
    for (const mutator of mutators) {
      for (const change of mutator(node, parent, member, code)) {
        const before = code.slice(change.start, change.end);
        const key = `${change.start}:${change.end}:${change.after}`;
        if (before === change.after || found.has(key)) continue;
        const line = code.slice(0, change.start).split('\n').length;
        found.set(key, { ...change, path, line, before, reach: node.start });
      }
    }
  });
  return [...found.values()].sort((a, b) => a.start - b.start || a.end - b.end);
}

/** The code with a mutant's fault in it. */
export const applyMutant = (code: string, mutant: Pick<Mutant, 'start' | 'end' | 'after'>): string =>
  code.slice(0, mutant.start) + mutant.after + code.slice(mutant.end);
