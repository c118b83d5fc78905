import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findProgram } from './own-program.ts';
import { freePort } from './traefik-program.ts';

export const headscaleProgram = findProgram('headscale');

/** Who has a device: machines by their tag, people by their name. */
export type Device = { readonly name: string } & ({ readonly tag: string } | { readonly person: string });

export type Headscale = {
  readonly version: string;
  /** Puts a device on the tailnet, without that there is one. */
  join(device: Device): void;
  /** What it says of a policy, its tests run against who is there; null where it takes it. */
  refusal(policy: string): string | null;
};

/**
 * Starts Headscale on loopback with a policy and records, and with users for all people; it ends with the test. The nodes
 * are made by its own `debug create-node`.
 */
export async function startHeadscale(
  t: { after(work: () => void): void },
  given: { readonly policy: string; readonly records: string; readonly people: readonly string[] },
): Promise<Headscale> {
  const folder = mkdtempSync(join(tmpdir(), 'writ-headscale-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const at = (name: string): string => join(folder, name);
  mkdirSync(at('data'));
  writeFileSync(at('policy.json'), given.policy);
  writeFileSync(at('records.json'), given.records);
  writeFileSync(
    at('derp.yaml'),
    'regions: { 900: { regionid: 900, regioncode: t, regionname: t, nodes: [{ name: t, regionid: 900, hostname: derp.invalid }] } }\n',
  );
  const [http, metrics, grpc] = [await freePort(), await freePort(), await freePort()];
  const config = {
    server_url: `http://127.0.0.1:${http}`,
    listen_addr: `127.0.0.1:${http}`,
    metrics_listen_addr: `127.0.0.1:${metrics}`,
    grpc_listen_addr: `127.0.0.1:${grpc}`,
    noise: { private_key_path: at('data/noise.key') },
    prefixes: { v4: '100.64.0.0/10', allocation: 'sequential' },
    derp: { server: { enabled: false }, urls: [], paths: [at('derp.yaml')], auto_update_enabled: false },
    disable_check_updates: true,
    database: { type: 'sqlite', sqlite: { path: at('data/db.sqlite') } },
    policy: { mode: 'file', path: at('policy.json') },
    dns: {
      magic_dns: true,
      base_domain: 'tail.invalid',
      override_local_dns: false,
      nameservers: { global: [] },
      extra_records_path: at('records.json'),
    },
    unix_socket: at('headscale.sock'),
    unix_socket_permission: '0700',
    log: { level: 'info' },
  };
  writeFileSync(at('config.yaml'), JSON.stringify(config));
  const env = { PATH: process.env.PATH, HOME: folder };
  const ask = (...words: string[]): { readonly status: number | null; readonly said: string } => {
    const argv = ['-c', at('config.yaml'), ...words];
    const done = spawnSync(headscaleProgram!, argv, { encoding: 'utf8', env });
    return { status: done.status, said: `${done.stdout}${done.stderr}`.trim() };
  };
  const mustAsk = (...words: string[]): string => {
    const { status, said } = ask(...words);
    if (status !== 0) throw new Error(`headscale ${words.join(' ')}: ${said}`);
    return said;
  };

  const child = spawn(headscaleProgram!, ['-c', at('config.yaml'), 'serve'], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.after(() => void child.kill('SIGKILL'));
  let log = '';
  await new Promise<void>((resolve, reject) => {
    const limit = setTimeout(() => reject(new Error(`headscale does not start: ${log}`)), 60_000);
    const look = (chunk: unknown): void => {
      log += String(chunk);
      if (!/listening and serving HTTP on/.test(log)) return;
      clearTimeout(limit);
      resolve();
    };
    child.stdout.on('data', look);
    child.stderr.on('data', look);
    child.once('exit', () => reject(new Error(`headscale ended: ${log}`)));
  });

  for (const name of given.people) mustAsk('users', 'create', name);
  if (given.people.length === 0) throw new Error('a device needs somebody whose it is at first');
  let count = 0;
  return {
    version: mustAsk('version'),
    join: (device) => {
      count += 1;
      const person = 'person' in device ? device.person : given.people[0]!;
      const key = `hskey-authreq-${String(count).padStart(24, 'a')}`;
      mustAsk('debug', 'create-node', '--name', device.name, '--user', person, '--key', key);
      mustAsk('auth', 'register', '--user', person, '--auth-id', key);
      if ('tag' in device) mustAsk('nodes', 'tag', '--identifier', String(count), '--tags', device.tag);
    },
    refusal: (policy) => {
      writeFileSync(at('asked.json'), policy);
      const { status, said } = ask('policy', 'check', '--file', at('asked.json'));
      return status === 0 ? null : said;
    },
  };
}
