import assert from 'node:assert/strict';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { Terminal } from '../../../relay/cli/terminal.ts';
import { main } from '../../../relay/main.ts';
import { decodeBase64url } from '../../../schema/jose/base64url.ts';
import { parsePayload } from '../../../schema/jose/jws.ts';
import { acceptKey, fingerprint, generateKey } from '../../../schema/jose/keys.ts';
import { signTrust } from '../../../schema/trust/read.ts';
import { enrolmentKey, enrolmentMac, formatEnrolmentCode, sameMac } from '../../../schema/wire/enrolment.ts';
import { type EnrolmentCode, enrolmentStatementSchema } from '../../../schema/wire/relay-api.ts';
import { type FakeApi, startFakeApi } from '../../support/fake-api.ts';
import { fastTime, startTower, type Tower, testToken } from '../../support/relay.ts';
import { makeTestHome, type TestHome } from '../../support/relay-home.ts';

const secret = `${'S'.repeat(42)}A`;
let home: TestHome;
let api: FakeApi;
let dir: string;
let tower: Tower;

beforeEach(async () => {
  api = await startFakeApi({ home: () => home });
  home = await makeTestHome({ origins: [{ url: api.url, spki: api.spki }], relays: ['pve1'] });
  dir = await mkdtemp(join(tmpdir(), 'writ-enrol-test-'));
  tower = await startTower(fastTime(1));
});

afterEach(async () => {
  await tower.close();
  await api.close();
  await rm(dir, { recursive: true, force: true });
});

const codeOf = (changes: Partial<EnrolmentCode> = {}): string =>
  formatEnrolmentCode({
    origin: api.url,
    spki: api.spki,
    home: home.id,
    relay: 'pve2',
    trust: home.trust().digest,
    code: 'enr_00000000000000000000000000',
    secret,
    expires: Date.now() + 60_000,
    ...changes,
  });

type Ran = { readonly code: number; readonly out: string; readonly err: string };

async function run(argv: readonly string[], input = ''): Promise<Ran> {
  const lines: { out: string[]; err: string[] } = { out: [], err: [] };
  const terminal: Terminal = {
    out: (line) => lines.out.push(line),
    err: (line) => lines.err.push(line),
    readInput: async () => input,
  };
  const code = await main(argv, terminal, {
    stop: new AbortController().signal,
    env: { WRIT_RELAY_STATE: join(dir, 'state') },
  });
  return { code, out: lines.out.join('\n'), err: lines.err.join('\n') };
}

const stateFiles = async (): Promise<string[]> => {
  try {
    return (await readdir(join(dir, 'state'))).sort();
  } catch {
    return [];
  }
};

async function tokenFile(mode = 0o600): Promise<string> {
  const file = join(dir, 'token');
  await writeFile(file, `${testToken}\n`, { mode });
  await chmod(file, mode);
  return file;
}

const proxmoxArguments = async (): Promise<string[]> => [
  '--proxmox',
  tower.simulator.url,
  '--proxmox-node',
  'pve2',
  '--proxmox-token-file',
  await tokenFile(),
  '--proxmox-fingerprint',
  tower.simulator.pins.certificate,
];

/** What the API was told, as parsed from the very bytes that the MACs are over. */
async function enrolled() {
  const request = api.enrolments.at(-1);
  assert.ok(request);
  const bytes = decodeBase64url(request.statement);
  assert.ok(bytes.ok);
  const statement = parsePayload(bytes.value, enrolmentStatementSchema, 64 * 1024);
  assert.ok(statement.ok, JSON.stringify(statement));
  return { request, bytes: bytes.value, statement: statement.value };
}

