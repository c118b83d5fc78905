import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, truncate, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { systemClock } from '../../relay/agent/clock.ts';
import { main } from '../../relay/main.ts';
import { type FakeApi, startFakeApi } from '../support/fake-api.ts';
import { makeRelayState, testToken } from '../support/relay.ts';
import { makeTestHome, type TestHome } from '../support/relay-home.ts';

const entry = join(import.meta.dirname, '../../relay/main.ts');

type Program = {
  readonly ended: Promise<{ code: number | null; out: string; err: string }>;
  /** Resolves with the first line of standard output that holds the text. */
  line(text: string): Promise<string>;
  kill(signal: NodeJS.Signals): void;
};

const programs: Program[] = [];

function run(argv: readonly string[], env: Readonly<Record<string, string>> = {}): Program {
  const child = spawn(process.execPath, [entry, ...argv], { env: { ...process.env, ...env } });
  let out = '';
  let err = '';
  const waiting: { text: string; resolve: (line: string) => void }[] = [];
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
    for (const line of out.split('\n')) {
      for (const { text, resolve } of waiting) if (line.includes(text)) resolve(line);
    }
  });
  child.stderr.on('data', (chunk: Buffer) => {
    err += chunk.toString();
  });
  const ended = new Promise<{ code: number | null; out: string; err: string }>((resolve) =>
    child.on('close', (code) => resolve({ code, out, err })),
  );
  const program: Program = {
    ended,
    line: (text) =>
      new Promise((resolve, reject) => {
        const found = out.split('\n').find((line) => line.includes(text));
        if (found !== undefined) return resolve(found);
        waiting.push({ text, resolve });
        void ended.then(() => reject(new Error(`ended without ${text}: ${out}${err}`)));
      }),
    kill: (signal) => child.kill(signal),
  };
  programs.push(program);
  return program;
}

/** A command that ends by itself, in this process. */
async function call(argv: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  const out: string[] = [];
  const err: string[] = [];
  const code = await main(
    argv,
    { out: (line) => out.push(line), err: (line) => err.push(line), readInput: async () => '' },
    { stop: new AbortController().signal, env: {} },
  );
  return { code, out: out.join('\n'), err: err.join('\n') };
}

let home: TestHome;
let api: FakeApi;
let dir: string;

beforeEach(async () => {
  api = await startFakeApi({ home: () => home });
  home = await makeTestHome({ origins: [{ url: api.url, spki: api.spki }] });
  dir = await mkdtemp(join(tmpdir(), 'writ-main-test-'));
});
afterEach(async () => {
  for (const program of programs.splice(0)) {
    program.kill('SIGKILL');
    await program.ended;
  }
  await api.close();
  await rm(dir, { recursive: true, force: true });
});

const makeState = () => makeRelayState(home, 'pve2', { dir, clock: systemClock() });

