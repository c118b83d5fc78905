import type { Node } from 'nunjucks/src/parser.js';
import * as v from 'valibot';
import { secretPlaceholder } from '../../../schema/manifest/placeholder.ts';
import { secretNameSchema } from '../../../schema/manifest/values.ts';
import { didYouMean } from '../../../schema/near.ts';
import type { Home } from '../home.ts';
import { evaluate } from './evaluate.ts';
import { faultOf, refuseTemplate, type Spot, spotOf } from './fault.ts';
import type { TemplateJob, TemplateOutcome } from './job.ts';
import { createScope, type Run, refuseLarge, type Scope } from './scope.ts';
import { parseTemplate } from './syntax.ts';
import {
  type Call,
  type Callable,
  countOf,
  isList,
  isMapping,
  isTrue,
  itemsOf,
  kindOf,
  type Mapping,
  maxItems,
  textArgument,
  textOf,
} from './values.ts';

/** Macros and includes within each other. */
const maxDepth = 40;

/** Renders one template. Does not end if the template does not: callers bound the time. */
export function renderTemplate(home: Home, job: TemplateJob): TemplateOutcome {
  const { id } = job;
  try {
    const { text, secrets } = render(home, job);
    return { id, ok: true, text, secrets: [...secrets].sort() };
  } catch (error) {
    if (error instanceof RangeError) {
      const message = 'it is nested too deeply';
      return { id, ok: false, line: 1, column: 1, code: 'template_too_deep', message };
    }
    const fault = faultOf(error);
    if (fault === undefined) throw error;
    return { id, ok: false, ...fault };
  }
}