describe('writ-relay enroll', () => {
  it('makes key, journal, trust and configuration, and shows the fingerprint', async () => {
    const ran = await run(['enroll', codeOf(), ...(await proxmoxArguments())]);
    assert.equal(ran.code, 0, ran.err);
    assert.deepEqual(await stateFiles(), ['config.json', 'journal', 'key.json', 'trust.json']);
    const { statement, request, bytes } = await enrolled();
    const key = await acceptKey(statement.jwk);
    assert.ok(key.ok);
    assert.match(ran.out, new RegExp(fingerprint(key.value.kid)));
    assert.match(ran.out, /writ relays approve/);
    assert.deepEqual(statement.trust, home.trust().digest);
    assert.deepEqual(
      statement.facts.guests.map(({ vmid, kind, identity }) => [vmid, kind, identity]),
      [
        [100, 'qemu', '11111111-1111-4111-8111-111111111111'],
        [102, 'qemu', '22222222-2222-4222-8222-222222222222'],
        [103, 'qemu', '33333333-3333-4333-8333-333333333333'],
        [110, 'lxc', 'local-lvm:vm-110-disk-0'],
      ],
    );
    for (const verifier of ['controller', 'owner'] as const) {
      const expected = await enrolmentMac(await enrolmentKey(secret, verifier), bytes);
      assert.ok(sameMac(expected, request[`${verifier}_mac`]));
    }
    for (const name of await stateFiles()) {
      const { mode } = await stat(join(dir, 'state', name));
      assert.equal(mode & 0o077, 0, `${name} is for its owner alone`);
      const content = await readFile(join(dir, 'state', name), 'utf8');
      assert.ok(!content.includes(testToken.split('=')[1] ?? ''), `${name} holds no token`);
      assert.ok(!content.includes(secret), `${name} does not keep the code's secret`);
    }
    assert.deepEqual(api.violations, []);
  });

  it('works on a host without Proxmox, with the code on standard input, and tells machines too', async () => {
    const ran = await run(['enroll', '-', '--json'], `${codeOf()}\n`);
    assert.equal(ran.code, 0, ran.out);
    const told = JSON.parse(ran.out) as Record<string, unknown>;
    assert.partialDeepStrictEqual(told, { ok: true, relay: 'pve2', trustVersion: 1, admitted: false });
    const { statement } = await enrolled();
    assert.deepEqual(statement.facts.guests, []);
    assert.ok(statement.facts.hostname.length > 0);
  });

  it('follows newer versions from the one that the code names', async () => {
    const code = codeOf();
    await home.amend((document) => ({ ...document, expires: '2098-01-01T00:00:00Z' }));
    const ran = await run(['enroll', code, '--json']);
    assert.partialDeepStrictEqual(JSON.parse(ran.out), { ok: true, trustVersion: 2 });
    const shown = await run(['trust', 'show', '--json']);
    assert.equal(shown.code, 0, shown.out);
    const { document } = JSON.parse(shown.out) as { document: { version: number } };
    assert.equal(document.version, 2);
    assert.match((await run(['trust', 'show'])).out, /not admitted yet/);
  });

  it('refuses on an enrolled host, unless told to begin anew with another key', async () => {
    assert.equal((await run(['enroll', codeOf()])).code, 0);
    const first = (await enrolled()).statement.jwk.x;
    const refused = await run(['enroll', codeOf()]);
    assert.equal(refused.code, 1);
    assert.match(refused.err, /enrolled already.*--again/);
    assert.equal(api.enrolments.length, 1, 'nothing was sent');
    assert.equal((await run(['enroll', codeOf(), '--again'])).code, 0);
    assert.notEqual((await enrolled()).statement.jwk.x, first);
  });

  it('says what is wrong with a code, and sends nothing', async () => {
    const cases: readonly (readonly [string, RegExp])[] = [
      ['nonsense', /no enrolment code/],
      [codeOf().slice(0, -7), /no enrolment code/],
      [codeOf({ expires: Date.now() - 1 }), /has ended/],
      [codeOf({ origin: `${api.url}/elsewhere` }), /no enrolment code/],
    ];
    for (const [code, sentence] of cases) {
      const ran = await run(['enroll', code]);
      assert.equal(ran.code, 1);
      assert.match(ran.err, sentence);
    }
    assert.deepEqual(api.enrolments, []);
    assert.deepEqual(await stateFiles(), []);
  });

  it('says what is wrong with Proxmox, and sends nothing', async () => {
    const good = await proxmoxArguments();
    const swap = (at: number, value: string) => good.map((word, index) => (index === at ? value : word));
    const other = `sha256:${'0'.repeat(64)}`;
    const cases: readonly (readonly [readonly string[], number, RegExp])[] = [
      [good.slice(0, 6), 2, /go together/],
      [swap(1, 'http://127.0.0.1:8006'), 2, /must be such as https/],
      [swap(7, 'sha256:1234'), 2, /fingerprint must be/],
      [swap(7, other), 1, /Proxmox could not be asked/],
      [swap(5, join(dir, 'missing')), 1, /cannot be read/],
    ];
    for (const [words, exit, sentence] of cases) {
      const ran = await run(['enroll', codeOf(), ...words]);
      assert.equal(ran.code, exit, ran.err);
      assert.match(ran.err, sentence);
    }
    await tokenFile(0o644);
    const exposed = await run(['enroll', codeOf(), ...good]);
    assert.match(exposed.err, /Everybody may read/);
    assert.deepEqual(api.enrolments, []);
    assert.deepEqual(await stateFiles(), []);
  });

  it('takes a fingerprint as Proxmox VE shows it', async () => {
    const good = await proxmoxArguments();
    const hex = tower.simulator.pins.certificate.slice('sha256:'.length).toUpperCase();
    const shown = hex.match(/../g)?.join(':') ?? '';
    const ran = await run(['enroll', codeOf(), ...good.slice(0, 7), shown]);
    assert.equal(ran.code, 0, ran.err);
    const bySpki = [...good.slice(0, 6), '--proxmox-spki', tower.simulator.pins.spki];
    assert.equal((await run(['enroll', codeOf(), '--again', ...bySpki])).code, 0);
  });

  it('keeps nothing when the API refuses, and tells its code', async () => {
    for (const code of ['code_used', 'code_expired', 'code_unknown']) {
      api.enrolAnswer = () => ({
        status: 403,
        body: { type: 'about:blank', title: 'No', status: 403, code, detail: 'it was used' },
      });
      const ran = await run(['enroll', codeOf(), '--json']);
      assert.equal(ran.code, 1);
      assert.partialDeepStrictEqual(JSON.parse(ran.out), {
        ok: false,
        code: 'api_refused',
        detail: `${code}: it was used`,
      });
      assert.deepEqual(await stateFiles(), []);
    }
  });
});