describe('writ-relay run', () => {
  it('prints a line an event, and ends cleanly at SIGTERM', async () => {
    await makeState();
    const relay = run(['run', '--state', dir]);
    await relay.line('started');
    await relay.line('connected');
    relay.kill('SIGTERM');
    const { code, out, err } = await relay.ended;
    assert.equal(code, 0, err);
    assert.equal(err, '');
    assert.match(out, /^started relay=pve2 home=h_\w+ version=/m);
    assert.match(out, /^stopped relay=pve2$/m);
  });

  it('prints JSON lines with --json, none of them with a secret', async () => {
    await makeState();
    const relay = run(['run', '--state', dir, '--json']);
    await relay.line('"event":"connected"');
    relay.kill('SIGINT');
    const { code, out } = await relay.ended;
    assert.equal(code, 0);
    const events = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { event: string; time: string });
    assert.equal(events[0]?.event, 'started');
    assert.equal(events.at(-1)?.event, 'stopped');
    assert.ok(events.every(({ time }) => !Number.isNaN(Date.parse(time))));
    assert.ok(!out.includes(home.relays.pve2!.secret.d));
  });

  it('threat 2: refuses to start, and polls nobody, unless every part of its state is right', async () => {
    const damage: readonly (readonly [string, () => Promise<unknown>])[] = [
      [
        'not_enrolled',
        () =>
          Promise.all(
            ['key.json', 'journal', 'trust.json', 'config.json'].map((name) => unlink(join(dir, name))),
          ),
      ],
      ['key_missing', () => unlink(join(dir, 'key.json'))],
      ['key_exposed', () => chmod(join(dir, 'key.json'), 0o644)],
      ['key_malformed', () => writeFile(join(dir, 'key.json'), '{}')],
      ['journal_missing', () => unlink(join(dir, 'journal'))],
      ['journal_malformed', () => truncate(join(dir, 'journal'), 40)],
      ['trust_missing', () => unlink(join(dir, 'trust.json'))],
      ['trust_malformed', () => truncate(join(dir, 'trust.json'))],
      ['config_missing', () => unlink(join(dir, 'config.json'))],
      ['config_malformed', () => writeFile(join(dir, 'config.json'), '{"v":1}')],
    ];
    for (const [reason, harm] of damage) {
      await rm(dir, { recursive: true, force: true });
      await makeState();
      await harm();
      const { code, out } = await call(['run', '--state', dir, '--json']);
      assert.equal(code, 3, reason);
      const told = JSON.parse(out) as { code: string; sentence: string };
      assert.equal(told.code, reason);
      assert.match(told.sentence, /^\S.*[.?)`]$/);
    }
    assert.deepEqual(api.polls, []);
  });

  it('refuses while another process uses the same state', async () => {
    await makeState();
    const first = run(['run', '--state', dir]);
    await first.line('connected');
    const { code, err } = await call(['run', '--state', dir]);
    assert.equal(code, 3);
    assert.match(err, /Another process uses this state folder/);
    const install = await call(['clock', 'accept', '--state', dir]);
    assert.equal(install.code, 1);
    assert.match(install.err, /stop it first/);
  });

  it('refuses a token file that is missing or that everybody may read', async () => {
    const token_file = join(dir, 'token');
    const proxmox = {
      url: 'https://127.0.0.1:1',
      node: 'pve2',
      token_file,
      pin: `sha256:${'0'.repeat(64)}`,
      pin_kind: 'certificate' as const,
    };
    await makeRelayState(home, 'pve2', { dir, clock: systemClock(), proxmox });
    const missing = await call(['run', '--state', dir]);
    assert.equal(missing.code, 3);
    assert.match(missing.err, /token cannot be read/);
    await writeFile(token_file, testToken);
    await chmod(token_file, 0o644);
    const exposed = await call(['run', '--state', dir]);
    assert.equal(exposed.code, 3);
    assert.match(exposed.err, /Everybody may read/);
    await writeFile(token_file, 'not a token');
    await chmod(token_file, 0o600);
    const malformed = await call(['run', '--state', dir]);
    assert.equal(malformed.code, 3);
    assert.ok(!malformed.err.includes('not a token '), 'the file’s content is not told');
  });

  it('takes a simulated boot only on a trial’s host', async () => {
    await makeState();
    const relay = run(['run', '--state', dir], { WRIT_BOOT_ID: 'boot-of-the-demo' });
    await relay.line('connected');
    await api.until('its report', () => api.reports.some(({ report }) => report.boot === 'boot-of-the-demo'));
    relay.kill('SIGTERM');
    await relay.ended;
    const config = JSON.parse(await readFile(join(dir, 'config.json'), 'utf8')) as Record<string, unknown>;
    await writeFile(join(dir, 'config.json'), JSON.stringify({ ...config, trial: false }));
    const before = api.reports.length;
    const real = run(['run', '--state', dir], { WRIT_BOOT_ID: 'boot-of-the-demo' });
    await real.line('connected');
    const { report } = await api.until('another report', () => api.reports[before]);
    assert.notEqual(report.boot, 'boot-of-the-demo');
  });
});

describe('writ-relay trust and clock', () => {
  it('shows and installs trust documents', async () => {
    await makeState();
    const shown = await call(['trust', 'show', '--state', dir]);
    assert.equal(shown.code, 0, shown.err);
    assert.match(shown.out, /version {6}1, until 2099/);
    assert.match(shown.out, /controller {3}host\.wake on pve2, at most 100\/1h/);
    await home.amend((document) => ({ ...document, expires: '2098-01-01T00:00:00Z' }));
    const file = join(dir, 'new.jws');
    await writeFile(file, JSON.stringify(home.chain()));
    const installed = await call(['trust', 'install', file, '--state', dir, '--json']);
    assert.equal(installed.code, 0, installed.out);
    assert.deepEqual(JSON.parse(installed.out), {
      ok: true,
      changed: true,
      version: 2,
      expires: '2098-01-01T00:00:00Z',
    });
    const again = await call(['trust', 'install', file, '--state', dir]);
    assert.match(again.out, /nothing newer/);
  });

  it('does not install what does not follow', async () => {
    await makeState();
    const stranger = await makeTestHome({ origins: [{ url: api.url }] });
    await stranger.amend((document) => document);
    const file = join(dir, 'new.jws');
    for (const content of [JSON.stringify(stranger.chain(1)), '{}', 'nonsense']) {
      await writeFile(file, content);
      const { code, err } = await call(['trust', 'install', file, '--state', dir]);
      assert.equal(code, 1);
      assert.match(err, /refused\. Version 1 is in force|no file of trust documents/);
    }
    const { code } = await call(['trust', 'install', join(dir, 'absent'), '--state', dir]);
    assert.equal(code, 1);
  });

  it('has no helper as root where it is not the packaged one: nobody is told to obey anything', async () => {
    await makeState();
    const told = await call(['trust', 'seed', home.trust().digest, '--state', dir, '--json']);
    assert.equal(told.code, 2);
    assert.equal((JSON.parse(told.out) as { code: string }).code, 'helper_none');
  });

  it('takes the clock as right when told to', async () => {
    await makeState();
    const { code, out } = await call(['clock', 'accept', '--state', dir]);
    assert.equal(code, 0);
    assert.match(out, /^Taken as right: \d{4}-/);
  });
});

describe('writ-relay called wrongly', () => {
  it('says so, and exits with 2', async () => {
    const cases = [
      ['frobnicate'],
      ['run', 'now'],
      ['run', '--again'],
      ['run', '--frobnicate'],
      ['enroll'],
      ['enroll', 'a', 'b'],
      ['trust'],
      ['trust', 'install'],
      ['clock'],
    ];
    for (const argv of cases) {
      const { code, err } = await call(argv);
      assert.equal(code, 2, argv.join(' '));
      assert.match(err, /^writ-relay: .*See `writ-relay help`\.$/m, argv.join(' '));
    }
  });

  it('helps, with examples', async () => {
    for (const argv of [['help'], ['--help'], ['run', '--help']]) {
      const { code, out } = await call(argv);
      assert.equal(code, 0);
      assert.match(out, /Examples:/);
    }
    assert.equal((await call([])).code, 2);
  });
});
