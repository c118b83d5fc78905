import type { Node } from 'nunjucks/src/parser.js';
import { didYouMean } from '../../../schema/near.ts';
import { refuseTemplate, type Spot, spotOf } from './fault.ts';
import { filters, keepsSecrets, refusedFilters } from './filters.ts';
import { methodOf, refuseMethod } from './methods.ts';
import { holdsSecret, type Scope } from './scope.ts';
import { tests } from './tests.ts';
import {
  type Call,
  holds,
  isCallable,
  isEqual,
  isList,
  isMapping,
  isTrue,
  kindOf,
  maxItems,
  numberOf,
  order,
  textOf,
} from './values.ts';

/** A name or member that is not there: an error for all but `is defined` and `default`. */
type Missing = { readonly refuse: () => never };
const missing = new WeakSet<object>();
const isMissing = (value: unknown): value is Missing =>
  typeof value === 'object' && value !== null && missing.has(value);
const absent = (at: Spot, message: string, suggestion = '', path?: string): Missing => {
  const made: Missing = { refuse: () => refuseTemplate(at, 'template_undefined', message, suggestion, path) };
  missing.add(made);
  return made;
};

/** The value of an expression. Refuses what is undefined, at the place of the name itself. */
export function evaluate(node: Node, scope: Scope): unknown {
  const value = evaluateLoosely(node, scope);
  return isMissing(value) ? value.refuse() : value;
}

/** As `evaluate`, but what is undefined is a value: `isDefined` tells. */
function evaluateLoosely(node: Node, scope: Scope): unknown {
  const evaluator = Object.hasOwn(evaluators, node.typename) ? evaluators[node.typename] : undefined;
  const at = spotOf(node, scope.file);
  if (evaluator === undefined)
    refuseTemplate(at, 'template_syntax', `${node.typename} cannot stand in an expression`);
  return evaluator(node, scope, at);
}

type Evaluator = (node: Node, scope: Scope, at: Spot) => unknown;

const constants: Readonly<Record<string, unknown>> = { True: true, False: false, None: null };
const reaching = /^(__.*__|constructor|prototype|__proto__)$/;

const arithmetic =
  (name: string, apply: (a: number, b: number) => number): Evaluator =>
  (node, scope, at) => {
    const [a, b] = [evaluate(node.left, scope), evaluate(node.right, scope)];
    if (typeof a !== 'number' || typeof b !== 'number') {
      refuseTemplate(at, 'template_type', `${kindOf(a)} ${name} ${kindOf(b)} has no meaning`);
    }
    const result = apply(a, b);
    if (!Number.isFinite(result)) refuseTemplate(at, 'template_type', 'the result is no number');
    return result;
  };

const add: Evaluator = (node, scope, at) => {
  const [a, b] = [evaluate(node.left, scope), evaluate(node.right, scope)];
  if (typeof a === 'number' && typeof b === 'number') return a + b;
  if (typeof a === 'string' && typeof b === 'string') return scope.run.sized(at, a + b);
  if (isList(a) && isList(b)) {
    // Memory that is taken in leaps ends the process before its thread is stopped.
    if (a.length + b.length > maxItems)
      refuseTemplate(at, 'template_too_large', `a list has at most ${maxItems} items`);
    return [...a, ...b];
  }
  return refuseTemplate(
    at,
    'template_type',
    `${kindOf(a)} + ${kindOf(b)} has no meaning`,
    'Write ~ to join texts.',
  );
};

const multiply: Evaluator = (node, scope, at) => {
  const [a, b] = [evaluate(node.left, scope), evaluate(node.right, scope)];
  if (typeof a === 'string' && typeof b === 'number') {
    const count = Math.max(0, Math.trunc(b));
    if (a.length * count > maxItems)
      refuseTemplate(at, 'template_too_large', `it repeats a text to more than ${maxItems} characters`);
    return a.repeat(count);
  }
  return numberOf(at, a) * numberOf(at, b);
};

const lookUp: Evaluator = (node, scope, at) => {
  const name = String(node.value);
  if (Object.hasOwn(constants, name)) return constants[name];
  const found = scope.find(name);
  if (found !== undefined) return found.value;
  if (reaching.test(name))
    refuseTemplate(at, 'template_reach', `${name} reaches into the program, which a template cannot`);
  return absent(at, `${name} is not defined`, didYouMean(name, scope.names()), name);
};

