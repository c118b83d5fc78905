import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, statSync } from 'node:fs';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { bundleCli, bundleRelay } from '../../debian/bundle.ts';
import { systemClock } from '../../relay/agent/clock.ts';
import { callersOf } from '../support/claimed-server.ts';
import { makeRelayState } from '../support/relay.ts';
import { type Figure, figure, quantile, unmeasured } from './figure.ts';
import { rssBytes } from './parked.ts';

const root = join(import.meta.dirname, '../..');
const mega = 1e6;
/** Until what a start leaves behind is collected, and a poll has been held and answered. */
const settleMs = 60_000;
const looks = 5;
const lookEveryMs = 2_000;
const startMs = 30_000;

/** The Node of Debian 13 and Proxmox VE 9, and the current one; the limit that a relay has on each, in MB. */
const runtimes = [
  { major: 20, limit: 52 },
  { major: 24, limit: 62 },
] as const;

/** What the programs weigh, on disk and in memory, as they are packaged. */
export async function footprint(folder: string): Promise<Figure[]> {
  const relayFile = await bundleRelay();
  const cli = join(await bundleCli(null), 'writ.mjs');
  const figures = [
    figure('relay_bundle', statSync(relayFile).size / 1024, { atMost: 400 }, 'KiB'),
    figure('worker_bundle', (await workerGzip(folder)) / 1000, { atMost: 120 }, 'KB', 'gzip'),
  ];
  for (const { major, limit } of runtimes) {
    const node = nodeOf(major);
    const name = `relay_idle_rss_node_${major}`;
    if (node === null) {
      figures.push(unmeasured(name, 'MB', `no Node ${major} on this machine`));
      continue;
    }
    const measured = await idle(folder, node, relayFile, cli);
    figures.push(figure(name, measured.relay / mega, { atMost: limit }, 'MB', 'admitted, polling'));
    figures.push(
      figure(
        `control_plane_idle_rss_node_${major}`,
        measured.server / mega,
        { atMost: 110 },
        'MB',
        'one relay polls',
      ),
    );
  }
  return figures;
}

async function workerGzip(folder: string): Promise<number> {
  const out = await mkdtemp(join(folder, 'worker-'));
  execFileSync(
    process.execPath,
    [join(root, 'node_modules/wrangler/bin/wrangler.js'), 'deploy', '--dry-run', '--outdir', out],
    {
      cwd: root,
      stdio: ['ignore', 'ignore', 'inherit'],
      env: {
        PATH: `${dirname(process.execPath)}:${process.env.PATH}`,
        HOME: out,
        WRANGLER_SEND_METRICS: 'false',
        CI: 'true',
      },
    },
  );
  return gzipSync(readFileSync(join(out, 'worker.js')), { level: 9 }).length;
}

/** A Node of this major version, if there is one. */
function nodeOf(major: number): string | null {
  for (const node of [process.execPath, '/usr/bin/node', '/usr/local/bin/node']) {
    const { stdout } = spawnSync(node, ['--version'], { encoding: 'utf8' });
    if (stdout?.startsWith(`v${major}.`)) return node;
  }
  return null;
}

async function idle(folder: string, node: string, relayFile: string, cli: string) {
  const data = await mkdtemp(join(folder, 'idle-'));
  const codeFile = join(data, 'setup-code');
  const serve = ['serve', '--trial', '--data', join(data, 'api'), '--listen', '127.0.0.1:0'];
  const server = start(node, [cli, ...serve, '--setup-code-file', codeFile]);
  let relay: Program | null = null;
  try {
    const origin = /https:\/\/\S+/.exec(await server.said(/Listening on/))![0];
    const setupCode = readFileSync(codeFile, 'utf8').trim();
    const callers = await callersOf(() => origin, setupCode);
    const claimed = await callers.claim();
    if (claimed.status !== 200) throw new Error(`not claimed: ${claimed.text}`);
    const stateDir = join(data, 'relay');
    await makeRelayState(callers.home, 'pve1', { dir: stateDir, clock: systemClock() });
    await writeFile(codeFile, '');
    relay = start(node, [...unitFlags(), relayFile, 'run', '--json', '--state', stateDir]);
    await relay.said(/"connected"/);
    await pause(settleMs);
    const seen = { relay: [] as number[], server: [] as number[] };
    for (let look = 0; look < looks; look += 1) {
      seen.relay.push(rssBytes(relay.child.pid!));
      seen.server.push(rssBytes(server.child.pid!));
      await pause(lookEveryMs);
    }
    return { relay: quantile(seen.relay, 0.5), server: quantile(seen.server, 0.5) };
  } finally {
    await relay?.stop();
    await server.stop();
  }
}

/** The flags that the packaged unit gives Node. */
function unitFlags(): string[] {
  const unit = readFileSync(join(root, 'debian/writ-relay/writ-relay.service'), 'utf8');
  const words = /^ExecStart=(.*)$/m.exec(unit)![1]!.split(' ');
  return words.slice(1, words.indexOf('run') - 1);
}

type Program = {
  readonly child: ChildProcess;
  /** The first line that matches. */
  said(pattern: RegExp): Promise<string>;
  stop(): Promise<void>;
};

function start(node: string, args: readonly string[]): Program {
  const child = spawn(node, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  const lines = createInterface({ input: child.stdout });
  return {
    child,
    async said(pattern) {
      const late = AbortSignal.timeout(startMs);
      for (;;) {
        const [line] = (await once(lines, 'line', { signal: late })) as [string];
        if (pattern.test(line)) return line;
      }
    },
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      child.kill('SIGTERM');
      await gone;
    },
  };
}