describe('threat 34: enrolment in the middle', () => {
  it('threat 34: another server at the code’s origin is told nothing', async () => {
    const impostor = await startFakeApi({ home: () => home });
    const ran = await run(['enroll', codeOf({ origin: impostor.url })]);
    assert.equal(ran.code, 1);
    assert.match(ran.err, /not the control plane that the code pins/);
    assert.deepEqual(impostor.enrolments, []);
    assert.deepEqual(await stateFiles(), []);
    await impostor.close();
  });

  it('threat 34: a swapped trust document is not obeyed, however well it is signed', async () => {
    const thief = await makeTestHome({ origins: [{ url: api.url, spki: api.spki }] });
    const { document } = home.trust();
    const rewritten = await signTrust({ ...document, expires: '2090-01-01T00:00:00Z' }, [home.root]);
    const sameDigest = home.trust().jws;
    const unsigned = { ...sameDigest, signatures: thief.trust().jws.signatures };
    for (const versions of [[], thief.versions, [rewritten], [unsigned]]) {
      api.enrolAnswer = () => ({ status: 200, body: { versions } });
      const ran = await run(['enroll', codeOf()]);
      assert.equal(ran.code, 1);
      assert.match(ran.err, /another trust document than the one that the code names/);
      assert.deepEqual(await stateFiles(), []);
    }
  });

  it('threat 34: an older trust document of the same home is not obeyed either', async () => {
    await home.amend((document) => ({ ...document, expires: '2098-01-01T00:00:00Z' }));
    api.enrolAnswer = () => ({ status: 200, body: { versions: home.versions.slice(0, 1) } });
    const ran = await run(['enroll', codeOf({ trust: home.trust().digest })]);
    assert.equal(ran.code, 1);
    assert.deepEqual(await stateFiles(), []);
  });

  it('threat 34: whoever swaps the relay’s key on the way cannot make the owner’s MAC', async () => {
    assert.equal((await run(['enroll', codeOf()])).code, 0);
    const { request, statement } = await enrolled();
    const thief = (await generateKey()).signing.jwk;
    const swapped = new TextEncoder().encode(JSON.stringify({ ...statement, jwk: thief }));
    const ownerKey = await enrolmentKey(secret, 'owner');
    assert.equal(sameMac(await enrolmentMac(ownerKey, swapped), request.owner_mac), false);
    const controllerKey = await enrolmentKey(secret, 'controller');
    assert.equal(sameMac(await enrolmentMac(controllerKey, swapped), request.owner_mac), false);
  });

  it('threat 34: a code of another home or for a host that trust does not know enrols nobody', async () => {
    const other = await run(['enroll', codeOf({ home: 'h_00000000000000000000000000' })]);
    assert.equal(other.code, 1);
    const unknown = await run(['enroll', codeOf({ relay: 'pve9' })]);
    assert.equal(unknown.code, 1);
    assert.match(unknown.err, /does not know this host/);
    assert.deepEqual(await stateFiles(), []);
  });
});
