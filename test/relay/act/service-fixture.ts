import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { openActState, seedActState } from '../../../relay/act/act-state.ts';
import { type ActService, createActService, type TargetWork } from '../../../relay/act/service.ts';
import { type ActClient, type ActHeard, createActClient } from '../../../relay/drivers/act-client.ts';
import type { ActOutcome } from '../../../relay/drivers/act-messages.ts';
import { createFrameLink } from '../../../relay/drivers/frame-link.ts';
import type { WatchPath } from '../../../relay/drivers/watch-path.ts';
import type { LogEntry } from '../../../relay/log.ts';
import type { Machine } from '../../../relay/machine/machine.ts';
import { digestBytes, toBytes } from '../../../schema/jose/digest.ts';
import { ok, type Result, refuse } from '../../../schema/result.ts';
import { makeTestHome, type TestHome, type TestRelease } from '../../support/relay-home.ts';
import { createMemoryDisk, type MemoryDisk, quietLog, reached } from '../agent/fixture.ts';

export const nowMs = Date.UTC(2026, 10, 28);
export const paths = ['/etc/opt/**', '/etc/containers/systemd/**', '/etc/systemd/system/**'];
export const partBytes = toBytes('a part');
export const result = { already: false, files: 1, started: 1, restarted: 0, reloaded: 0, stopped: 0 };
export const succeeded: ActOutcome = { state: 'succeeded', result };

/** A helper behind a real socket, whose work on targets is a test's. */
export type Desk = {
  readonly home: TestHome;
  readonly disk: MemoryDisk;
  readonly client: ActClient;
  readonly path: string;
  readonly service: ActService;
  readonly log: LogEntry[];
  /** What was done, and on which target. */
  readonly deeds: string[];
  readonly stop: AbortController;
  now: number;
  synchronised: boolean;
  /** An order of one part, whose bytes are `partBytes`. */
  order(options?: Parameters<TestHome['release']>[1] & { target?: string }): Promise<TestRelease>;
  apply(
    release: TestRelease,
    more?: {
      part?: number;
      signal?: AbortSignal;
      blob?: BlobOf;
      progress?: (phase: string) => void;
      watchPath?: WatchPath;
    },
  ): Promise<string>;
  /** The same disk, after a crash. */
  again(): Promise<Desk>;
};

type BlobOf = (digest: string) => Promise<Result<Uint8Array, string>>;

/** An outcome or refusal in a word. */
export const wordOf = (said: ActHeard<ActOutcome>): string => {
  if (!said.ok) return 'code' in said ? said.code : said.reason;
  return said.value.state === 'succeeded' ? 'succeeded' : said.value.code;
};

/** What came of an order, in a word. */
export const settle = async (desk: Desk, target: string, digest: string): Promise<string> =>
  wordOf(await desk.client.settle(target, digest, new AbortController().signal));

export async function startDesk(
  t: TestContext,
  given: Partial<TargetWork> & { machineOf?: (target: string) => Promise<Result<Machine, string>> } = {},
  before?: { home: TestHome; disk: MemoryDisk; deeds: string[] },
): Promise<Desk> {
  const releases = [{ action: 'release.apply', on: ['pve2', 'files', 'websvcs'], paths }];
  const home =
    before?.home ?? (await makeTestHome({ origins: [{ url: 'https://writ.example.net' }], releases }));
  const disk = before?.disk ?? createMemoryDisk();
  if (before === undefined)
    await seedActState(disk, { relay: 'pve2', trust: home.trust(), now: nowMs - 1_000 });
  const state = await openActState(disk);
  if (!state.ok) throw new Error(state.reason);
  const deeds = before?.deeds ?? [];
  const log: LogEntry[] = [];
  const stop = new AbortController();
  const digest = await digestBytes(partBytes);

  const work: TargetWork = {
    async prepare({ target, part, blob, progress, watchPath, signal }) {
      const bytes = await blob(part);
      if (!bytes.ok) return bytes;
      return ok(async () => {
        const confirmed = await watchPath(signal);
        deeds.push(`apply ${target}`);
        progress('staged');
        progress('activated');
        const held = await confirmed();
        if (held.ok) return succeeded;
        const why = held.detail === undefined ? {} : { detail: held.detail };
        return { state: 'failed', code: held.reason, back: true, ...why };
      });
    },
    async settle(machine) {
      deeds.push(`settle ${machine.name}`);
      return ok({ state: 'failed', code: 'interrupted', back: true });
    },
    look: async () =>
      ok({
        report: { part: null, seen: 'ok' as const, seen_at: desk.now, drifted: 0, drift: [] },
        identity: null,
      }),
    ...given,
  };
  const service = createActService({
    state: state.value,
    work,
    machineOf:
      given.machineOf ??
      (async (target) =>
        target === 'websvcs' ? refuse('target_not_ours') : ok({ name: target } as Machine)),
    clock: { now: () => desk.now, synchronised: async () => desk.synchronised },
    log: quietLog(log),
    stop: stop.signal,
  });
  const folder = mkdtempSync(join(tmpdir(), 'writ-act-'));
  const path = join(folder, 's');
  const server = createServer((socket) => void service.serve(createFrameLink(socket)));
  server.listen(path);
  await once(server, 'listening');
  t.after(() => {
    stop.abort();
    server.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const client = createActClient({ path, trustAfter: async (version) => home.versions.slice(version) });
  const desk: Desk = {
    home,
    disk,
    client,
    path,
    service,
    log,
    deeds,
    stop,
    now: nowMs,
    synchronised: true,
    order: ({ target = 'pve2', ...options } = {}) =>
      home.release([{ target, digest }], { issuedAt: nowMs, ...options }),
    async apply(
      release,
      { part = 0, signal = new AbortController().signal, blob, progress, watchPath = reached } = {},
    ) {
      return wordOf(
        await client.apply(
          { bytes: release.bytes, authorisation: release.authorisation, part },
          { blob: blob ?? (async () => ok(partBytes)), progress: progress ?? (() => {}), watchPath, signal },
        ),
      );
    },
    again: () => startDesk(t, given, { home, disk: disk.clone(), deeds }),
  };
  return desk;
}
