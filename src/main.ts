import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { formatSetupCode } from '../schema/api/access.ts';
import { encodeBase64url } from '../schema/jose/base64url.ts';
import type { SigningKey } from '../schema/jose/keys.ts';
import { ok, type Result, refuse } from '../schema/result.ts';
import type { Origin } from '../schema/trust/document.ts';
import { programVersion } from '../schema/version.ts';
import { githubKeys } from './auth/github-keys.ts';
import { createControl } from './control/create-control.ts';
import { createApp } from './http/app.ts';
import type { HttpLimits } from './http/deps.ts';
import { documentsOf } from './http/documents.ts';
import { createLog, formatJsonLine, type Log, type LogEntry } from './http/log.ts';
import { pinOf } from './node/certificate.ts';
import { loadControllerKey } from './node/controller-key.ts';
import { type Listener, type ListenerLimits, listen } from './node/listener.ts';
import { createNamedCertificate } from './node/named-certificate.ts';
import { makePrivateFolder } from './node/private-files.ts';
import { relayPackageOf } from './node/relay-package.ts';
import { forgetRestored, isRestored } from './node/restore.ts';
import { createTailnetPeers, type TailnetPeers } from './node/tailnet-peers.ts';
import { type CertificateFiles, loadOwnCertificate, readCertificate } from './node/tls-files.ts';
import { watchCertificate } from './node/watch-certificate.ts';
import { memoryDoorbell } from './store/doorbell.ts';
import { openEmbedded } from './store/embedded-node.ts';
import { migrateToNewest } from './store/newest.ts';
import { isStoreError, systemTimers } from './store/port.ts';
import { createStore } from './store/store.ts';

/** How long open requests may take to be answered once the server closes. */
const closeGraceMs = 5_000;

export type ServeOptions = {
  /** Where database, keys and certificate are; made with mode 0700 when absent. */
  readonly dataDir: string;
  /** Each address to listen on; port 0 takes a free one. */
  readonly listen: readonly { readonly host: string; readonly port: number }[];
  /** The origin that a setup code names; without, the first that is listened on. */
  readonly origin?: string;
  /**
   * A certificate that authorities vouch for, read anew when its files change: shown to who asks for a name in it.
   * All others are shown the instance's own, which relays and the CLI pin.
   */
  readonly certificate?: CertificateFiles;
  /** The Debian package of the relay, which hosts fetch from here. */
  readonly relayPackage?: string;
  /** Gets each line of the log; without, JSON lines go to standard error. */
  readonly write?: (entry: LogEntry) => void;
  /** Names peers of the tailnet for the log; without, tailscaled on this machine does, where there is one. */
  readonly peers?: TailnetPeers;
  /** Called once with the setup code, while no owner has claimed this instance or moved a home to it. */
  readonly onSetupCode?: (code: string) => void;
  readonly now?: () => number;
  readonly limits?: { readonly http?: Partial<HttpLimits>; readonly listener?: Partial<ListenerLimits> };
};

export type Server = {
  /** `https://host:port` of each address, in the order of `listen`. */
  readonly origins: readonly string[];
  /** What the setup code pins, `sha256:<hex>` of its own key; null where authorities vouch for its origin's name. */
  readonly spki: string | null;
  /** While no owner has claimed this instance, or moved the home here of whose backup it was made. */
  readonly setupCode: string | null;
  /** Whether it was made of a backup, and trust does not name its key yet. */
  readonly restored: boolean;
  /** Answers what is parked, ends streams, and releases the database. */
  close(): Promise<void>;
};

export type ServeRefusal =
  | 'data_dir_unusable'
  | 'data_dir_in_use'
  | 'controller_key_missing'
  | 'controller_key_malformed'
  | 'controller_key_wrong'
  | 'certificate_unusable'
  | 'address_unusable';