const lookUpMember: Evaluator = (node, scope) => {
  const at = spotOf(node.val, scope.file);
  const target = evaluate(node.target, scope);
  const key = evaluate(node.val, scope);
  if (typeof key === 'string' && reaching.test(key)) {
    refuseTemplate(at, 'template_reach', `${key} reaches into the program, which a template cannot`);
  }
  if (isMapping(target)) {
    const name = String(key);
    if (Object.hasOwn(target, name)) return target[name];
    const what = pathOf(node.target);
    const path = what === null ? undefined : `${what}.${name}`;
    return absent(at, `${what ?? 'it'} has no member ${name}`, didYouMean(name, Object.keys(target)), path);
  }
  if ((isList(target) || typeof target === 'string') && typeof key === 'number') {
    const item = (typeof target === 'string' ? [...target] : target).at(key);
    return item === undefined
      ? absent(at, `${pathOf(node.target) ?? kindOf(target)} has no item ${key}`)
      : item;
  }
  return absent(at, `${pathOf(node.target) ?? 'it'} is ${kindOf(target)} and has no member ${String(key)}`);
};

/** `home.guests.secsvc`, for messages. */
function pathOf(node: Node): string | null {
  if (node.typename === 'Symbol') return String(node.value);
  if (node.typename !== 'LookupVal' || node.val.typename !== 'Literal') return null;
  const above = pathOf(node.target);
  return above === null ? null : `${above}.${String(node.val.value)}`;
}

/** The arguments of a call, those by name apart. */
export function argumentsOf(args: Node, scope: Scope, at: Spot, skip = 0): Call {
  const values: unknown[] = [];
  const named: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  for (const child of args.children.slice(skip)) {
    if (child.typename !== 'KeywordArgs') {
      values.push(evaluate(child, scope));
      continue;
    }
    for (const pair of child.children) {
      named[String(pair.key.value)] =
        (pair.value as Node).typename === 'Caller'
          ? scope.run.caller(pair.value as Node, scope)
          : evaluate(pair.value as Node, scope);
    }
  }
  return { at, args: values, named };
}

const call: Evaluator = (node, scope, at) => {
  const { name: target } = node;
  if (target.typename === 'LookupVal') {
    const self = evaluate(target.target, scope);
    const name = evaluate(target.val, scope);
    const spot = spotOf(target.val, scope.file);
    if (typeof name !== 'string') refuseTemplate(spot, 'template_type', 'what is called must be a name');
    if (reaching.test(name))
      refuseTemplate(spot, 'template_reach', `${name} reaches into the program, which a template cannot`);
    const member = isMapping(self) && Object.hasOwn(self, name) ? self[name] : undefined;
    const method = isCallable(member) ? member : methodOf(self, name);
    if (method === undefined) refuseMethod(spot, self, name);
    const given = argumentsOf(node.args, scope, spot);
    if (!isCallable(member) && name !== 'items' && name !== 'get' && name !== 'join') {
      keepSecret(scope, spot, name, self, given);
    }
    return scope.run.sized(at, method(given));
  }
  const callee = evaluate(target, scope);
  if (!isCallable(callee))
    refuseTemplate(
      at,
      'template_type',
      `${pathOf(target) ?? 'it'} is ${kindOf(callee)} and cannot be called`,
    );
  return callee(argumentsOf(node.args, scope, spotOf(target, scope.file)));
};

/** A secret is filled in on the target: what would be changed here is its placeholder. */
function keepSecret(scope: Scope, at: Spot, name: string, input: unknown, { args, named }: Call): void {
  if (scope.run.secrets.size === 0) return;
  if (![input, ...args, ...Object.values(named)].some(holdsSecret)) return;
  refuseTemplate(
    at,
    'template_secret_changed',
    `${name} would change a secret's placeholder; the secret itself is filled in on the target`,
    'Derive another secret from it in app.yaml: secrets: { x: { from: …, as: … } }.',
  );
}

const filter: Evaluator = (node, scope, at) => {
  const name = String(node.name.value);
  const apply = Object.hasOwn(filters, name) ? filters[name] : undefined;
  if (apply === undefined) {
    const why = Object.hasOwn(refusedFilters, name) ? `: ${refusedFilters[name]}` : '';
    refuseTemplate(
      at,
      'template_unknown',
      `there is no filter ${name}${why}`,
      why === '' ? didYouMean(name, Object.keys(filters)) : '',
    );
  }
  const given = node.args.children[0]!;
  const isDefault = name === 'default' || name === 'd';
  const input =
    given.typename === 'Capture'
      ? scope.run.capture(given, scope)
      : isDefault
        ? evaluateLoosely(given, scope)
        : evaluate(given, scope);
  const call = argumentsOf(node.args, scope, at, 1);
  if (isMissing(input)) return call.args[0] ?? call.named.default_value ?? '';
  if (!keepsSecrets.has(name)) keepSecret(scope, at, name, input, call);
  return scope.run.sized(at, apply(input, call));
};

