import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { acceptGenesisTrust, followTrustChain } from '../../../schema/trust/read.ts';
import type { TrustChain, TrustJws } from '../../../schema/wire/relay-api.ts';
import { readHome } from '../../../src/cli/home.ts';
import { type LyingControl, problem, startLiar } from '../../support/lying-control.ts';
import { runWrit } from './terminal-fixture.ts';

const makeFolder = (t: TestContext): string => {
  const folder = mkdtempSync(join(tmpdir(), 'writ-taken-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
};

/** Keeps each version that is sent, and says that it refuses it. */
function refuseAll({ answer }: LyingControl): TrustJws[] {
  const sent: TrustJws[] = [];
  answer('POST /v1/trust', (request, response, body) => {
    sent.push((JSON.parse(body) as TrustChain).versions.at(-1)!);
    problem(409, { code: 'trust_exists' })(request, response, body);
  });
  return sent;
}

test('threat 5: versions that a taken control plane makes up do not keep relays from a revocation', async (t) => {
  const liar = await startLiar(t);
  const path = join(makeFolder(t), 'trust.jws');
  const [genesis] = liar.versions as [TrustJws];
  assert.equal((await liar.writ('trust', 'sign', '--yes')).exit, 0);
  const [, second] = liar.versions as [TrustJws, TrustJws];
  // A desk that knows the second version alone, as one has that was recovered from a host's file.
  rmSync(join(liar.configDir, 'trust.jws'));
  const madeUp: TrustJws = {
    payload: Buffer.from('{"version":99}').toString('base64url'),
    signatures: genesis.signatures,
  };
  const unsigned: TrustJws = { ...genesis, signatures: second.signatures };
  for (const [offered, known] of [
    [[madeUp, second], 1],
    [[madeUp, genesis, second], 2],
    [[genesis, madeUp, second], 1],
    [[unsigned, second], 1],
    [[genesis, second], 2],
  ] as const) {
    liar.answer('GET /v1/trust', ({ url = '' }, response) =>
      response.end(JSON.stringify({ versions: url.endsWith('after=0') ? offered : [] })),
    );
    rmSync(join(liar.configDir, 'trust.jws'), { force: true });
    const ran = await liar.writ('trust', 'publish', path);
    assert.equal(ran.exit, 0, ran.err);
    const { versions } = JSON.parse(readFileSync(path, 'utf8')) as TrustChain;
    assert.equal(versions.length, known, ran.out);
    assert.equal(versions.at(-1)!.payload, second.payload);
  }
  assert.equal((await liar.writ('trust', 'revoke', 'controller', '--yes', '--offline')).exit, 0);
  assert.equal((await liar.writ('trust', 'publish', path, '--offline')).exit, 0);
  const relay = await acceptGenesisTrust(genesis);
  assert.ok(relay.ok);
  const { versions } = JSON.parse(readFileSync(path, 'utf8')) as TrustChain;
  const followed = await followTrustChain(relay.value, versions);
  assert.deepEqual([followed.refusal, followed.trust.document.version], [null, 3]);
});

for (const [which, file] of [
  ['desk', 'root-desk.json'],
  ['operator', 'operator.json'],
] as const) {
  test(`threat 11: a control plane that takes a new ${which} key and says that it refused it destroys none`, async (t) => {
    const liar = await startLiar(t);
    const sent = refuseAll(liar);
    for (let times = 0; times < 2; times += 1) {
      const ran = await liar.writ('trust', 'rotate', which, '--yes');
      assert.equal(ran.exit, 3);
      assert.match(ran.err, /by the control plane’s word, the one before stays in force/);
    }
    const refused = readdirSync(liar.configDir).filter((name) => name.startsWith('refused-'));
    assert.equal(refused.length, 2, 'each is kept');
    const before = readFileSync(join(liar.configDir, file), 'utf8');

    liar.answer('POST /v1/trust', null);
    liar.versions.push(sent[0]!);
    const told = await liar.writ('trust', 'sign', '--yes');
    assert.equal(told.exit, 3);
    assert.match(told.err, /said it refused[\s\S]*trust_recalled/);
    assert.notEqual(readFileSync(join(liar.configDir, file), 'utf8'), before, 'its keys are taken up');
    assert.equal((await liar.writ('trust', 'sign', '--yes')).exit, 0, 'and sign on');
    assert.equal(liar.versions.length, 3);
    const left = readdirSync(liar.configDir).filter((name) => name.startsWith('refused-'));
    assert.equal(left.length, 1, 'of the other nobody has heard');
  });
}

test('threat 11: a home is taken back from paper also against a control plane that refuses, and off line', async (t) => {
  const liar = await startLiar(t, { claim: false });
  const folder = makeFolder(t);
  const house = join(import.meta.dirname, '../../../examples/house.yaml');
  const claimed = await liar.writ('init', liar.code, '--trial', '--house', house, '--json');
  const paper = (JSON.parse(claimed.out) as { paper_root: string }).paper_root;
  const file = join(folder, 'trust.jws');
  assert.equal((await liar.writ('trust', 'publish', file, '--offline')).exit, 0);
  const recover = (config: string, ...more: string[]) =>
    runWrit(['trust', 'recover', file, '--trial', '--config', config, ...more], {
      answers: (question) => (question.includes('paper') ? paper : 'y'),
    });

  refuseAll(liar);
  const config = join(folder, 'desk');
  const refused = await recover(config);
  assert.equal(refused.exit, 3, refused.err);
  const aside = /are in (\S+)\. /.exec(refused.err)![1]!;
  assert.equal(existsSync(config), false);
  renameSync(aside, config);
  const kept = await readHome(config);
  assert.ok(kept.ok);
  assert.equal(kept.value.trust.document.version, 2);
  const publish = ['trust', 'publish', join(folder, 'by-hand.jws'), '--offline', '--config', config];
  assert.equal((await runWrit(publish)).exit, 0);

  const other = join(folder, 'other');
  const offline = await recover(other, '--offline');
  assert.equal(offline.exit, 0, offline.err);
  assert.match(offline.out, /know nothing of it yet: writ trust publish/);
  const home = await readHome(other);
  assert.ok(home.ok);
  assert.equal(home.value.trust.document.version, 2);
});
