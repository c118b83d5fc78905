import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { pfsenseProgram } from '../../../../src/config/generate/pfsense/program.ts';
import {
  type FakePfrest,
  type HostOverride,
  pfrestKey,
  startFakePfrest,
} from '../../../support/fake-pfrest.ts';
import { missing } from '../../../support/missing.ts';

const has = (argv: readonly [string, ...string[]]): boolean => spawnSync(argv[0], argv.slice(1)).status === 0;
const lacking = !has(['perl', '-MJSON::PP', '-e', '1'])
  ? 'perl with JSON::PP'
  : !has(['curl', '--version'])
    ? 'curl'
    : null;

const override = (host: string, ip: string, descr = `Writ: ${host}`): HostOverride => ({
  ...{ host, domain: 'example.net', ip: [ip], descr },
  aliases: [],
});
const printer: HostOverride = {
  ...override('printer', '192.168.20.9', 'by hand'),
  aliases: [{ host: 'scanner', domain: 'example.net', descr: '' }],
};
const wanted = [override('graph', '192.168.20.31'), override('wiki', '192.168.20.32')];

type Ran = { readonly exit: number; readonly out: string; readonly err: string };

async function bring(
  t: TestContext,
  url: string,
  list: readonly HostOverride[],
  key = pfrestKey,
  options = 'silent\nfail\n',
): Promise<Ran> {
  const folder = mkdtempSync(join(tmpdir(), 'writ-pfsense-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = (name: string): string => join(folder, name);
  writeFileSync(path('bring-names'), pfsenseProgram);
  chmodSync(path('bring-names'), 0o755);
  writeFileSync(path('list'), JSON.stringify(list));
  writeFileSync(path('request.conf'), `${options}max-time = 10\nheader = "X-API-Key: ${key}"\n`);
  const child = spawn(path('bring-names'), [path('list'), path('request.conf'), url]);
  const [out, err, [exit]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  return { exit: exit as number, out, err };
}

const writes = ({ calls }: FakePfrest): string[] => calls.filter((call) => !call.startsWith('GET '));

test('the program that brings names to pfSense', async (t) => {
  if (lacking !== null) return missing(`${lacking}, to bring names to pfSense`);

  await t.test(
    'sends the whole list, applies it and reads it back; what is not the home’s stays',
    async (t) => {
      const old = override('gone', '192.168.20.40');
      const fake = await startFakePfrest(t, [old, printer]);
      fake.slow = 1;
      const ran = await bring(t, fake.url, wanted);
      assert.deepEqual(ran, {
        ...{ exit: 0, err: '' },
        out: 'pfSense has the 2 names now; others were left alone: 1.\n',
      });
      assert.deepEqual(fake.inForce, [wanted[0], printer, wanted[1]]);
      assert.deepEqual(writes(fake), ['PUT host_overrides', 'POST apply']);
      assert.equal(fake.calls.at(-1), 'GET host_overrides?limit=0');
    },
  );

  await t.test('writes nothing where all is as wanted, and applies what somebody left staged', async (t) => {
    const fake = await startFakePfrest(t, [...wanted, printer]);
    assert.match((await bring(t, fake.url, wanted)).out, /has the 2 names already/);
    assert.deepEqual(writes(fake), []);
    fake.staged = [...fake.staged];
    assert.equal((await bring(t, fake.url, wanted)).exit, 0);
    assert.deepEqual(writes(fake), ['PUT host_overrides', 'POST apply']);
  });

  await t.test(
    'takes over what was put in by hand alike, and touches nothing where it was put in otherwise',
    async (t) => {
      const fake = await startFakePfrest(t, [override('graph', '192.168.20.31', 'by hand')]);
      assert.equal((await bring(t, fake.url, wanted)).exit, 0);
      assert.deepEqual(fake.inForce, wanted);
      const other = await startFakePfrest(t, [override('graph', '10.0.0.1', 'by hand')]);
      const ran = await bring(t, other.url, wanted);
      assert.equal(ran.exit === 0, false);
      assert.match(
        ran.err,
        /graph\.example\.net was given another address .* by hand in pfSense\. Nothing was changed/,
      );
      assert.deepEqual(writes(other), []);
    },
  );

  await t.test(
    'fails where pfSense refuses, loses or does not apply, and says which call it was',
    async (t) => {
      const fails = async (change: (fake: FakePfrest) => void, said: RegExp, key?: string): Promise<void> => {
        const fake = await startFakePfrest(t, []);
        change(fake);
        const ran = await bring(t, fake.url, wanted, key);
        assert.notEqual(ran.exit, 0);
        assert.match(ran.err, said);
        assert.equal(ran.err.includes(pfrestKey), false);
      };
      const failing = (call: string) => (fake: FakePfrest) => {
        fake.failing = call;
      };
      await fails(failing('PUT host_overrides'), /^PUT host_overrides failed: curl ended with 22/);
      await fails(failing('POST apply'), /^POST apply failed/);
      await fails(failing('GET host_overrides?limit=0'), /^GET host_overrides/);
      await fails((fake) => {
        fake.forgets = true;
      }, /other names than it was sent/);
      await fails(() => {}, /^GET host_overrides.* failed: curl ended with 22/, 'another');
    },
  );

  await t.test('takes no error, and nobody’s redirect, for a list without names', async (t) => {
    for (const failure of [
      { status: 500, data: [] },
      { status: 200, code: 503, data: [] },
      { status: 302, data: [] },
    ]) {
      const fake = await startFakePfrest(t, [printer]);
      Object.assign(fake, { failing: 'GET host_overrides?limit=0', failure });
      const ran = await bring(t, fake.url, wanted, pfrestKey, 'silent\nlocation\n');
      assert.notEqual(ran.exit, 0, JSON.stringify(failure));
      assert.match(ran.err, /^GET host_overrides\?limit=0 /);
      assert.deepEqual([fake.calls.length, fake.inForce], [1, [printer]]);
    }
  });

  await t.test('gives no name twice, whatever its letters and whether it is an alias', async (t) => {
    const alias = { host: 'GRAPH', domain: 'example.net', descr: '' };
    for (const one of [
      override('Graph', '10.0.0.1', 'by hand'),
      { ...override('printer', '10.0.0.1', 'by hand'), aliases: [alias] },
    ]) {
      const fake = await startFakePfrest(t, [one]);
      const ran = await bring(t, fake.url, wanted);
      assert.match(ran.err, /^graph\.example\.net was given another address or aliases by hand/);
      assert.deepEqual(writes(fake), []);
    }
  });

  await t.test('takes no option of curl for an address', async (t) => {
    for (const url of ['--config=/dev/null', 'file:///etc', '-K/dev/null'])
      assert.match((await bring(t, url, wanted)).err, / is no address of pfSense/, url);
  });
});
