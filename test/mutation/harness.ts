// Stands in for node:test in a worker, so that one process can run chosen tests thousands of times. It knows what
// the tests of the verifier use; a test that imports more does not load, which fails the run.

type Hook = () => unknown;
export type TestContext = { readonly name: string; after(hook: Hook): void };
type TestBody = (t: TestContext) => unknown;

type Suite = {
  readonly name: string;
  readonly parent: Suite | null;
  readonly befores: Hook[];
  ready: Promise<void> | null;
};

/** One test: `run` rejects when it fails. */
export type Case = { readonly name: string; prepare(): Promise<void>; run(): Promise<void> };

const newSuite = (name: string, parent: Suite | null): Suite => ({ name, parent, befores: [], ready: null });

let suite = newSuite('', null);
let cases: Case[] = [];

/** Loads a file of tests and gives those that it registered, in order. */
export async function collect(load: () => Promise<unknown>): Promise<readonly Case[]> {
  suite = newSuite('', null);
  cases = [];
  await load();
  return cases;
}

export function describe(name: string, body: () => void): void {
  const outer = suite;
  suite = newSuite(name, outer);
  const done: unknown = body();
  suite = outer;
  if (done instanceof Promise) throw new Error(`the suite ${name} is asynchronous`);
}

export function before(hook: Hook): void {
  suite.befores.push(hook);
}

export function test(name: string, body: TestBody): void {
  if (typeof body !== 'function') throw new Error(`the test ${name} has options`);
  const own = suite;
  cases.push({
    name: nameIn(own, name),
    prepare: () => prepare(own),
    async run() {
      await prepare(own);
      const afters: Hook[] = [];
      try {
        await body({ name, after: (hook) => afters.push(hook) });
      } finally {
        for (const hook of afters.reverse()) await hook();
      }
    },
  });
}

const nameIn = (where: Suite | null, name: string): string =>
  where === null || where.name === '' ? name : nameIn(where.parent, `${where.name} > ${name}`);

function prepare(where: Suite): Promise<void> {
  where.ready ??= (async () => {
    if (where.parent !== null) await prepare(where.parent);
    for (const hook of where.befores) await hook();
  })();
  return where.ready;
}
