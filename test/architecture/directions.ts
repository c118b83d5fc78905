import { posix } from 'node:path';
import type { Import } from './scan.ts';

/** A part of the sources with rules of its own about what it may import. */
type Area = {
  /** Areas that it may import, itself not named. */
  readonly imports: readonly string[];
  /** Areas of which it may import types alone: ports that it implements, values that it takes. */
  readonly types?: readonly string[];
  readonly why: string;
};

const controlPlane = [
  'src/domain',
  'src/control',
  'src/store',
  'src/auth',
  'src/http',
  'src/config',
  'src/ui',
];
const relayBase = ['schema', 'relay/log', 'relay/version'];
const relayParts = ['relay/machine', 'relay/drivers', 'relay/actions', 'relay/deploy', 'relay/agent'];

/** Who may import whom. Imports run one way: whatever stands further down may know what stands above it. */
const areas: Readonly<Record<string, Area>> = {
  schema: { imports: [], why: 'the protocol knows neither of the two sides that speak it' },
  'schema/db': { imports: ['schema'], why: 'tables know the nouns alone' },
  'src/domain': {
    imports: ['schema'],
    why: 'rules are pure: they know the nouns, and get all else passed in',
  },
  'src/control': {
    imports: ['schema', 'src/domain'],
    why: 'what the control plane does must not depend on how it is stored or reached',
  },
  'src/store': {
    imports: ['schema', 'schema/db', 'src/domain'],
    why: 'stores implement ports; rows never leave their folder',
  },
  'src/auth': {
    imports: ['schema', 'src/domain'],
    types: ['src/control'],
    why: 'who a caller is must not depend on routes',
  },
  'src/http': {
    imports: ['schema', 'src/domain', 'src/control', 'src/auth', 'src/ui'],
    types: ['src/store'],
    why: 'routes reach stores only through what the control plane offers',
  },
  'src/config': { imports: ['schema', 'src/domain'], why: 'a release is computed from the repo alone' },
  'src/ui': { imports: ['schema', 'src/domain'], why: 'pages show views, they fetch nothing themselves' },
  'src/node': {
    imports: ['schema', ...controlPlane],
    why: "what is Node's alone wires parts, below the entry",
  },
  'src/main': {
    imports: ['schema', ...controlPlane, 'src/node'],
    why: 'the entry wires parts, and knows nothing of what they are made of',
  },
  'src/cli': {
    imports: ['schema', 'src/config'],
    why: 'the command line speaks to the API like any other caller; only `serve` starts it',
  },
  'src/cli/serve': {
    imports: ['schema', 'src/config', 'src/cli', 'src/main', 'src/node'],
    why: '`serve` starts the control plane through its entry; backups are made and read beside it',
  },
  action: {
    imports: ['schema', 'src/config', 'src/cli'],
    why: 'what runs in a workflow is a caller like the command line, and shares its words',
  },
  edge: {
    imports: ['schema', ...controlPlane],
    why: 'the Worker wires the same parts, without those of Node',
  },
  'relay/log': {
    imports: ['schema'],
    why: 'everything in the relay may log, so the log knows nothing of it',
  },
  'relay/machine': { imports: relayBase, why: 'ports to a machine know nothing of what is done with it' },
  'relay/drivers': {
    imports: relayBase,
    types: ['relay/machine'],
    why: 'a driver speaks one protocol, and decides nothing',
  },
  'relay/actions': {
    imports: [...relayBase, 'relay/machine', 'relay/drivers', 'relay/deploy'],
    why: 'an action acts and observes; whether it may is judged before',
  },
  'relay/deploy': {
    imports: [...relayBase, 'relay/machine', 'relay/drivers'],
    why: 'activation works against ports; whether it may is judged before',
  },
  'relay/agent': {
    imports: [...relayBase, 'relay/machine', 'relay/drivers', 'relay/actions', 'relay/deploy'],
    why: 'the agent judges and calls; it does not know how it was started',
  },
  'relay/act': {
    imports: [...relayBase, ...relayParts],
    why: 'what runs as root judges by the same rules and works with the same engine, and is no part of the relay',
  },
  'relay/overrides': {
    types: ['relay/drivers', 'relay/actions', 'relay/agent'],
    imports: [],
    why: 'what a simulated home puts in place of parts is shapes alone',
  },
  'relay/start': {
    imports: [...relayBase, ...relayParts, 'relay/overrides'],
    why: 'the parts are wired below the command line',
  },
  'relay/cli': {
    imports: [...relayBase, ...relayParts, 'relay/act', 'relay/start'],
    why: 'commands are started by the entry, and start what was wired',
  },
  'relay/main': {
    imports: [...relayBase, ...relayParts, 'relay/start', 'relay/cli'],
    why: 'the relay is a program of its own, apart from the control plane',
  },
};

/** Folders whose files may import anything, and which no source may import. */
const free = /^(test|examples)\//;

/** The area of a file, `free` for tests and examples, or null where the table has no place for it. */
export function areaOf(path: string): string | null {
  if (free.test(path)) return 'free';
  if (path.startsWith('schema/')) return path.startsWith('schema/db/') ? 'schema/db' : 'schema';
  if (path.startsWith('edge/')) return 'edge';
  if (path.startsWith('action/')) return 'action';
  if (/^src\/cli\/commands\/(serve|backup|restore)\.ts$/.test(path)) return 'src/cli/serve';
  const area = path
    .split('/')
    .slice(0, 2)
    .join('/')
    .replace(/\.tsx?$/, '');
  return Object.hasOwn(areas, area) ? area : null;
}

/** What package.json lets each runtime have a file of its own for: here the one that Node loads. */
const forNode: Readonly<Record<string, string>> = {
  '#crypto': 'schema/jose/crypto-node.ts',
  '#api-codes': 'schema/api/api-codes.ts',
};

/** The file that a relative specifier names, or one for each runtime; null for a package. */
export const targetOf = (from: string, specifier: string): string | null =>
  specifier.startsWith('.') ? posix.join(posix.dirname(from), specifier) : (forNode[specifier] ?? null);

/** Why a file may not have an import, or null when it may. */
export function judgeImport(path: string, found: Import): string | null {
  const target = targetOf(path, found.specifier);
  const from = areaOf(path);
  if (target === null || from === 'free') return null;
  const to = areaOf(target);
  if (from === null) return `${path} is in no folder of the table in test/architecture/directions.ts`;
  if (to === null) return `${target} is in no folder of the table in test/architecture/directions.ts`;
  const area = areas[from]!;
  // The command line's entry lists its commands, `serve` among them.
  if (from === to || area.imports.includes(to) || (from === 'src/cli' && to === 'src/cli/serve')) return null;
  if (area.types?.includes(to)) {
    return found.typeOnly ? null : `${from} may import types alone from ${to} (import type): ${area.why}`;
  }
  return `${from} must not import ${to === 'free' ? 'tests or examples' : to}: ${area.why}`;
}

/** One ring of files that import each other, as a path that ends where it starts; null when there is none. */
export function findCycle(edges: ReadonlyMap<string, readonly string[]>): string[] | null {
  const done = new Set<string>();
  const trail: string[] = [];
  const visit = (file: string): string[] | null => {
    if (trail.includes(file)) return [...trail.slice(trail.indexOf(file)), file];
    if (done.has(file)) return null;
    trail.push(file);
    for (const next of edges.get(file) ?? []) {
      const ring = visit(next);
      if (ring !== null) return ring;
    }
    trail.pop();
    done.add(file);
    return null;
  };
  for (const file of edges.keys()) {
    const ring = visit(file);
    if (ring !== null) return ring;
  }
  return null;
}
