import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { build } from 'esbuild';
import { bundleOptions, requireShim } from '../../../debian/bundle.ts';
import type { ActOutcome } from '../../../relay/drivers/act-messages.ts';
import { digestBytes, toBytes } from '../../../schema/jose/digest.ts';
import { parsePayload } from '../../../schema/jose/jws.ts';
import { programVersion } from '../../../schema/version.ts';
import { canonicalJson } from '../../../schema/wire/canonical.ts';
import { formatEnrolmentCode } from '../../../schema/wire/enrolment.ts';
import type { Receipt } from '../../../schema/wire/receipt.ts';
import { enrolmentStatementSchema } from '../../../schema/wire/relay-api.ts';
import type { Release } from '../../../schema/wire/release.ts';
import { type FakeApi, startFakeApi } from '../fake-api.ts';
import {
  makeTestHome,
  type ReleaseOptions,
  type TestHome,
  type TestRelease,
  testHouse,
} from '../relay-home.ts';
import type { Asked } from './act-ask-main.ts';
import type { Guest } from './guest.ts';
import { openPlaces } from './places.ts';
import { startTargetGuest } from './target-guest.ts';

const root = join(import.meta.dirname, '../../..');

/** What `act-ask-main.ts` heard. */
export type Heard = {
  readonly heard:
    | { readonly ok: true; readonly value: ActOutcome }
    | { readonly ok: false; readonly reason: string; readonly code?: string };
  readonly phases: readonly string[];
};

/** A host with the package as it is installed: the relay enrolled and admitted, its helper as root at its socket. */
export type ActHost = {
  readonly guest: Guest;
  readonly home: TestHome;
  readonly api: FakeApi;
  /** An order of a release's part for the host, with all its bytes at the control plane. */
  order(release: Release, options?: ReleaseOptions): Promise<TestRelease>;
  /** Has the relay follow an order; its final receipt. */
  deploy(order: TestRelease): Promise<Receipt>;
  /** Asks the helper itself, as a user of the host. Null when the program was killed on the way. */
  ask(user: string, asked: Asked, stopAt?: string): Promise<Heard | null>;
  /** What an order is asked with, with all bytes at hand. */
  asking(order: TestRelease): Asked;
  close(): Promise<void>;
};

/** The word for what was heard. */
export function wordOf(heard: Heard | null): string {
  if (heard === null) return 'killed';
  if (!heard.heard.ok) return heard.heard.code ?? heard.heard.reason;
  const { value } = heard.heard;
  return value.state === 'succeeded' ? 'succeeded' : value.code;
}

/** What a test says of its host. */
export type ActHostOptions = {
  /** What releases may touch. */
  readonly paths: readonly string[];
  /** `pve2` unless said otherwise. */
  readonly name?: string;
  /** How it reaches the API, as its trust document says; by default at the API's own address. */
  readonly origin?: string;
  /** `ADDRESS:PORT` of the host at which the API is in truth; by default its own. */
  readonly apiAt?: string;
  /** Makes ready what is needed before the relay is installed. `netns` is the name of the host's network namespace. */
  prepare?(guest: Guest, netns: string): Promise<void>;
};

