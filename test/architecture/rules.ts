import { builtinModules } from 'node:module';
import { findCycle, judgeImport, targetOf } from './directions.ts';
import { computedSpecifier, type Source } from './scan.ts';

/** Where a rule is broken, and in what way. */
export type Breach = { readonly path: string; readonly line: number; readonly what: string };

/** One rule with its reason. */
export type Rule = {
  readonly name: string;
  readonly why: string;
  find(sources: readonly Source[]): Breach[];
};

const isProduct = (path: string): boolean => /^(schema|src|edge|relay|action)\//.test(path);
const isSchema = (path: string): boolean => path.startsWith('schema/');
const isPure = (path: string): boolean => isSchema(path) || path.startsWith('src/domain/');

/** Files of the control plane that are Node's alone. */
const isNodeOnly = (path: string): boolean =>
  /^src\/(main\.ts$|node\/|cli\/)/.test(path) || /(^|[-/])(node|embedded(-[a-z-]+)?)\.tsx?$/.test(path);
/** Where a program's parts are wired: what is passed in elsewhere is made here. */
const isEntry = (path: string): boolean =>
  /^(src|relay|src\/cli|action\/[a-z]+)\/main\.ts$|^relay\/start\.ts$|^edge\//.test(path);
const isSource = (noun: string, path: string): boolean =>
  new RegExp(`(^|[-/])${noun}s?(-[a-z-]+)?\\.ts$`).test(path);

const isNodeModule = (specifier: string): boolean =>
  specifier.startsWith('node:') || builtinModules.includes(specifier.split('/')[0]!);

const packageOf = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');

/** A rule about single imports. */
const onImports = (
  name: string,
  why: string,
  judge: (source: Source, specifier: string) => string | null,
): Rule => ({
  name,
  why,
  find: (sources) =>
    sources.flatMap((source) =>
      source.imports.flatMap(({ specifier, line }) => {
        const what = judge(source, specifier);
        return what === null ? [] : [{ path: source.path, line, what }];
      }),
    ),
});

/** A rule about code that must not stand in some files. */
const onCode = (
  name: string,
  why: string,
  applies: (path: string) => boolean,
  banned: readonly RegExp[],
): Rule => ({
  name,
  why,
  find: (sources) =>
    sources
      .filter(({ path }) => applies(path))
      .flatMap(({ path, code }) =>
        banned.flatMap((pattern) =>
          [...code.matchAll(pattern)].map((match) => ({
            path,
            line: code.slice(0, match.index).split('\n').length,
            what: match[0].trim(),
          })),
        ),
      ),
});

/** A rule about files as a whole. */
const onFiles = (name: string, why: string, judge: (source: Source) => string | null): Rule => ({
  name,
  why,
  find: (sources) =>
    sources.flatMap((source) => {
      const what = judge(source);
      return what === null ? [] : [{ path: source.path, line: 1, what }];
    }),
});

const maxLines = 350;
/** Files that may be longer, each with the reason. */
const longFiles: Readonly<Record<string, string>> = {};

/** Packages that may be imported by some files alone. */
const packagesOfSchema = new Set(['jose', 'valibot', '#crypto']);
/** The one file of the protocol that is of a runtime; Workers have another in its place. */
const cryptoOfNode = 'schema/jose/crypto-node.ts';
const storePackages = new Set(['drizzle-orm', 'libsql', '@libsql/client']);

/** The one file that asks tailscaled for names, and those that hand them to the log. */
const tailnetNames = 'src/node/tailnet-peers.ts';
const namesForLogs = new Set(['src/main.ts', 'src/node/listener.ts']);

const childProcess = /^(node:)?child_process$/;

