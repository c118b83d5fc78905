import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkRequirements } from '../../../relay/deploy/requirements.ts';
import { createHostMachine } from '../../../relay/machine/host-machine.ts';
import type { Machine } from '../../../relay/machine/machine.ts';
import { ok } from '../../../schema/result.ts';
import type { ReleaseApp } from '../../../schema/wire/release.ts';
import { createMemoryMachine } from '../../support/memory-machine.ts';
import { missing } from '../../support/missing.ts';
import { makePart } from '../../support/test-part.ts';

type Ask = { packages?: ReleaseApp['packages']; users?: ReleaseApp['users'] };
type Answer = { readonly code: number; readonly stdout: string };

const look = async (machine: Machine, app: Ask): Promise<string> => {
  const { part } = await makePart({ app });
  const found = await checkRequirements(machine, part);
  return found.ok ? 'ok' : `${found.reason}: ${found.detail}`;
};

/** A machine whose programs say what they are given, by their first two words; others are not asked for. */
function telling(answers: Readonly<Record<string, Answer>>): { machine: Machine; asked: string[][] } {
  const asked: string[][] = [];
  const encode = (text: string) => new TextEncoder().encode(text);
  const machine: Machine = {
    ...createMemoryMachine(),
    async run(argv) {
      asked.push([...argv]);
      const { code, stdout } = answers[argv.slice(0, 2).join(' ')]!;
      return ok({ code, stdout: encode(stdout), stderr: encode('it says why') });
    },
  };
  return { machine, asked };
}

const user = (more: Partial<ReleaseApp['users'][number]> = {}): ReleaseApp['users'][number] => ({
  name: 'paperless',
  groups: [],
  shell: '/usr/sbin/nologin',
  ...more,
});

test('a part that takes nothing for granted asks nothing', async () => {
  const { machine, asked } = telling({});
  assert.equal(await look(machine, {}), 'ok');
  assert.deepEqual(asked, []);
});

test('packages are there by name, and by version where one is wanted', async () => {
  const { machine, asked } = telling({
    'dpkg-query --show': {
      code: 1,
      stdout:
        'installed\t3.0.11-1+deb13u4\thaproxy\nconfig-files\t1.0\tchrony\nnot-installed\t\tnginx\ninstalled\t2.8.4\tnut-client\n',
    },
  });
  const packages = (...all: [string, string?][]) =>
    look(machine, { packages: all.map(([name, version]) => ({ name, ...(version && { version }) })) });
  assert.equal(await packages(['haproxy'], ['nut-client']), 'ok');
  assert.equal(await packages(['haproxy', '3.0.*'], ['nut-client', '2.8.4']), 'ok');
  assert.equal(
    await packages(
      ['haproxy', '3.1.*'],
      ['nut-client', '2.8'],
      ['chrony'],
      ['nginx', '1.*'],
      ['age'],
      ['age'],
    ),
    'packages_missing: haproxy 3.1.* is wanted and 3.0.11-1+deb13u4 installed; nut-client 2.8 is wanted and 2.8.4 installed; ' +
      'chrony is not installed; nginx 1.* is not installed; age is not installed',
  );
  assert.deepEqual(asked[2]!.slice(3), ['haproxy', 'nut-client', 'chrony', 'nginx', 'age']);
});

test('many names are asked for by several calls, and not all that lack are told one by one', async () => {
  const { machine, asked } = telling({ 'dpkg-query --show': { code: 1, stdout: '' } });
  const packages = Array.from({ length: 1_000 }, (_, index) => ({ name: `p${index}-${'x'.repeat(80)}` }));
  const said = await look(machine, { packages });
  assert.equal(asked.flatMap((argv) => argv.slice(3)).length, packages.length);
  assert.ok(asked.length > 1 && asked.every((argv) => argv.join(' ').length < 20_000));
  assert.match(said, / is not installed; and 980 more$/);
  assert.equal(said.split('; ').length, 21);
});

test('threat 16: a name that a program would read as an option or a pattern is not asked for', async () => {
  const { machine, asked } = telling({});
  const names = ['--admindir=/tmp/x', '*', 'a*', 'x y', '-', ''];
  const packages = names.map((name) => ({ name }));
  assert.match(
    await look(machine, { packages }),
    /^packages_missing: --admindir=\/tmp\/x is not installed; \* is/,
  );
  const users = ['-s', '0', 'root:x'].map((name) => user({ name }));
  assert.match(await look(machine, { users }), /^users_missing: there is no user -s; there is no user 0; /);
  assert.deepEqual(asked, []);
});

test('what a hostile target says of a version is told only where it has the form of one', async () => {
  const { machine } = telling({
    'dpkg-query --show': { code: 0, stdout: `installed\t1\u001b[2Jsecret\thaproxy\n` },
  });
  const packages = [{ name: 'haproxy', version: '3.0.*' }];
  assert.equal(
    await look(machine, { packages }),
    'packages_missing: haproxy 3.0.* is wanted and another one installed',
  );
});

test('users are there with what is stated of them, and in their groups', async () => {
  const { machine } = telling({
    'getent passwd': {
      code: 2,
      stdout:
        'paperless:x:970:970::/var/lib/paperless:/usr/sbin/nologin\nmail:x:8:8:mail:/var/mail:/bin/sh\n',
    },
    'getent group': { code: 0, stdout: 'paperless:x:970:\nrender:x:105:mail,paperless\nvideo:x:44:mail\n' },
  });
  const users = (...all: Partial<ReleaseApp['users'][number]>[]) => look(machine, { users: all.map(user) });
  const stated = { uid: 970, gid: 970, home: '/var/lib/paperless', groups: ['paperless', 'render'] };
  assert.equal(await users({}, stated, { name: 'mail', shell: '/bin/sh' }), 'ok');
  assert.equal(
    await users(
      { uid: 971 },
      { gid: 33 },
      { home: '/srv' },
      { shell: '/bin/sh' },
      { groups: ['render', 'video', 'wheel'] },
      { name: 'nemo' },
    ),
    'users_missing: paperless has uid 970, and not 971; paperless has gid 970, and not 33; ' +
      'paperless has home /var/lib/paperless, and not /srv; paperless has shell /usr/sbin/nologin, and not /bin/sh; ' +
      'paperless is not in video, wheel; there is no user nemo',
  );
});

test('a target that cannot be asked is told as that', async () => {
  const { machine } = telling({ 'dpkg-query --show': { code: 2, stdout: '' } });
  assert.equal(
    await look(machine, { packages: [{ name: 'age' }] }),
    'machine_error: dpkg-query: it says why',
  );
});

const here = createHostMachine('here');
const name = 'base-files';
const ran = await here.run(['dpkg-query', '--show', `--showformat=\${Version}`, name], {
  ...{ timeoutMs: 60_000, maxBytes: 1024 },
});
if (!ran.ok) missing('dpkg-query');
else
  test('this machine’s own packages and users', async () => {
    const version = new TextDecoder().decode(ran.value.stdout);
    const packages = [{ name }, { name, version }, { name, version: `${version[0]}*` }];
    const root = user({ name: 'root', uid: 0, gid: 0, home: '/root', shell: '/bin/bash', groups: ['root'] });
    assert.equal(await look(here, { packages, users: [root] }), 'ok');
    assert.equal(
      await look(here, { packages: [...packages, { name: 'no-such-package' }] }),
      'packages_missing: no-such-package is not installed',
    );
    assert.equal(
      await look(here, { users: [root, user({ name: 'no-such-user' }), { ...root, groups: ['nogroup'] }] }),
      'users_missing: there is no user no-such-user; root is not in nogroup',
    );
  });
