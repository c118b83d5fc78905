import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { openAuthority } from '../../../relay/agent/authority.ts';
import { openLeafBook } from '../../../relay/agent/leaf-book.ts';
import { createLeafKeeper } from '../../../relay/agent/leaf-keeper.ts';
import type { ActivateDeps, Activation } from '../../../relay/deploy/activate.ts';
import { publicKeyOf } from '../../../relay/deploy/leaves/leaf-issuer.ts';
import { createRemoteMachine } from '../../../relay/machine/remote-machine.ts';
import { ok } from '../../../schema/result.ts';
import type { Release } from '../../../schema/wire/release.ts';
import { permit } from '../../../schema/x509/names.ts';
import { fromBase64, toPem } from '../../../schema/x509/pem.ts';
import { decryptAge } from '../../../src/cli/secrets/age.ts';
import { buildExample, exampleRepo, filesOf, partOf, testIdentity } from '../../examples/example.ts';
import { createMemoryDisk, quietLog } from '../../relay/agent/fixture.ts';
import { makeIntermediate, makeLeaf, makeRoot } from '../test-authority.ts';
import { activateOver } from './engine-over.ts';
import { images, programImages } from './program-images.ts';
import { programRoot } from './program-root.ts';
import { makeStandIn } from './stand-in.ts';
import { startTargetGuest, type TargetGuest } from './target-guest.ts';

const target = 'secsvcs';
const address = '192.168.21.11';
const gateway = '192.168.21.1';
/** Where the others of the home are asked for metrics. */
export const others = {
  cloud: '100.64.0.1',
  pve1: '192.168.20.2',
  pve2: '192.168.20.3',
  homesvcs: '192.168.21.12',
  websvcs: '192.168.22.11',
} as const;
export type Other = keyof typeof others;

/** The example's `secsvcs` as a guest, with the other machines of the home in a network that it reaches. */
export type Secsvcs = {
  readonly guest: TargetGuest['guest'];
  readonly release: Release;
  /** The files of its part, by path. */
  readonly files: ReadonlyMap<string, string>;
  /** Images that nothing of Debian's is in: what answers for them is no more than a page. */
  readonly standIns: readonly string[];
  activate(at?: ActivateDeps['at']): Promise<Activation>;
  /** What a secret of the example is. */
  secret(name: string): Promise<string>;
  /** What Writ's control plane answers from now on to who asks for metrics. */
  tell(metrics: string): Promise<void>;
  /** Takes a machine off the network, or puts it there. */
  setReached(other: Other, reached: boolean): void;
  /** Runs a program of the guest's as if it were on another machine. */
  runFrom(other: Other, argv: readonly string[], env?: Readonly<Record<string, string>>): string;
  /** What an address of the guest's network answers, as JSON. */
  json<T>(url: string): Promise<T>;
  close(): Promise<void>;
};

/**
 * Builds the example and boots the guest: everything else is done by activation.
 *
 * @param changes files of the example that are otherwise here
 */