/** Starts the control plane in this process. Refuses, with nothing left open, where going on would be wrong. */
export async function serve(options: ServeOptions): Promise<Result<Server, ServeRefusal>> {
  const { dataDir } = options;
  const now = options.now ?? Date.now;
  const log = createLog({
    now,
    write: options.write ?? ((entry) => process.stderr.write(`${formatJsonLine(entry)}\n`)),
  });
  const opened: (() => Promise<void> | void)[] = [];
  const release = async (): Promise<void> => {
    for (const close of opened.splice(0).reverse()) await close();
  };
  const give = async <R extends ServeRefusal>(refusal: { ok: false; reason: R; detail?: string }) => {
    await release();
    return refuse(refusal.reason, refusal.detail);
  };

  const database = await openDatabase(dataDir);
  if (!database.ok) return give(database);
  opened.push(() => database.value.close());
  const store = createStore(database.value);
  const claimed = (await store.trust.newest()) > 0;
  const fromBackup = claimed && (await isRestored(dataDir));
  const key = await loadControllerKey(dataDir, claimed && !fromBackup);
  if (!key.ok) return give(key);
  const hosts = options.listen.map(({ host }) => host);
  const own = await loadOwnCertificate(dataDir, hosts, new Date(now()));
  if (!own.ok) return give(own);
  const ownPin = pinOf(own.value.certificatePem);
  const given = options.certificate === undefined ? null : await readCertificate(options.certificate);
  if (given?.ok === false) return give(given);

  const setupSecret = claimed ? null : encodeBase64url(randomBytes(32));
  const control = createControl({
    store,
    doorbell: memoryDoorbell(),
    clock: { now },
    random: (bytes) => new Uint8Array(randomBytes(bytes)),
    key: key.value,
    setupSecret,
    github: githubKeys({ uptimeMs: () => performance.now(), warn: log.warn }),
    log: (level, event, fields) => log[level](event, fields),
  });
  const trust = await control.trust.current();
  const isOurs = trust !== null && trust.identities.get(key.value.kid)?.name === 'controller';
  if (trust !== null && !isOurs && !fromBackup) {
    return give(refuse('controller_key_wrong', 'the trust document in force names another controller key'));
  }
  const restored = fromBackup && !isOurs;
  if (fromBackup && isOurs) await forgetRestored(dataDir);

  const named =
    given === null
      ? null
      : createNamedCertificate(given.value, async (name) =>
          pinsName((await control.trust.current())?.document.origins ?? [], ownPin, name),
        );

  const closing = new AbortController();
  const app = createApp({
    control,
    now,
    timers: systemTimers,
    log,
    limits: options.limits?.http ?? {},
    newFaultId: () => `fault_${encodeBase64url(randomBytes(6))}`,
    closing: closing.signal,
    documents: documentsOf(programVersion),
    ...(options.relayPackage !== undefined && { relayPackage: relayPackageOf(options.relayPackage) }),
  });
  const peers = options.peers ?? createTailnetPeers({ monotonicMs: () => performance.now() });
  opened.push(peers.close);
  const listeners: Listener[] = [];
  for (const { host, port } of options.listen) {
    try {
      const listener = await listen({
        host,
        port,
        certificate: own.value,
        ...(named && { named }),
        peers,
        handle: (request, surroundings) => app.fetch(request, surroundings),
        ...(options.limits?.listener && { limits: options.limits.listener }),
      });
      listeners.push(listener);
      opened.push(() => listener.close(closeGraceMs));
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
      return give(refuse('address_unusable', `${host}:${port} cannot be listened on: ${code}`));
    }
  }
  if (options.certificate !== undefined && named !== null) {
    opened.push(watchCertificate(options.certificate, log, named.renew));
  }
  const upkeep = control.upkeep.run(closing.signal);

  const origins = listeners.map(({ address }) => originOf(address));
  const origin = options.origin ?? origins[0] ?? '';
  const spki = named?.covers(new URL(origin).hostname) === true ? null : ownPin;
  // Who moves a home to what was made of its backup proves that by the roots: the secret is of no use there.
  const codeSecret = setupSecret ?? (restored ? encodeBase64url(randomBytes(32)) : null);
  const setupCode =
    codeSecret === null ? null : codeFor({ origin, spki, key: key.value, secret: codeSecret });
  if (setupCode !== null) options.onSetupCode?.(setupCode);
  log.info('serving', { version: programVersion, claimed, restored, addresses: origins.join(' ') });

  let closed: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    closing.abort();
    await Promise.all(listeners.map((listener) => listener.close(closeGraceMs)));
    await upkeep;
    await release();
    log.info('closed');
  };
  return ok({
    origins,
    spki,
    setupCode,
    restored,
    close: () => {
      closed ??= close();
      return closed;
    },
  });
}

/** Opens and migrates the database of a data directory. */
async function openDatabase(
  dataDir: string,
): Promise<Result<Awaited<ReturnType<typeof openEmbedded>>, 'data_dir_unusable' | 'data_dir_in_use'>> {
  try {
    await makePrivateFolder(dataDir);
    const database = await openEmbedded({ path: join(dataDir, 'writ.db') });
    try {
      await migrateToNewest(database);
      return ok(database);
    } catch (error) {
      await database.close();
      throw error;
    }
  } catch (error) {
    if (isStoreError(error, 'in_use')) return refuse('data_dir_in_use', `another process serves ${dataDir}`);
    const detail = error instanceof Error ? error.message : String(error);
    return refuse('data_dir_unusable', `${dataDir} cannot be used: ${detail}`);
  }
}

/** An origin to be typed: an address that stands for all of them is reached here by loopback. */
function originOf({ host, port }: { host: string; port: number }): string {
  const named = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `https://${named.includes(':') ? `[${named}]` : named}:${port}`;
}

const codeFor = (parts: { origin: string; spki: string | null; key: SigningKey; secret: string }): string =>
  formatSetupCode({
    origin: parts.origin,
    spki: parts.spki,
    controller: parts.key.jwk,
    secret: parts.secret,
  });

/** Whether trust has relays know the control plane by its own key under a name. */
const pinsName = (origins: readonly Origin[], pin: string, name: string): boolean =>
  origins.some(({ url, spki }) => spki === pin && new URL(url).hostname === name);

export type { Log, LogEntry };
