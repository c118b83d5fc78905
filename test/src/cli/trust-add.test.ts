import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { generateKey } from '../../../schema/jose/keys.ts';
import type { TrustDocument } from '../../../schema/trust/document.ts';
import { type Server, serve } from '../../../src/main.ts';
import { type Person, type Ran, runWrit } from './terminal-fixture.ts';

const folder = mkdtempSync(join(tmpdir(), 'writ-trust-add-'));
const house = join(import.meta.dirname, '../../../examples/house.yaml');
const config = join(folder, 'owner');
let server: Server;

const writ = (line: string, person?: Person): Promise<Ran> =>
  runWrit([...line.split(' '), '--config', config], person);
const document = async (): Promise<TrustDocument> =>
  (JSON.parse((await writ('trust show --json')).out) as { document: TrustDocument }).document;

before(async () => {
  const started = await serve({
    dataDir: join(folder, 'data'),
    listen: [{ host: '127.0.0.1', port: 0 }],
    write: () => {},
  });
  assert.ok(started.ok);
  server = started.value;
  const claimed = await writ(`init ${server.setupCode} --house ${house} --trial`);
  assert.equal(claimed.exit, 0, claimed.err);
  // As `writ relays approve` makes it: relays are admitted, and guests but macos are adopted; router is a container.
  const changed = await document();
  for (const relay of ['pve1', 'pve2'] as const) {
    changed.identities[relay] = { kind: 'relay', jwk: (await generateKey()).signing.jwk };
  }
  for (const [name, guest] of Object.entries(changed.house.guests)) {
    if (name !== 'macos') guest.identity = `identity-of-${name}`;
  }
  changed.house.guests.router!.kind = 'lxc';
  const file = join(folder, 'trust.json');
  const digest = JSON.parse((await writ('trust show --json')).out) as { digest: string };
  writeFileSync(file, JSON.stringify({ digest: digest.digest, document: changed }));
  const signed = await writ(`trust sign --document ${file} --yes`);
  assert.equal(signed.exit, 0, signed.err);
});
after(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

const pins =
  '--repository-id 1296269 --owner-id 583231 --workflow .github/workflows/writ.yml --ref refs/heads/main --environment home';
const add = (more: string, person?: Person): Promise<Ran> => writ(`trust add-github ${more}`, person);

test('a workflow that cannot be meant is refused with what to type instead, and nothing is signed', async () => {
  const cases: readonly (readonly [line: string, exit: number, says: RegExp])[] = [
    ['deploy --on websvcs', 2, /also needs --repository-id, --owner-id, --workflow, --ref, --environment/],
    [`deploy ${pins}`, 2, /--on GUEST/],
    [
      `deploy ${pins.replace('1296269', 'octocat/hello')} --on websvcs`,
      2,
      /--repository-id octocat\/hello must be a number of GitHub’s[\s\S]*gh api repos\/OWNER\/REPO --jq "\.id, \.owner\.id"/,
    ],
    [`deploy ${pins.replace('583231', 'octocat')} --on websvcs`, 2, /--owner-id octocat must be a number/],
    [`deploy ${pins.replace('583231', '*')} --on websvcs`, 2, /--owner-id \* must be a number/],
    [`deploy ${pins.replace('/main', '/*')} --on websvcs`, 2, /--ref refs\/heads\/\* must be such as/],
    [`deploy ${pins.replace('refs/heads/main', 'main')} --on websvcs`, 2, /such as refs\/heads\/main/],
    [
      `deploy ${pins.replace('refs/heads/main', 'refs/tags/v1')} --on websvcs`,
      2,
      /such as refs\/heads\/main/,
    ],
    [`deploy ${pins.replace(' home', ' *')} --on websvcs`, 2, /--environment \* must be plain/],
    [`deploy ${pins.replace('.github/workflows/', '')} --on websvcs`, 2, /\.github\/workflows\/writ\.yml/],
    // Letters of another script that look alike.
    [`deploy ${pins.replace('writ.yml', 'wr\u0456t.yml')} --on websvcs`, 2, /--workflow .+ must be such as/],
    [`deploy ${pins.replace('/main', '/m\u0430in')} --on websvcs`, 2, /--ref .+ must be such as/],
    [`deploy ${pins} --event pull_request --on websvcs`, 2, /--event pull_request is none of push/],
    [`deploy ${pins} --min-run last --on websvcs`, 2, /last is no number of a run/],
    [`deploy ${pins} --issuer http://git.example.net --on websvcs`, 2, /--issuer http:/],
    [`deploy ${pins} --path etc --on websvcs`, 2, /etc is no path/],
    [`Deploy ${pins} --on websvcs`, 2, /no name/],
    [`operator ${pins} --on websvcs`, 3, /is the name of another/],
    [`controller ${pins} --on websvcs --replace`, 3, /is the name of another/],
    [`pve1 ${pins} --on websvcs --replace`, 3, /is the name of another/],
    [`root-desk ${pins} --on websvcs --replace`, 3, /is the name of another/],
    [`deploy ${pins} --on *`, 3, /There is no guest \*\. There are no wildcards/],
    [`deploy ${pins} --on websvc`, 3, /Did you mean websvcs/],
    [`deploy ${pins} --on websvcs --on pve1`, 3, /pve1 is a host: [\s\S]*root helper[\s\S]*writ deploy/],
    [`deploy ${pins} --on router`, 3, /router is a container \(LXC\)/],
    [`deploy ${pins} --on macos`, 3, /macos is not adopted yet/],
  ];
  for (const [line, exit, says] of cases) {
    const ran = await add(`${line} --yes`);
    assert.equal(ran.exit, exit, `${line}\n${ran.out}${ran.err}`);
    assert.match(ran.err, says, line);
    assert.match(ran.err, /Nothing was signed\./, line);
  }
  assert.equal((await document()).version, 2);
});

test('a workflow is told before it is signed, is replaced only on purpose, and is revoked', async () => {
  const added = await add(`deploy ${pins} --on websvcs --on secsvcs`, { answers: ['y'] });
  assert.equal(added.exit, 0, added.err);
  for (const line of [
    'deploy is new: GitHub workflow writ.yml of repository 1296269 on main.',
    'Tokens of deploy must say the owner 583231, the environment home, the event push or workflow_dispatch, a runner of GitHub’s own, run 0 or a later one.',
    'deploy may apply releases to websvcs and secsvcs under /etc/containers/systemd, /etc/opt, /etc/systemd/system, /opt, /srv and /var/opt.',
    'Sign trust version 3? [y/N] ',
  ]) {
    assert.ok(added.err.includes(line), `${line}\n${added.err}`);
  }
  const { deploy } = (await document()).identities;
  const operator = (await document()).identities.operator;
  assert.ok(operator?.kind === 'key');
  assert.deepEqual(deploy, {
    kind: 'github',
    repository_id: '1296269',
    repository_owner_id: '583231',
    workflow: '.github/workflows/writ.yml',
    ref: 'refs/heads/main',
    event_name: ['push', 'workflow_dispatch'],
    environment: 'home',
    min_run: 0,
    may: [
      {
        action: 'release.apply',
        on: ['websvcs', 'secsvcs'],
        paths: operator.may.find(({ action }) => action === 'release.apply')!.paths,
      },
    ],
  });

  const again = await add(`deploy ${pins} --on websvcs --on secsvcs --yes`);
  assert.equal(again.exit, 3);
  assert.match(again.err, /names deploy already[\s\S]*--replace/);
  const same = await add(`deploy ${pins} --on websvcs --on secsvcs --replace`);
  assert.match(same.out, /Nothing changes: trust stays version 3/);
  const narrow = `deploy ${pins} --on websvcs --path /etc/opt/** --event schedule --min-run 41 --self-hosted --issuer https://git.example.net/_services/token --replace --yes`;
  const replaced = await add(narrow);
  assert.equal(replaced.exit, 0, replaced.err);
  assert.match(replaced.out, /min_run 41 instead of 0/);
  assert.match(replaced.out, /deploy may no longer apply releases to websvcs and secsvcs/);
  assert.match(replaced.out, /deploy may apply releases to websvcs under \/etc\/opt\./);
  const kept = await add(`${narrow.replace(' --min-run 41', '').replace('schedule', 'push')}`);
  assert.doesNotMatch(kept.out, /min_run/, 'older runs are not let in again by a silence');
  const back = await add(`deploy ${pins} --on websvcs --min-run 0 --replace --yes`);
  assert.match(back.out, /min_run 0 instead of 41/);

  const twice = await add(`other ${pins} --on websvcs --yes`);
  assert.match(twice.err, /the workflow of other stands twice/);

  const gone = await writ('trust revoke deploy --yes');
  assert.equal(gone.exit, 0, gone.err);
  assert.match(gone.out, /deploy is revoked: no release of its workflow is taken any more\./);
  assert.equal((await document()).identities.deploy, undefined);
});

test('a house without a machine takes it out of the grants that no house file says', async () => {
  const added = await add(`deploy ${pins} --on websvcs --on homesvcs --yes`);
  assert.equal(added.exit, 0, added.err);
  const smaller = join(folder, 'smaller.yaml');
  writeFileSync(smaller, readFileSync(house, 'utf8').replace(/^ {2}homesvcs: .*\n/m, ''));
  const signed = await writ(`trust sign ${smaller} --yes`);
  assert.equal(signed.exit, 0, signed.err);
  assert.match(signed.out, /deploy may no longer apply releases to homesvcs under/);
  const { deploy } = (await document()).identities;
  assert.ok(deploy?.kind === 'github');
  assert.deepEqual(deploy.may[0]?.on, ['websvcs']);
});

test('a notary is a relay of a host that is always on', async () => {
  const cases: readonly (readonly [relay: string, says: RegExp])[] = [
    ['pve2', /pve2 sleeps, and would not see/],
    ['cloud', /No relay of cloud is admitted yet/],
    ['websvcs', /There is no host websvcs/],
  ];
  for (const [relay, says] of cases) {
    const ran = await writ(`trust add-notary ${relay} --yes`);
    assert.equal(ran.exit, 3, ran.out);
    assert.match(ran.err, says);
  }
  const added = await writ('trust add-notary pve1 --yes');
  assert.match(added.out, /pve1's relay becomes a notary, which says when it saw tokens, and nothing else\./);
  assert.match((await writ('trust show')).out, /pve1: .*a notary/);
  assert.match((await writ('trust add-notary pve1')).out, /Nothing changes/);
  const removed = await writ('trust add-notary pve1 --remove --yes');
  assert.match(removed.out, /pve1's relay is a notary no longer/);
  assert.equal('attests' in (await document()).identities.pve1!, false);
});

test('root on this machine stands out on a terminal, and is plain text elsewhere', async () => {
  const plain = (await writ('trust show')).out;
  assert.match(plain, /apply releases to pve1 under .*; root on this machine$/m);
  assert.ok(!plain.includes('\u001b'));
  const shown = (await writ('trust show', { columns: 80 })).out;
  const [on, off] = ['\u001b[1m', '\u001b[22m'];
  assert.ok(shown.includes(`; ${on}root on this machine${off}\n`));
  assert.equal(shown.replaceAll(on, '').replaceAll(off, ''), plain);
  assert.ok(!(await writ('trust show --json', { columns: 80 })).out.includes('\u001b'));
});

test('a key that cannot be meant is refused: by its name, by what it may, and as another’s key', async () => {
  const key = async (): Promise<string> => `writ-key.${(await generateKey()).signing.jwk.x}`;
  const { identities, version } = await document();
  const { operator, pve1 } = identities;
  assert.ok(operator?.kind === 'key' && pve1?.kind === 'relay');
  const fresh = await key();
  const start = '--may guest.start@gaming';
  const cases: readonly (readonly [line: string, exit: number, says: RegExp])[] = [
    ...['operator', 'controller', 'standing', 'pve1', 'root-desk'].map(
      (name) => [`${name} ${fresh} ${start} --replace`, 3, /is the name of another/] as const,
    ),
    ...['Laptop', 'constructor', '__proto__', 'l\u0430ptop'].map(
      (name) => [`${name} ${fresh} ${start}`, 2, /is no name/] as const,
    ),
    [`twin writ-key.${operator.jwk.x} ${start}`, 3, /the key of operator/],
    [`twin writ-key.${pve1.jwk.x} ${start}`, 3, /the key of pve1/],
    [`twin writ-key.${'A'.repeat(43)} ${start}`, 2, /small order/],
    [`twin ${fresh}= ${start}`, 2, /no key that trust takes/],
    [`twin ${fresh}`, 2, /--may ACTION@TARGET/],
    [`twin ${fresh} --may guest.start@*`, 3, /There are no wildcards/],
    [`twin ${fresh} --may run@evening`, 2, /no action run/],
    [`twin ${fresh} --may release.heal@websvcs`, 2, /Relays do release\.heal by themselves/],
    [`twin ${fresh} ${start},0/1h`, 2, /0\/1h is no limit/],
    [`twin ${fresh} ${start},1/1h ${start},9/1h`, 2, /two limits/],
    [`twin ${fresh} --may release.apply@websvcs --path /etc/../x`, 2, /is no path/],
  ];
  for (const [line, exit, says] of cases) {
    const ran = await writ(`trust add-key ${line} --yes`);
    assert.equal(ran.exit, exit, `${line}\n${ran.out}${ran.err}`);
    assert.match(ran.err, says, line);
    assert.match(ran.err, /Nothing was signed\./, line);
  }
  assert.equal((await document()).version, version);
});