export async function startSecsvcs(changes: Readonly<Record<string, string>>): Promise<Secsvcs> {
  const tell = (line: string): void => void process.stderr.write(`${line}\n`);
  const containers = await programImages(tell);
  const authority = await makeAuthority();
  const { release, findings } = await buildExample({ ...changes, ...authority.files });
  assert.ok(release !== undefined, JSON.stringify(findings));
  const files = filesOf(release, target);

  const options = { root: await programRoot(), containers };
  const { guest, netns, close: closeGuest } = await startTargetGuest(target, options);
  const around = `${netns}-home`;
  let machines: ChildProcess | null = null;
  const close = async (): Promise<void> => {
    machines?.stdin?.end();
    execFileSync('sh', ['-c', 'ip netns del "$0" 2>/dev/null || true', around]);
    await closeGuest();
  };
  try {
    joinNetworks(netns, around);
    machines = await startMachines(around, await secretOf('writ_metrics_token'));
    guest.put('/etc/resolv.conf', `nameserver ${gateway}\n`);
    guest.put('/var/lib/writ-target/identity', `${testIdentity(target)}\n`, 0o400);
    // The lab's guests do without it, and keep their own resolver's file.
    await guest.must([
      'rm',
      ...['unbound', 'chrony', 'systemd-journal-upload'].map((unit) => `/etc/systemd/system/${unit}.service`),
    ]);
    await guest.must(['systemctl', 'daemon-reload']);
    const standIns = await nameImages(guest, release);
    const machine = createRemoteMachine(target, {
      maxStdin: 64 * 1024,
      maxStdout: 1024 * 1024,
      async run(argv, { stdin, timeoutMs }) {
        const ran = await guest.run(argv, { stdin, timeoutMs });
        return ok({ code: ran.code, stdout: ran.out, stderr: ran.err });
      },
    });
    const told = createInterface({ input: machines.stdout! })[Symbol.asyncIterator]();
    const child = machines;
    return {
      ...{ guest, release, files, standIns, close, secret: secretOf },
      activate: (at) => activateOver(machine, release, at, authority.keeper.port),
      async tell(metrics) {
        child.stdin!.write(`${JSON.stringify(metrics)}\n`);
        await told.next();
      },
      setReached(other, reached) {
        const change = ['addr', reached ? 'add' : 'del', `${others[other]}/32`, 'dev', 'lo'];
        execFileSync('ip', ['-n', around, ...change]);
      },
      runFrom(other, argv, env = {}) {
        const words = guest.entry();
        const init = words[words.indexOf('-t') + 1]!;
        const given = Object.entries(env).map(([name, value]) => `${name}=${value}`);
        const callAs = (source: string): void => {
          const route = ['route', 'replace', '192.168.21.0/24', 'dev', 'inside', 'src', source];
          execFileSync('ip', ['-n', around, ...route]);
        };
        callAs(others[other]);
        try {
          return execFileSync(
            'nsenter',
            [
              ...['-t', init, '-m', '-r', '-w', `--net=/run/netns/${around}`],
              ...['env', '-i', 'PATH=/usr/lib/postgresql/17/bin:/usr/bin:/bin', ...given, ...argv],
            ],
            { encoding: 'utf8', stdio: 'pipe' },
          );
        } finally {
          callAs(gateway);
        }
      },
      json: async (url) => JSON.parse(await guest.must(['curl', '-sS', '--max-time', '10', url])),
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** A relay's own key and what its owner's root made for it: the example comes without, since nobody has signed there yet. */
async function makeAuthority() {
  const [disk, log] = [createMemoryDisk(), quietLog()];
  const clock = { now: () => Date.now(), synchronised: async () => true };
  const authority = await openAuthority({ disk, clock, log });
  const book = await openLeafBook({ disk, log });
  const keeper = createLeafKeeper({ authority, book, clock, log, hold: () => () => {} });
  const spki = fromBase64(publicKeyOf(new TextDecoder().decode((await disk.read('authority.pem'))!)));
  assert.ok(spki.ok);
  const root = await makeRoot();
  const issuer = await makeIntermediate(root, permit([target, 'postgres', address]), { spki: spki.value });
  return { keeper, files: { 'ca/root.pem': root.pem, 'ca/pve1.pem': issuer.pem } };
}

async function secretOf(name: string): Promise<string> {
  const file = exampleRepo().files.get(`secrets/${target}/${name}.age`);
  assert.ok(file !== undefined, `the example has no secret ${name}`);
  const opened = await decryptAge(file, [{ identity: testIdentity(target) }]);
  assert.ok(opened.ok, name);
  return new TextDecoder().decode(opened.value);
}

/** The guest has its address in the example, and the other machines theirs behind the gateway; nothing leads further. */
function joinNetworks(netns: string, around: string): void {
  const lines = [
    `ip netns add ${around}`,
    `ip -n ${around} link set lo up`,
    `ip -n ${around} link add inside type veth peer name eth0 netns ${netns}`,
    `ip -n ${around} addr add ${gateway}/24 dev inside`,
    `ip -n ${around} link set inside up`,
    `ip -n ${netns} addr add ${address}/24 dev eth0`,
    `ip -n ${netns} link set eth0 up`,
    `ip -n ${netns} route add default via ${gateway}`,
    // On the same segment as the guest, and yet behind the gateway here.
    `ip -n ${netns} route add ${others.homesvcs} via ${gateway}`,
    ...Object.values(others).map((other) => `ip -n ${around} addr add ${other}/32 dev lo`),
  ];
  execFileSync('sh', ['-ec', lines.join('\n')]);
}

async function startMachines(around: string, token: string): Promise<ChildProcess> {
  const held = await makeLeaf(await makeRoot(), ['writ.example.net']);
  const key = toPem(new Uint8Array(held.key.export({ type: 'pkcs8', format: 'der' })), 'PRIVATE KEY');
  const main = join(import.meta.dirname, 'machines-main.ts');
  const child = spawn('ip', ['netns', 'exec', around, process.execPath, main, held.pem, key, token], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const [chunk] = (await once(child.stdout, 'data')) as [Buffer];
  assert.equal(chunk.toString(), 'ready\n');
  return child;
}

/** Gives the lab's images the names that the units want, byte for byte as they are; which have no program in Debian. */
async function nameImages(guest: TargetGuest['guest'], release: Release): Promise<string[]> {
  const files = filesOf(release, target);
  const units = [...files].filter(([path]) => path.endsWith('.container')).map(([, text]) => text);
  const imageOf = (unit: string): string => /^Image=(.*)$/m.exec(unit)![1]!;
  const known = (image: string): string =>
    Object.entries(images).find(([, { of }]) => of.some((name) => image.startsWith(`${name}:`)))?.[0] ??
    'stand-in';
  const others = units.filter((unit) => known(imageOf(unit)) === 'stand-in');
  const part = partOf(release.manifest.parts, target);
  await makeStandIn(guest, part, files.get('/etc/opt/victoriametrics/scrape.yml')!, others);
  for (const name of [...Object.keys(images), 'stand-in']) {
    const names = new Set(units.map(imageOf).filter((image) => known(image) === name));
    if (names.size > 0) await guest.must(['podman', 'tag', `localhost/${name}:1`, ...names]);
  }
  return [...new Set(others.map(imageOf))].sort();
}

/** Looks again and again until an answer fits; throws the last one when that takes too long. */
export async function lookUntil<T>(
  look: () => Promise<T>,
  fits: (seen: T) => boolean,
  withinMs = 60_000,
): Promise<T> {
  const until = performance.now() + withinMs;
  for (;;) {
    const seen = await look();
    if (fits(seen)) return seen;
    if (performance.now() > until)
      throw new Error(`not so within ${withinMs} ms: ${JSON.stringify(seen, null, 1)}`);
    await pause(250);
  }
}