export const rules: readonly Rule[] = [
  {
    name: 'directions',
    why: 'imports run one way, so that a part can be understood, tested and bundled without its users',
    find: (sources) =>
      sources.flatMap((source) =>
        source.imports.flatMap((found) => {
          const what = judgeImport(source.path, found);
          return what === null ? [] : [{ path: source.path, line: found.line, what }];
        }),
      ),
  },
  {
    name: 'cycles',
    why: 'files that import each other are one file in two places',
    find: (sources) => {
      const edges = new Map(
        sources.map(({ path, imports }) => [
          path,
          imports.flatMap(({ specifier }) => targetOf(path, specifier) ?? []),
        ]),
      );
      const ring = findCycle(edges);
      return ring === null ? [] : [{ path: ring[0]!, line: 1, what: ring.join(' → ') }];
    },
  },
  onImports(
    'computed imports',
    'what is imported must be readable from the sources, or no rule about imports holds',
    ({ path }, specifier) =>
      isProduct(path) && specifier === computedSpecifier ? 'an import whose target is computed' : null,
  ),
  onImports(
    'packages of schema',
    'the protocol runs on Node, Workers and in the bundled relay: it needs JOSE and validation alone',
    ({ path }, specifier) =>
      isSchema(path) &&
      !path.startsWith('schema/db/') &&
      !specifier.startsWith('.') &&
      !(path === cryptoOfNode && specifier === 'node:crypto') &&
      !packagesOfSchema.has(packageOf(specifier))
        ? `imports ${specifier}`
        : null,
  ),
  onImports(
    'packages of stores',
    'rows and SQL never leave src/store, so that another store can take its place',
    ({ path }, specifier) =>
      isProduct(path) && !/^(src\/store|schema\/db)\//.test(path) && storePackages.has(packageOf(specifier))
        ? `imports ${specifier}`
        : null,
  ),
  onImports(
    'names of the tailnet',
    'the tailnet is a transport: whoever controls it names its nodes, so that a name is for the log alone and never reaches what authorises',
    ({ path }, specifier) =>
      isProduct(path) &&
      ((packageOf(specifier) === 'tslocal' && path !== tailnetNames) ||
        (targetOf(path, specifier) === tailnetNames && !namesForLogs.has(path)))
        ? `imports ${specifier}`
        : null,
  ),
  onImports(
    'runtimes',
    'the control plane runs unchanged on Node and on Workers: what is of one runtime stands in src/main, src/node, src/cli and files named *-node.ts',
    ({ path }, specifier) => {
      if (path.startsWith('edge/')) return isNodeModule(specifier) ? `imports ${specifier}` : null;
      const bound = isNodeModule(specifier) || specifier.startsWith('cloudflare:');
      return bound && (path.startsWith('src/') || isPure(path)) && !isNodeOnly(path)
        ? `imports ${specifier}`
        : null;
    },
  ),
  onCode(
    'globals of Node',
    'the control plane runs unchanged on Workers, which have neither process nor Buffer',
    (path) => (/^(src|edge)\//.test(path) || isSchema(path)) && !isNodeOnly(path),
    [/(?<![\w.$])(process|Buffer)\.\w+/g, /(?<![\w.$])(__dirname|__filename|setImmediate)\b/g],
  ),
  onCode(
    'purity',
    'rules that both sides compute alike depend on their arguments alone: no clock, no chance, no I/O',
    isPure,
    [
      /\bDate\.now\b/g,
      /\bMath\.random\b/g,
      /\bnew\s+Date\s*(\(\s*\)|(?!\s*\())/g,
      /\b(randomUUID|getRandomValues)\b/g,
      /(?<![\w.$])(fetch|setTimeout|setInterval)\s*\(/g,
      /(?<![\w.$])(console|performance)\.\w+/g,
    ],
  ),
  onCode(
    'clock and chance',
    'Clock and Ids are dependencies made in the entries, so that tests say what time it is',
    (path) => isProduct(path) && !isEntry(path) && !isSource('clock', path) && !isSource('id', path),
    [/\bDate\.now\b/g, /\bMath\.random\b/g, /\bnew\s+Date\s*(\(\s*\)|(?!\s*\())/g, /\brandomUUID\s*\(/g],
  ),
  onCode(
    'no global fetch in the relay',
    'it costs 24 MB on the small machine that the relay runs on, and cannot pin a certificate: use node:https',
    (path) => path.startsWith('relay/'),
    [/(?<![\w.$])fetch\s*\(/g, /\bglobalThis\.fetch\b/g],
  ),
  {
    name: 'no shell (threat 16)',
    why: 'programs are started with argv arrays: a shell would read what a caller wrote as a command',
    find: (sources) =>
      sources.flatMap(({ path, code, imports }) => {
        const found = imports.filter(({ specifier }) => childProcess.test(specifier));
        if (found.length === 0) return [];
        const named = found.filter(({ clause }) => /\bexec(Sync)?\b/.test(clause));
        const whole = found.flatMap(({ clause }) => /^(?:\* as )?([\w$]+)/.exec(clause)?.[1] ?? []);
        const called = new RegExp(
          `(?<![\\w.$])(?:${['childProcess', ...whole].join('|')})\\.exec(?:Sync)?\\b`,
          'g',
        );
        const shell = /\bshell\s*(?::(?!\s*false)|[,}])/g;
        const used = [...code.matchAll(shell), ...code.matchAll(called)];
        return [
          ...named.map(({ line }) => ({ path, line, what: 'imports exec or execSync' })),
          ...used.map((match) => ({
            path,
            line: code.slice(0, match.index).split('\n').length,
            what: match[0].trim(),
          })),
        ];
      }),
  },
  onFiles(
    'file names',
    'one way to write a name, so that nobody has to look it up: kebab-case',
    ({ path }) =>
      /^([a-z0-9]+(-[a-z0-9]+)*\/)*[a-z0-9]+(-[a-z0-9]+)*(\.test|\.d)?\.tsx?$/.test(path)
        ? null
        : 'is not in kebab-case',
  ),
  onFiles(
    'length',
    `a file of more than ${maxLines} lines is about more than one thing`,
    ({ path, lines }) => (lines > maxLines && !Object.hasOwn(longFiles, path) ? `has ${lines} lines` : null),
  ),
  onFiles(
    'barrels',
    'import a thing from the file that says it: a barrel pulls in its whole folder and hides who uses what',
    ({ path, imports, code }) => {
      const passedOn = imports.filter((found) => found.passedOn);
      if (passedOn.some(({ clause }) => clause.startsWith('*') || clause.startsWith('type *')))
        return 'passes on a whole file (export *)';
      const own =
        /\bexport\s+(const|let|function|async|class|type\s+\w+\s*[=<]|interface)\b|\bexport\s+type\s+\w+/;
      return isProduct(path) && passedOn.length > 0 && !own.test(code)
        ? 'only passes on what others export'
        : null;
    },
  ),
  onCode(
    'default exports',
    'a default export has another name at each import, and is not found by searching',
    // Workers take their entry by its default export; a declaration tells what another's module exports, and what stands
    // for a package exports the same.
    (path) => path !== 'edge/worker.ts' && !path.startsWith('edge/instead/') && !path.endsWith('.d.ts'),
    [/\bexport\s+default\b/g, /\bas\s+default\b/g],
  ),
];
