import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';

/**
 * The networks of the example home, in namespaces: an internet with the public VM and a phone, and a home behind a
 * router that drops all new inbound.
 *
 *   internet 203.0.113.0/24: cloud .10, the router's outside .20, phone .30
 *   home 192.168.20.0/24: router .1, pve1 .11, pve2 .12, desk .21, and guests where a test asks for them
 *   tailnet, where a test asks for it: cloud 100.64.0.1
 */
export type HomeNetwork = {
  /** The name of a place's or guest's namespace on this machine. */
  netns(place: string): string;
  remove(): void;
};

export type Place = 'cloud' | 'phone' | 'router' | 'pve1' | 'pve2' | 'desk';

export const addresses = {
  cloud: '203.0.113.10',
  phone: '203.0.113.30',
  outside: '203.0.113.20',
  pve1: '192.168.20.11',
  pve2: '192.168.20.12',
  desk: '192.168.20.21',
} as const;
/** The tower's network card, as the example house names it. */
export const towerMac = '02:00:5e:10:00:02';

/** More of the home than what every test has. */
export type MoreOfHome = {
  /** Guests with networks of their own. */
  readonly guests?: Readonly<Record<string, { readonly address: string; readonly tailnet?: string }>>;
  /**
   * A way from the public VM into the home, in place of the tailnet: to the addresses of guests and these ports alone.
   * What the tailnet's rules drop is refused here, so that no test waits for an answer that never comes.
   */
  readonly tailnet?: { readonly ports: readonly number[] };
};

const internet = ['cloud', 'phone'] as const;
const home = ['pve1', 'pve2', 'desk'] as const;

/** nft(8): nothing new gets in from outside; what is inside gets out. */
const firewall = (tailnetPorts: readonly number[]): string => `
table inet fw {
  chain input {
    type filter hook input priority 0; policy drop;
    ct state established,related accept
    iif lo accept
    iifname lan accept
    iifname tail reject
  }
  chain forward {
    type filter hook forward priority 0; policy drop;
    ct state established,related accept
    iifname lan oifname wan accept
    # With br_netfilter loaded, what the switch passes on comes by here too.
    iifname lan oifname lan accept
    ${tailnetPorts.length === 0 ? '' : `iifname tail oifname lan tcp dport { ${tailnetPorts.join(', ')} } accept`}
    iifname tail meta l4proto tcp reject with tcp reset
    iifname tail reject
  }
  chain nat { type nat hook postrouting priority 100; oifname wan masquerade; }
}
`;

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export function makeHomeNetwork({ guests = {}, tailnet }: MoreOfHome = {}): HomeNetwork {
  // Interfaces have names of at most 15 characters, for the whole machine until they are moved.
  const mark = randomBytes(3).toString('hex');
  const netns = (place: string): string => `w${mark}-${place}`;
  const all = ['internet', 'router', ...internet, ...home, ...Object.keys(guests)];
  const ip = (...words: string[]): void =>
    void execFileSync('ip', words, { stdio: ['ignore', 'ignore', 'pipe'] });
  const inside = (place: string, ...words: string[]): void => ip('-n', netns(place), ...words);

  // Namespaces outlive processes: whatever ends this one takes them along.
  const leave = (): void => process.exit(1);
  const remove = (): void => {
    process.off('exit', remove);
    for (const signal of signals) process.off(signal, leave);
    for (const place of all) {
      try {
        ip('netns', 'del', netns(place));
      } catch {
        // It was not made.
      }
    }
  };

  process.once('exit', remove);
  for (const signal of signals) process.once(signal, leave);

  const bridge = (place: 'internet' | 'router', name: string): void => {
    inside(place, 'link', 'add', name, 'type', 'bridge');
    inside(place, 'link', 'set', name, 'up');
  };
  /** A cable from a place to a bridge of another. */
  const plug = (
    place: string,
    card: string,
    to: 'internet' | 'router',
    bridgeName: string,
    address: string,
  ): void => {
    const far = `p-${place}`;
    ip('link', 'add', card, 'netns', netns(place), 'type', 'veth', 'peer', 'name', far, 'netns', netns(to));
    inside(to, 'link', 'set', far, 'master', bridgeName, 'up');
    if (place === 'pve2') inside(place, 'link', 'set', card, 'address', towerMac);
    inside(place, 'addr', 'add', `${address}/24`, 'brd', '+', 'dev', card);
    inside(place, 'link', 'set', card, 'up');
  };

  try {
    for (const place of all) {
      ip('netns', 'add', netns(place));
      inside(place, 'link', 'set', 'lo', 'up');
    }
    bridge('internet', 'net');
    for (const place of internet) plug(place, 'eth0', 'internet', 'net', addresses[place]);
    plug('router', 'wan', 'internet', 'net', addresses.outside);
    bridge('router', 'lan');
    inside('router', 'addr', 'add', '192.168.20.1/24', 'dev', 'lan');
    const atHome = {
      ...Object.fromEntries(home.map((place) => [place, { address: addresses[place] }])),
      ...guests,
    };
    for (const [place, { address }] of Object.entries(atHome)) {
      plug(place, 'eth0', 'router', 'lan', address);
      inside(place, 'route', 'add', 'default', 'via', '192.168.20.1');
    }
    if (tailnet !== undefined) {
      ip(
        'link',
        'add',
        'tail',
        'netns',
        netns('cloud'),
        'type',
        'veth',
        'peer',
        'name',
        'tail',
        'netns',
        netns('router'),
      );
      inside('cloud', 'addr', 'add', '100.64.0.1/30', 'dev', 'tail');
      inside('router', 'addr', 'add', '100.64.0.2/30', 'dev', 'tail');
      for (const place of ['cloud', 'router']) inside(place, 'link', 'set', 'tail', 'up');
      inside('cloud', 'route', 'add', '192.168.20.0/24', 'via', '100.64.0.2');
      for (const [guest, { address, tailnet: own }] of Object.entries(guests)) {
        if (own === undefined) continue;
        inside(guest, 'addr', 'add', `${own}/32`, 'dev', 'eth0');
        inside('cloud', 'route', 'add', own, 'via', '100.64.0.2');
        inside('router', 'route', 'add', own, 'via', address);
      }
    }
    const inRouter = ['netns', 'exec', netns('router')];
    execFileSync('ip', [...inRouter, 'sysctl', '-qw', 'net.ipv4.ip_forward=1']);
    execFileSync('ip', [...inRouter, 'nft', '-f', '-'], { input: firewall(tailnet?.ports ?? []) });
  } catch (error) {
    remove();
    throw error;
  }
  return { netns, remove };
}