export async function startActHost(options: ActHostOptions): Promise<ActHost> {
  const { paths, name = 'pve2' } = options;
  execFileSync('npm', ['run', '-s', 'build:deb'], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
  let home: TestHome | null = null;
  const api = await startFakeApi({ home: () => home! });
  const origin = options.origin ?? api.url;
  const hosts = { [name]: { title: name, proxmox: false, sleeps: false }, ...testHouse.hosts };
  home = await makeTestHome({
    origins: [{ url: origin, spki: api.spki }],
    house: { ...testHouse, hosts },
    relays: [...new Set(['pve1', 'pve2', name])],
    releases: [{ action: 'release.apply', on: [name], paths: [...paths] }],
  });
  const target = await startTargetGuest(name);
  const { guest } = target;
  const places = openPlaces({ netns: () => target.netns, remove() {} });
  const close = async (): Promise<void> => {
    await places.close();
    await target.close();
    await api.close();
  };
  try {
    await options.prepare?.(guest, target.netns);
    const { port } = new URL(api.url);
    await places.open(name, {
      [options.apiAt ?? `127.0.0.1:${port}`]: (socket) => {
        const far = connect(Number(port), '127.0.0.1');
        far.on('error', () => socket.destroy());
        socket.on('close', () => far.destroy());
        socket.pipe(far).pipe(socket);
      },
    });
    await install(guest);
    await enrol({ guest, home, api, name, origin });
  } catch (error) {
    await close();
    throw error;
  }
  const made = home;
  let asks = 0;
  return {
    guest,
    home: made,
    api,
    async order(release, options = {}) {
      const part = release.manifest.parts.find((one) => one.target === name);
      assert.ok(part !== undefined, 'the release has no part for the host');
      const bytes = toBytes(canonicalJson(part));
      const digest = await digestBytes(bytes);
      api.blobs.set(digest, bytes);
      for (const [one, blob] of release.blobs) api.blobs.set(one, blob);
      return made.release([{ relay: name, target: name, digest }], options);
    },
    async deploy(order) {
      api.offer({ relay: name, intent: order });
      return api.outcome(order);
    },
    asking: (order) => ({
      ask: 'apply',
      target: name,
      order: Buffer.from(order.bytes).toString('base64'),
      authorisation: order.authorisation,
      part: 0,
      blobs: Object.fromEntries(
        [...api.blobs].map(([digest, bytes]) => [digest, Buffer.from(bytes).toString('base64')]),
      ),
    }),
    async ask(user, asked, stopAt) {
      asks += 1;
      const file = `/opt/ask-${asks}.json`;
      guest.put(file, JSON.stringify(asked));
      const words = ['node', '/opt/act-ask.mjs', file, ...(stopAt === undefined ? [] : [stopAt])];
      const ran = await guest.run(['runuser', '-u', user, '--', ...words], { timeoutMs: 180_000 });
      if (ran.code === 137 || ran.code === -1) return null;
      if (ran.code !== 0) throw new Error(`${ran.out}${ran.err}`);
      return JSON.parse(ran.out) as Heard;
    },
    close,
  };
}

async function install(guest: Guest): Promise<void> {
  const file = `writ-relay_${programVersion}_all.deb`;
  guest.put(`/root/${file}`, readFileSync(join(root, 'dist', file)));
  await guest.must(['apt-get', 'install', '-y', `/root/${file}`]);
  guest.put('/opt/act-ask.mjs', await bundleForGuest('act-ask-main.ts'));
}

/** A program of this folder for a guest's own Node. */
export async function bundleForGuest(file: string): Promise<string> {
  const made = await build({
    ...bundleOptions,
    entryPoints: [join(import.meta.dirname, file)],
    banner: { js: requireShim },
    write: false,
  });
  return made.outputFiles[0]!.text;
}

/** Enrols by the line that a person types, and admits the key that comes. */
async function enrol(given: {
  readonly guest: Guest;
  readonly home: TestHome;
  readonly api: FakeApi;
  readonly name: string;
  readonly origin: string;
}): Promise<void> {
  const { guest, home, api, name, origin } = given;
  const code = formatEnrolmentCode({
    origin,
    spki: api.spki,
    home: home.id,
    relay: name,
    trust: home.trust().digest,
    code: 'enr_00000000000000000000000000',
    secret: `${'S'.repeat(42)}A`,
    expires: Date.now() + 600_000,
  });
  await guest.must(['writ-relay', 'setup', code]);
  const [enrolment] = api.enrolments;
  const statement = parsePayload(
    Buffer.from(enrolment!.statement, 'base64url'),
    enrolmentStatementSchema,
    64 * 1024,
  );
  assert.ok(statement.ok);
  await home.amend((document) => ({
    ...document,
    identities: { ...document.identities, [name]: { kind: 'relay', jwk: statement.value.jwk } },
  }));
  await api.until('a report of the admitted relay', () => api.reports.length > 0);
}