function render(home: Home, job: TemplateJob): { text: string; secrets: ReadonlySet<string> } {
  const parsed = new Map<string, Node>();
  let depth = 0;
  let size = 0;

  const load = (at: Spot, name: unknown): { node: Node; file: string } => {
    const wanted = textOf(at, name).replace(/^\.\//, '');
    if (wanted.startsWith('/') || wanted.split('/').includes('..')) {
      refuseTemplate(at, 'template_outside', `${wanted} leads out of the app's folder`);
    }
    const source = Object.hasOwn(job.includes, wanted) ? job.includes[wanted] : undefined;
    if (source === undefined) {
      const near = didYouMean(wanted, Object.keys(job.includes));
      refuseTemplate(at, 'template_missing', `there is no template ${wanted} in the app's folder`, near);
    }
    const file = `${job.folder}${wanted}`;
    const node = parsed.get(wanted) ?? parseTemplate(source, file);
    parsed.set(wanted, node);
    return { node, file };
  };

  /** Runs what a macro or an include holds, not too deep. */
  const within = <T>(at: Spot, work: () => T): T => {
    if (depth >= maxDepth)
      refuseTemplate(at, 'template_too_deep', `macros and includes nest more than ${maxDepth} deep`);
    depth += 1;
    try {
      return work();
    } finally {
      depth -= 1;
    }
  };

  const textOfBlock = (node: Node, scope: Scope): string => {
    const parts: string[] = [];
    runBlock(node, scope, parts);
    return parts.join('');
  };

  const run: Run = {
    secrets: new Set(),
    sized: refuseLarge,
    capture: (node, scope) => textOfBlock(node.body, scope.inner()),
    caller: (node, scope) => macro(node, scope, 'caller'),
  };

  /** A macro's function: parameters by position, then by name, then their defaults. */
  const macro = (node: Node, scope: Scope, name: string): Callable => {
    const parameters = node.args.children.filter(({ typename }) => typename !== 'KeywordArgs');
    const defaults = node.args.children
      .filter(({ typename }) => typename === 'KeywordArgs')
      .flatMap(({ children }) => children);
    const names = [
      ...parameters.map(({ value }) => String(value)),
      ...defaults.map(({ key }) => String(key.value)),
    ];
    return ({ at, args, named }: Call) =>
      within(at, () => {
        const inner = scope.inner();
        if (args.length > names.length)
          refuseTemplate(at, 'template_type', `${name} takes at most ${names.length} arguments`);
        for (const given of Object.keys(named)) {
          if (given !== 'caller' && !names.includes(given)) {
            refuseTemplate(
              at,
              'template_type',
              `${name} has no parameter ${given}`,
              didYouMean(given, names),
            );
          }
        }
        for (const { key, value } of defaults) inner.set(String(key.value), evaluate(value as Node, inner));
        for (const [index, value] of args.entries()) inner.set(names[index]!, value);
        for (const [given, value] of Object.entries(named)) inner.set(given, value);
        return textOfBlock(node.body, inner);
      });
  };

  const put = (at: Spot, text: string, out: string[]): void => {
    size += text.length;
    refuseLarge(at, text);
    if (size > 8 * 1024 * 1024) refuseTemplate(at, 'template_too_large', 'it puts out too much');
    out.push(text);
  };

  const assign = (target: Node, value: unknown, scope: Scope): void => {
    if (target.typename === 'Symbol') {
      scope.set(String(target.value), value);
      return;
    }
    const at = spotOf(target, scope.file);
    const holder = target.typename === 'LookupVal' ? evaluate(target.target, scope) : undefined;
    if (!namespaces.has(holder as object))
      refuseTemplate(at, 'template_syntax', 'only a name, or a member of a namespace(), can be set');
    (holder as Record<string, unknown>)[textOf(at, evaluate(target.val, scope))] = value;
  };

  const namespaces = new WeakSet<object>();
  const statements: Readonly<Record<string, (node: Node, scope: Scope, out: string[], at: Spot) => void>> = {
    Output: (node, scope, out) => {
      for (const child of node.children) {
        const at = spotOf(child, scope.file);
        put(
          at,
          child.typename === 'TemplateData' ? String(child.value) : textOf(at, evaluate(child, scope)),
          out,
        );
      }
    },
    If: (node, scope, out) => {
      if (isTrue(evaluate(node.cond, scope))) runBlock(node.body, scope, out);
      else if (node.else_ !== null && node.else_ !== undefined) runBlock(node.else_, scope, out);
    },
    For: (node, scope, out, at) => runFor(node, scope, out, at),
    Set: (node, scope, _, at) => {
      const body = node.body as Node | undefined;
      const value =
        node.value === null || node.value === undefined
          ? textOfBlock(body!.body, scope.inner())
          : evaluate(node.value as Node, scope);
      if (node.targets.length === 1) assign(node.targets[0]!, value, scope);
      else unpack(node.targets, value, at, (target, one) => assign(target, one, scope));
    },
    Macro: (node, scope) => {
      const name = String(node.name.value);
      scope.set(name, macro(node, scope, name));
    },
    Include: (node, scope, out, at) => {
      const name = evaluate(node.template, scope);
      if (node.ignoreMissing === true && !Object.hasOwn(job.includes, String(name))) return;
      const { node: body, file } = load(at, name);
      within(at, () => runBlock(body, scope.inner(file), out));
    },
    Import: (node, scope, _, at) => {
      scope.set(String(node.target.value), exportsOf(node, scope, at));
    },
    FromImport: (node, scope, _, at) => {
      const made = exportsOf(node, scope, at);
      for (const child of node.names.children) {
        const name = String(child.typename === 'Pair' ? child.key.value : child.value);
        const alias = child.typename === 'Pair' ? String((child.value as Node).value) : name;
        if (!Object.hasOwn(made, name)) {
          refuseTemplate(
            spotOf(child, scope.file),
            'template_undefined',
            `the template has no ${name}`,
            didYouMean(name, Object.keys(made)),
          );
        }
        scope.set(alias, made[name]);
      }
    },
  };

  const exportsOf = (node: Node, scope: Scope, at: Spot): Mapping => {
    const { node: body, file } = load(at, evaluate(node.template, scope));
    const inner = node.withContext === true ? scope.inner(file) : root.inner(file);
    within(at, () => runBlock(body, inner, []));
    return inner.own();
  };

  const unpack = (
    targets: readonly Node[],
    value: unknown,
    at: Spot,
    set: (target: Node, one: unknown) => void,
  ): void => {
    if (!isList(value) || value.length !== targets.length) {
      refuseTemplate(
        at,
        'template_type',
        `${targets.length} values are needed, not ${isList(value) ? value.length : kindOf(value)}`,
      );
    }
    for (const [index, target] of targets.entries()) set(target, value[index]);
  };

  const runFor = (node: Node, scope: Scope, out: string[], at: Spot): void => {
    // `for x in xs if …` is parsed as a conditional expression without else; Jinja2 means a filter.
    const condition = node.arr.typename === 'InlineIf' && !node.arr.else_ ? node.arr.cond : null;
    const source = evaluate(condition === null ? node.arr : node.arr.body, scope);
    const targets = node.name.typename === 'Array' ? node.name.children : [node.name];
    const all = targets.length > 1 && isMapping(source) ? Object.entries(source) : itemsOf(at, source);
    const bind = (inner: Scope, item: unknown): void => {
      if (targets.length === 1) inner.set(String(targets[0]!.value), item);
      else unpack(targets, item, at, (target, one) => inner.set(String(target.value), one));
    };
    const items =
      condition === null
        ? all
        : all.filter((item) => {
            const inner = scope.inner();
            bind(inner, item);
            return isTrue(evaluate(condition, inner));
          });
    if (items.length === 0 && node.else_ !== null && node.else_ !== undefined)
      runBlock(node.else_, scope.inner(), out);
    for (const [index, item] of items.entries()) {
      const inner = scope.inner();
      bind(inner, item);
      inner.set('loop', {
        index: index + 1,
        index0: index,
        revindex: items.length - index,
        revindex0: items.length - index - 1,
        first: index === 0,
        last: index === items.length - 1,
        length: items.length,
        ...(index > 0 && { previtem: items[index - 1] }),
        ...(index < items.length - 1 && { nextitem: items[index + 1] }),
        cycle: ({ args }: Call) => args[index % args.length],
      });
      runBlock(node.body, inner, out);
    }
  };

  const runBlock = (node: Node, scope: Scope, out: string[]): void => {
    for (const child of node.typename === 'If' ? [node] : node.children) {
      const at = spotOf(child, scope.file);
      const statement = Object.hasOwn(statements, child.typename) ? statements[child.typename] : undefined;
      if (statement === undefined) {
        refuseTemplate(
          at,
          'template_syntax',
          `${child.typename.toLowerCase()} is not supported`,
          'Use include, import and macros.',
        );
      }
      statement(child, scope, out, at);
    }
  };

  const root = createScope(run, undefined);
  const given: Readonly<Record<string, unknown>> = {
    ...job.locals,
    home,
    range: (call: Call) => {
      const [from, to] = call.args.length > 1 ? call.args : [0, call.args[0]];
      const [start, end, step] = [
        countOf(call.at, from),
        countOf(call.at, to),
        countOf(call.at, call.args[2] ?? 1),
      ];
      if (step === 0) refuseTemplate(call.at, 'template_type', 'the step of a range must not be 0');
      const length = Math.max(0, Math.ceil((end - start) / step));
      if (length > maxItems)
        refuseTemplate(call.at, 'template_too_large', `a range has at most ${maxItems} numbers`);
      return Array.from({ length }, (_, index) => start + index * step);
    },
    dict: ({ named }: Call) => ({ ...named }),
    namespace: ({ named }: Call) => {
      const made = { ...named };
      namespaces.add(made);
      return made;
    },
    secret: (call: Call) => {
      const name = textArgument(call, 0, 'name');
      if (!v.is(secretNameSchema, name))
        refuseTemplate(call.at, 'template_type', `${name} is no name of a secret`);
      run.secrets.add(name);
      return secretPlaceholder(name);
    },
  };
  for (const [name, value] of Object.entries(given)) root.set(name, value);
  const out: string[] = [];
  runBlock(parseTemplate(job.source, undefined), root.inner(), out);
  const text = out.join('');
  refuseLarge({ line: 1, column: 1 }, text);
  return { text, secrets: run.secrets };
}
