import { isIn } from './addresses.ts';

/**
 * Headscale's policy (v2) and its DNS records, as its documentation of 0.29 has them: what is not accepted by a rule
 * is refused. Throws for aliases that it does not read.
 */
export type HeadscaleReader = {
  /** Whether a node may open a TCP connection to an address, a node's or one behind a subnet router. */
  accepts(from: Node, address: string, port: number): boolean;
};

export type Node = {
  readonly addresses: readonly string[];
  readonly tags: readonly string[];
  /** Names by which the policy may call its user; none of a tagged node. */
  readonly users: readonly string[];
};

type Rule = { readonly src: readonly string[]; readonly dst: readonly { alias: string; ports: string }[] };
type Policy = {
  readonly groups?: Readonly<Record<string, readonly string[]>>;
  readonly hosts?: Readonly<Record<string, string>>;
  readonly acls?: readonly {
    readonly action: string;
    readonly proto?: string;
    readonly src: readonly string[];
    readonly dst: readonly string[];
  }[];
  readonly grants?: readonly {
    readonly src: readonly string[];
    readonly dst: readonly string[];
    readonly ip?: readonly string[];
    readonly via?: unknown;
  }[];
};

/** @param nodes all nodes of the tailnet: whose a tag or an address is */
export function readHeadscale(text: string, nodes: readonly Node[]): HeadscaleReader {
  const policy = JSON.parse(text) as Policy;
  const rules = rulesOf(policy);
  const isUser = (name: string, { users, tags }: Node): boolean =>
    tags.length === 0 && users.some((user) => user === name || `${user}@` === name);
  const isNode = (alias: string, node: Node): boolean => {
    if (alias === '*') return true;
    if (alias.startsWith('tag:')) return node.tags.includes(alias);
    if (alias === 'autogroup:member') return node.tags.length === 0;
    if (alias === 'autogroup:tagged') return node.tags.length > 0;
    if (alias.startsWith('group:')) {
      const members = policy.groups?.[alias];
      if (members === undefined) throw new Error(`Headscale: there is no ${alias}`);
      return members.some((name) => isUser(name, node));
    }
    if (alias.includes('@')) return isUser(alias, node);
    const network = networkOf(policy, alias);
    return node.addresses.some((address) => isIn(address, network));
  };
  const isThere = (alias: string, address: string): boolean => {
    if (/^(\*|tag:|autogroup:(member|tagged)$|group:)/.test(alias) || alias.includes('@')) {
      // An asterisk is the tailnet's own addresses.
      const node = nodes.find(({ addresses }) => addresses.includes(address));
      return node !== undefined && isNode(alias, node);
    }
    return isIn(address, networkOf(policy, alias));
  };
  return {
    accepts: (from, address, port) =>
      rules.some(
        ({ src, dst }) =>
          src.some((alias) => isNode(alias, from)) &&
          dst.some(({ alias, ports }) => isPort(ports, port) && isThere(alias, address)),
      ),
  };
}

/** Grants and the older acls alike, as far as they are about TCP. */
function rulesOf({ acls = [], grants = [] }: Policy): Rule[] {
  const old = acls
    .filter(({ proto }) => proto === undefined || proto === 'tcp' || proto === '')
    .map(({ action, src, dst }): Rule => {
      if (action !== 'accept') throw new Error(`Headscale: there is no action ${action}`);
      return {
        src,
        dst: dst.map((one) => {
          const colon = one.lastIndexOf(':');
          return { alias: one.slice(0, colon), ports: one.slice(colon + 1) };
        }),
      };
    });
  const now = grants.map(({ src, dst, ip = [], via }): Rule => {
    if (via !== undefined) throw new Error('Headscale: grants with via are not read here');
    const ports = ip.flatMap((one) => {
      const [proto, list] = one.includes(':') ? one.split(':') : ['tcp', one];
      return proto === 'tcp' || proto === '*' ? [list!] : [];
    });
    return { src, dst: dst.flatMap((alias) => ports.map((list) => ({ alias, ports: list }))) };
  });
  return [...old, ...now];
}

/** `*`, `443`, `80,443` or `8000-8010`. */
const isPort = (ports: string, port: number): boolean =>
  ports.split(',').some((one) => {
    const [first, last = first] = one.split('-').map(Number);
    return one === '*' || (first! <= port && port <= last!);
  });

function networkOf({ hosts = {} }: Policy, alias: string): string {
  const network = /^[0-9]/.test(alias) ? alias : hosts[alias];
  if (network === undefined) throw new Error(`Headscale: nothing has the name ${alias}`);
  return network;
}