const test: Evaluator = (node, scope, at) => {
  const { right } = node;
  const named = right.typename === 'FunCall' ? right.name : right;
  const name =
    named.typename === 'Literal'
      ? named.value === null
        ? 'none'
        : String(named.value)
      : String(named.value);
  if (name === 'defined' || name === 'undefined') {
    return isMissing(evaluateLoosely(node.left, scope)) === (name === 'undefined');
  }
  const judge = Object.hasOwn(tests, name) ? tests[name] : undefined;
  if (judge === undefined) {
    refuseTemplate(
      spotOf(named, scope.file),
      'template_unknown',
      `there is no test ${name}`,
      didYouMean(name, ['defined', 'undefined', ...Object.keys(tests)]),
    );
  }
  const args = right.typename === 'FunCall' ? argumentsOf(right.args, scope, at).args : [];
  return judge(evaluate(node.left, scope), args, at);
};

const comparisons: Readonly<Record<string, (at: Spot, a: unknown, b: unknown) => boolean>> = {
  '==': (_, a, b) => isEqual(a, b),
  '!=': (_, a, b) => !isEqual(a, b),
  '<': (at, a, b) => order(at, a, b) < 0,
  '>': (at, a, b) => order(at, a, b) > 0,
  '<=': (at, a, b) => order(at, a, b) <= 0,
  '>=': (at, a, b) => order(at, a, b) >= 0,
};

const compare: Evaluator = (node, scope, at) => {
  let left = evaluate(node.expr, scope);
  for (const { type, expr } of node.ops) {
    const holdsFor = comparisons[type];
    if (holdsFor === undefined)
      refuseTemplate(at, 'template_syntax', `${type} is no comparison; write == or !=`);
    const right = evaluate(expr, scope);
    if (!holdsFor(at, left, right)) return false;
    left = right;
  }
  return true;
};

const dict: Evaluator = (node, scope, at) => {
  const made: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  for (const pair of node.children) {
    const key = evaluate(pair.key, scope);
    made[textOf(at, key)] = evaluate(pair.value as Node, scope);
  }
  return made;
};

const list: Evaluator = (node, scope) => node.children.map((child) => evaluate(child, scope));

const evaluators: Readonly<Record<string, Evaluator>> = {
  Literal: (node, _, at) =>
    node.value instanceof RegExp
      ? refuseTemplate(at, 'template_syntax', 'a regular expression is written as a text')
      : node.value,
  Symbol: lookUp,
  LookupVal: lookUpMember,
  // `(x)` is x, `(x, y)` a list.
  Group: (node, scope, at) =>
    node.children.length === 1 ? evaluateLoosely(node.children[0]!, scope) : list(node, scope, at),
  Array: list,
  Dict: dict,
  FunCall: call,
  Filter: filter,
  Is: test,
  In: (node, scope, at) => {
    const item = evaluate(node.left, scope);
    return holds(at, evaluate(node.right, scope), item);
  },
  Or: (node, scope) => {
    const left = evaluate(node.left, scope);
    return isTrue(left) ? left : evaluate(node.right, scope);
  },
  And: (node, scope) => {
    const left = evaluate(node.left, scope);
    return isTrue(left) ? evaluate(node.right, scope) : left;
  },
  Not: (node, scope) => !isTrue(evaluate(node.target, scope)),
  InlineIf: (node, scope, at) => {
    if (isTrue(evaluate(node.cond, scope))) return evaluateLoosely(node.body, scope);
    if (node.else_ !== null && node.else_ !== undefined) return evaluateLoosely(node.else_, scope);
    return absent(at, 'the condition does not hold and there is no else', "Write else ''.");
  },
  Compare: compare,
  Concat: (node, scope, at) =>
    scope.run.sized(at, textOf(at, evaluate(node.left, scope)) + textOf(at, evaluate(node.right, scope))),
  Add: add,
  Sub: arithmetic('-', (a, b) => a - b),
  Mul: multiply,
  Div: arithmetic('/', (a, b) => a / b),
  FloorDiv: arithmetic('//', (a, b) => Math.floor(a / b)),
  Mod: arithmetic('%', (a, b) => a - b * Math.floor(a / b)),
  Pow: arithmetic('**', (a, b) => a ** b),
  Neg: (node, scope, at) => -numberOf(at, evaluate(node.target, scope)),
  Pos: (node, scope, at) => numberOf(at, evaluate(node.target, scope)),
};
