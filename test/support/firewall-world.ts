import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';

/**
 * A machine in namespaces of this kernel, as `firewallHome` has it: whoever speaks to it at home and on the tailnet has an
 * address of `outside`; containers are in two networks, and ports are published as netavark does, by a table of its own.
 */
export type FirewallWorld = {
  /** What nft says of a ruleset in the machine; throws where it refuses. */
  load(text: string): void;
  list(): string;
  /** Whether each address and port answers to who comes from a place: `open`, `refused` or `silent`. */
  ask(place: Place, from: string, ports: readonly (readonly [address: string, port: number])[]): string[];
  remove(): void;
};
export type Place = 'outside' | 'boxa' | 'boxb' | 'boxc';

const published = [443, 8443, 5432, 7001];
const own = [22, 53, 80, 2456, 7000, 8123, 9100];

const listen = `
const net = require('node:net');
Promise.all(process.argv.slice(1).map((port) => new Promise((done, failed) =>
  net.createServer((socket) => { socket.on('error', () => {}); socket.end(); }).on('error', failed).listen(Number(port), '0.0.0.0', done),
))).then(() => console.log('ready'));
`;
const probe = `
const net = require('node:net');
const [from, asked] = [process.argv[1], JSON.parse(process.argv[2])];
Promise.all(asked.map(([host, port]) => new Promise((done) => {
  const socket = net.connect({ host, port, ...(from !== '' && { localAddress: from }), timeout: 3000 });
  socket.on('connect', () => { socket.destroy(); done('open'); });
  socket.on('error', (error) => done(error.code === 'ECONNREFUSED' ? 'refused' : error.code));
  socket.on('timeout', () => { socket.destroy(); done('silent'); });
}))).then((all) => console.log(JSON.stringify(all)));
`;

const netavark = `
table inet netavark {
  chain published {
    type nat hook prerouting priority dstnat; policy accept;
    fib daddr type local tcp dport { ${published.join(', ')} } dnat ip to 10.89.1.2
  }
  chain out {
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr 10.89.0.0/16 oifname != "podman*" masquerade
  }
}
`;

export async function makeFirewallWorld(): Promise<FirewallWorld> {
  const mark = randomBytes(3).toString('hex');
  const places = ['machine', 'outside', 'boxa', 'boxb', 'boxc'] as const;
  const netns = (place: string): string => `f${mark}-${place}`;
  const ip = (...words: string[]): void =>
    void execFileSync('ip', words, { stdio: ['ignore', 'ignore', 'pipe'] });
  const inside = (place: string, line: string): void => ip('-n', netns(place), ...line.split(' '));
  const nft = (words: readonly string[], input?: string): string =>
    execFileSync('ip', ['netns', 'exec', netns('machine'), 'nft', ...words], {
      input,
      encoding: 'utf8',
      stdio: 'pipe',
    });
  const servers: ChildProcess[] = [];
  const remove = (): void => {
    process.off('exit', remove);
    for (const server of servers) server.kill('SIGKILL');
    for (const place of places) spawnSync('ip', ['netns', 'del', netns(place)]);
  };
  process.once('exit', remove);
  const cable = (a: string, card: string, b: string, far: string): void => {
    ip('link', 'add', card, 'netns', netns(a), 'type', 'veth', 'peer', 'name', far, 'netns', netns(b));
    inside(a, `link set ${card} up`);
    inside(b, `link set ${far} up`);
  };
  const serve = (place: string, ports: readonly number[]): Promise<void> => {
    const words = ['netns', 'exec', netns(place), process.execPath, '-e', listen, ...ports.map(String)];
    const server = spawn('ip', words, { stdio: ['ignore', 'pipe', 'inherit'] });
    servers.push(server);
    return new Promise((done, failed) => {
      server.stdout!.once('data', () => done());
      server.once('exit', () => failed(new Error(`nothing listens in ${place}`)));
    });
  };

  try {
    for (const place of places) {
      ip('netns', 'add', netns(place));
      inside(place, 'link set lo up');
    }
    cable('machine', 'eth0', 'outside', 'lan');
    cable('machine', 'tailscale0', 'outside', 'tail');
    inside('machine', 'addr add 192.168.20.31/24 dev eth0');
    inside('machine', 'route add 192.168.30.0/24 dev eth0');
    inside('machine', 'addr add 100.64.0.31/10 dev tailscale0');
    for (const address of ['192.168.20.41/24', '192.168.20.50/24', '192.168.30.9/24', '192.168.77.7/24'])
      inside('outside', `addr add ${address} dev lan`);
    inside('machine', 'route add 192.168.77.0/24 dev eth0');
    for (const address of ['100.64.0.1/10', '100.64.0.50/10'])
      inside('outside', `addr add ${address} dev tail`);
    inside('outside', 'route add 10.89.0.0/16 via 192.168.20.31');
    for (const [bridge, gateway, boxes] of [
      ['podman1', '10.89.1.1', { boxa: '10.89.1.2', boxb: '10.89.1.3' }],
      ['podman2', '10.89.5.1', { boxc: '10.89.5.2' }],
    ] as const) {
      inside('machine', `link add ${bridge} type bridge`);
      inside('machine', `addr add ${gateway}/24 dev ${bridge}`);
      inside('machine', `link set ${bridge} up`);
      for (const [box, address] of Object.entries(boxes)) {
        cable(box, 'eth0', 'machine', `v-${box}`);
        inside('machine', `link set v-${box} master ${bridge}`);
        inside(box, `addr add ${address}/24 dev eth0`);
        inside(box, `route add default via ${gateway}`);
      }
    }
    execFileSync('ip', ['netns', 'exec', netns('machine'), 'sysctl', '-qw', 'net.ipv4.ip_forward=1']);
    nft(['-f', '-'], netavark);
    await Promise.all([
      serve('machine', own),
      serve('boxa', [...published, 7002]),
      serve('boxc', [7003]),
      serve('outside', [443]),
    ]);
  } catch (cause) {
    remove();
    throw cause;
  }
  return {
    load: (text) => void nft(['-f', '-'], text),
    list: () => nft(['list', 'ruleset']),
    ask(place, from, ports) {
      const words = [
        'netns',
        'exec',
        netns(place),
        process.execPath,
        '-e',
        probe,
        from,
        JSON.stringify(ports),
      ];
      return JSON.parse(execFileSync('ip', words, { encoding: 'utf8' })) as string[];
    },
    remove,
  };
}

/** What is dropped without a word is refused, so that no test waits for an answer that never comes. */
export const refusing = (text: string): string =>
  text
    .replaceAll(/^( +)drop$/gm, '$1meta l4proto tcp reject with tcp reset')
    .replaceAll(/^( +iifname .*) drop$/gm, '$1 meta l4proto tcp reject with tcp reset')
    .replaceAll(/^ {2}}\n(?=}|.*chain forward)/gm, '    meta l4proto tcp reject with tcp reset\n  }\n');
