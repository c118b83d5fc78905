import { parse } from 'yaml';
import { answering, containersOf } from './containers.ts';

/**
 * What a repo's homelab.yaml, app.yaml and unit files say, read by themselves: nothing of src/config has a part in it, so
 * that a mistake there is not made twice. Only what the matrix is about; the rest of a file is passed over.
 */
export type Said = {
  readonly domain: string;
  readonly networks: ReadonlyMap<string, string>;
  readonly machines: ReadonlyMap<string, Machine>;
  readonly people: readonly { readonly name: string; readonly groups: readonly string[] }[];
  readonly access: ReadonlyMap<string, Access>;
  readonly ports: { readonly home: number; readonly public: number };
  readonly routes: readonly Route[];
  /** Machines whose HAProxy passes public names on. */
  readonly edges: readonly string[];
  /** Names of homelab.yaml that no route brings. */
  readonly names: readonly string[];
};

export type Machine = {
  readonly name: string;
  readonly kind: 'host' | 'guest' | 'device';
  /** Of a guest. */
  readonly host?: string;
  readonly address?: string;
  readonly tailnet?: string;
  readonly publicAddress?: string;
  readonly sleeps: boolean;
};

export type Access = {
  readonly groups: readonly string[];
  readonly policy: string;
  readonly from: readonly string[];
};

export type Route = {
  /** `app`, `app/name`, and `@machine` where the proxy is another. */
  readonly id: string;
  readonly app: string;
  readonly target: string;
  readonly proxy: string;
  readonly hosts: readonly string[];
  readonly port?: number;
  readonly service?: string;
  /** By what a proxy on the same machine knows the app, where it answers in a container. */
  readonly container?: string;
  readonly access?: string;
  readonly public: boolean;
  readonly waking: boolean;
  /** Handed on by name, without reading HTTP. */
  readonly unread: boolean;
  readonly priority?: number;
  readonly when: {
    readonly path: readonly string[];
    readonly notPath: readonly string[];
    readonly method: readonly string[];
    readonly header: Readonly<Record<string, string>>;
  };
};

type Tree = Readonly<Record<string, unknown>>;

const many = <T>(value: unknown): readonly T[] =>
  value === undefined ? [] : Array.isArray(value) ? (value as T[]) : [value as T];
const entries = (value: unknown): [string, Tree][] =>
  Object.entries((value ?? {}) as Record<string, Tree | null>).map(([name, one]) => [name, one ?? {}]);
const text = (value: unknown): string | undefined => value as string | undefined;

/** Of texts read before: most of a home is like the one before it. */
const known = new Map<string, Tree>();

function treeOf(content: string): Tree {
  const found = known.get(content) ?? ((parse(content, { merge: true }) ?? {}) as Tree);
  known.set(content, found);
  return found;
}

/** @param files texts of the repo, by path */
export function readSaid(files: ReadonlyMap<string, string>): Said {
  const home = treeOf(files.get('homelab.yaml')!);
  const domain = (home.site as { domain: string }).domain;
  const apps = [...files]
    .filter(([path]) => /^apps\/[^/]+\/app\.yaml$/.test(path))
    .map(([path, content]) => ({
      name: path.split('/')[1]!,
      said: treeOf(content),
    }));
  const routes = apps.flatMap(({ name, said }) => routesOf(name, said, domain, files));
  const ingress = (home.ingress ?? {}) as { home?: number; public?: number };
  return {
    domain,
    networks: new Map(entries(home.networks).map(([name, { subnet }]) => [name, subnet as string])),
    machines: new Map(
      [
        ...entries(home.hosts).map((one) => machineOf('host', ...one)),
        ...entries(home.guests).map((one) => machineOf('guest', ...one)),
        ...entries(home.devices).map((one) => machineOf('device', ...one)),
      ].map((machine) => [machine.name, machine]),
    ),
    people: entries(home.people).map(([name, { groups }]) => ({ name, groups: many<string>(groups) })),
    access: new Map(
      entries(home.access).map(([name, said]) => [
        name,
        {
          groups: many<string>(said.groups),
          policy: (said.policy as string | undefined) ?? 'two_factor',
          from: many<string>(said.from),
        },
      ]),
    ),
    ports: { home: ingress.home ?? 443, public: ingress.public ?? 8443 },
    routes,
    edges: apps
      .filter(({ said }) => JSON.stringify(said).includes('"haproxy/config"'))
      .flatMap(({ said }) => placesOf(said).map(({ guest }) => guest)),
    names: entries(home.names).map(([name]) => wholeName(name, domain)),
  };
}

function machineOf(kind: Machine['kind'], name: string, said: Tree): Machine {
  const optional = { address: said.address, tailnet: said.tailnet, publicAddress: said.public_address };
  return {
    name,
    kind,
    ...(said.host !== undefined && { host: said.host as string }),
    ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined)),
    sleeps: said.sleeps === true,
  };
}

/** A machine that an app is on, with what is otherwise there. */
function placesOf(said: Tree): (Tree & { readonly guest: string })[] {
  return many<string | (Tree & { guest: string })>(said.on).map((one) =>
    typeof one === 'string' ? { guest: one } : one,
  );
}

function routesOf(app: string, said: Tree, domain: string, files: ReadonlyMap<string, string>): Route[] {
  return placesOf(said).flatMap((place) => {
    const from = place.route === undefined && place.routes === undefined ? said : place;
    const given = [...many<Tree>(from.route), ...many<Tree>(from.routes)];
    const containers = containersOf(app, said, place, files);
    return given.map((route, index): Route => {
      const name = text(route.name) ?? (index === 0 ? undefined : String(index + 1));
      const when = (route.when ?? {}) as Tree;
      const proxy = text(route.via) ?? place.guest;
      // From another machine it is known by its own machine's address.
      const isHere = proxy === place.guest && route.service === undefined;
      const container = isHere ? answering(app, text(route.container), containers)?.host : undefined;
      const optional = {
        port: route.port,
        service: route.service,
        access: route.access,
        priority: route.priority,
        container: container ?? undefined,
      };
      return {
        id: `${app}${name === undefined ? '' : `/${name}`}@${place.guest}`,
        app,
        target: place.guest,
        proxy,
        hosts: many<string>(route.host).map((host) => wholeName(host, domain)),
        ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined)),
        public: route.public === true,
        waking: route.waking === true,
        unread: route.passthrough === true || route.scheme === 'tcp',
        when: {
          path: many(when.path),
          notPath: many(when.not_path),
          method: many(when.method),
          header: (when.header ?? {}) as Record<string, string>,
        },
      };
    });
  });
}

/** `graph` is below the domain, `@` is the domain, a name with a dot is whole. */
function wholeName(host: string, domain: string): string {
  if (host === '@') return domain;
  return /\./.test(host.replace(/^\*\./, '')) ? host : `${host}.${domain}`;
}
