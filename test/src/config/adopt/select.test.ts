import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Choices } from '../../../../src/config/adopt/select.ts';
import { adoptTree, type GivenTree, told } from '../../../support/adopt-fixture.ts';

const image = '[Container]\nImage=docker.io/library/x:1\n';
const web = { 'etc/containers/systemd/web.container': image };
const none: Choices = { include: [], includeSecrets: [], exclude: [] };

/** What is told of files beside a unit, and which paths came along. */
async function adopt(tree: GivenTree, choices: Partial<Choices> = {}) {
  const adopted = await adoptTree({ ...web, ...tree }, { owned: true, choices: { ...none, ...choices } });
  assert.deepEqual(adopted.blocking, []);
  return { left: told(adopted.left), files: adopted.apps.flatMap(({ files }) => files).sort() };
}

test('what nobody may bring is left out, whatever is included', async () => {
  const paths = [
    'etc/shadow',
    'etc/sudoers.d/me',
    'etc/ssh/sshd_config',
    'etc/apt/sources.list',
    'etc/pve/storage.cfg',
    'etc/pam.d/su',
    'etc/writ/x',
    'etc/writ-relay/x',
    'root/.ssh/config',
    'var/lib/writ-relay/trust.jws',
    'etc/systemd/system/writ-relay.service.d/x.conf',
    'etc/ssl/private/x',
    // No relay lets a release write these, whatever trust grants.
    'etc/cron.d/certs',
    'etc/profile.d/x.sh',
    'etc/systemd/system/ssh.service.d/x.conf',
    'etc/systemd/system/service.d/x.conf',
    'usr/share/polkit-1/x',
  ];
  const tree = Object.fromEntries(paths.map((path) => [path, 'x\n']));
  const { left, files } = await adopt(tree, { include: ['/**'], includeSecrets: ['/**'] });
  assert.deepEqual(left, paths.map((path) => `refused /${path}`).sort());
  assert.deepEqual(files, []);
});

test('what is no text, a program’s own or a user’s is left out unless it is included', async () => {
  const tree: GivenTree = {
    'etc/opt/web/logo.png': new Uint8Array([0x89, 0x50, 0, 1]),
    'etc/opt/web/latin1': new Uint8Array([0xe4, 0x0a]),
    'var/log/x.log': 'x\n',
    'etc/systemd/system/multi-user.target.wants/web.service': '[Service]\n',
    'var/lib/containers/storage/x': 'x\n',
    'usr/share/x': 'x\n',
    'home/me/.config/containers/systemd/x.container': image,
    'etc/containers/systemd/users/1000/y.container': image,
    'etc/opt/web/.git/config': 'x\n',
    'etc/opt/web/suid': { text: 'x\n', mode: 0o4755 },
    'etc/opt/web/large': 'x'.repeat(1024 * 1024 + 1),
  };
  const { left, files } = await adopt(tree);
  assert.deepEqual(left, [
    'binary /etc/opt/web/latin1',
    'binary /etc/opt/web/logo.png',
    'enabled /etc/systemd/system/multi-user.target.wants/web.service',
    'package /usr/share/x',
    'rootless /etc/containers/systemd/users/1000/y.container',
    'rootless /home/me/.config/containers/systemd/x.container',
    'special_mode /etc/opt/web/suid',
    'state /var/lib/containers/storage/x',
    'state /var/log/x.log',
    'too_large /etc/opt/web/large',
    'tool_folder /etc/opt/web/.git/config',
  ]);
  assert.deepEqual(files, []);
  const more = await adopt(tree, { include: ['*.png', 'latin1', '/var/**', '/usr/share/*', '*.container'] });
  assert.deepEqual(
    more.left,
    left.filter((one) => /^(enabled|special|too|tool)/.test(one)),
  );
  assert.equal(more.files.length, 6);
});

test('of a whole /etc only what is a person’s own comes along', async () => {
  const tree: GivenTree = {
    'etc/passwd': 'root:x:0:0::/root:/bin/sh\n',
    'etc/os-release': 'ID=debian\n',
    'etc/adduser.conf': 'x\n',
    'etc/haproxy/haproxy.cfg': 'x\n',
    'etc/unbound/unbound.conf': 'x\n',
    'etc/opt/web/x': 'x\n',
    'etc/containers/registries.conf': 'x\n',
    'etc/containers/systemd/web.container': `${image}Volume=/etc/web.ini:/x\nVolume=/etc/webd:/y\nVolume=/etc/ssl:/z\n`,
    'etc/web.ini': 'x\n',
    'etc/webd/deep/y': 'x\n',
    'etc/ssl/openssl.cnf': 'x\n',
    'etc/systemd/system/dump.service': '[Service]\nExecStart=/bin/true\n',
  };
  const { left, files } = await adopt(tree, { include: ['/etc/unbound/**'] });
  assert.deepEqual(left, [
    'refused /etc/passwd',
    'whole_etc /etc/adduser.conf',
    'whole_etc /etc/containers/registries.conf',
    'whole_etc /etc/haproxy/haproxy.cfg',
    'whole_etc /etc/os-release',
    'whole_etc /etc/ssl/openssl.cnf',
  ]);
  assert.deepEqual(files, [
    '/etc/opt/web/x',
    '/etc/unbound/unbound.conf',
    '/etc/web.ini',
    '/etc/webd/deep/y',
  ]);
});

test('exclude leaves out without a word, and a pattern that fits nothing is told', async () => {
  const tree = { 'etc/opt/web/a': 'x\n', 'etc/opt/web/b/c': 'x\n' };
  assert.deepEqual(await adopt(tree, { exclude: ['/etc/opt/web/*'], include: ['/nope'] }), {
    left: ['no_match /nope'],
    files: ['/etc/opt/web/b/c'],
  });
});

const key = '-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n';

test('keys and passwords in clear stay out of the repo, unless somebody says so', async () => {
  const secrets = {
    'etc/opt/web/id': key,
    'etc/opt/web/x.env': 'TZ=UTC\nDB_PASSWORD=hunter2\n',
    'etc/opt/web/x.yml': 'db:\n  password: "hunter2"\n',
    'etc/opt/web/x.json': '{ "clientSecret": "hunter2" }\n',
    'etc/opt/web/x.ini': '[auth]\napi-key = hunter2\n',
    'etc/opt/web/url': 'DATABASE=postgres://web:hunter2@db/web\n',
    'etc/opt/web/age': 'AGE-SECRET-KEY-1QQQQQ\n',
    'etc/opt/web/config.xml': '<Config>\n  <ApiKey>0123456789abcdef</ApiKey>\n</Config>\n',
    'etc/opt/web/odd.env': "DB_PASSWORD='$3cr#t!'\n",
    'etc/opt/web/flow.yml': 'alerting: { ntfy: { url: "https://x", token: "tk_hunter2" } }\n',
    'etc/opt/web/flow.json': '{ "db": { "user": "x", "password":"hunter2" }, "port": 1 }\n',
    'etc/containers/systemd/pod.yaml': 'env:\n- name: DB_PASSWORD\n  value: "hunter2"\n',
    'etc/opt/web/pod.yml': 'env: [{ name: API_TOKEN, value: hunter2 }]\n',
    'etc/opt/web/secret.yml': 'kind: Secret\nmetadata: { name: x }\nstringData:\n  any: thing\n',
    'etc/opt/web/wg.conf': '[Interface]\nPrivateKey = aGVsbG8=\n',
  };
  const { left, files } = await adopt(secrets);
  assert.deepEqual(
    left,
    Object.keys(secrets)
      .map((path) => `secret /${path}`)
      .sort(),
  );
  assert.deepEqual(files, []);
  const some = await adopt(secrets, { includeSecrets: ['x.env', '/etc/opt/web/i*'] });
  assert.deepEqual(some.files, ['/etc/opt/web/id', '/etc/opt/web/x.env']);
  assert.equal((await adopt(secrets, { include: ['/**'] })).files.length, 0, 'include alone takes no secret');
});

test('what only names a secret is none', async () => {
  const text = [
    'password_file: /run/secrets/x',
    'password: $__file{/run/secrets/x}',
    "password: '$argon2id$v=19$m=65536'",
    'password: &anchor',
    'password: |',
    'token: %d/token',
    'apiKey: {',
    '<password></password> <user>x</user>',
    'DB_PASSWORD=$DB_PASSWORD',
    'token: !secret ha_token',
    'secret: {{ x }}',
    '# password: hunter2',
    'auth: { user: x, password: "$PASSWORD", token: !secret x, secret: { name: x } }',
    'a call(token, password)',
    'kind: Secret',
    '- name: DB_PASSWORD',
    '  valueFrom: { secretKeyRef: { name: db, key: password } }',
    '- name: DB_PASSWORD',
    '  value: $(DB_PASSWORD)',
    'max_tokens: 4096',
    'token: 3600',
    'password:',
    "password = ''",
    'secretName: tls',
    'bypass: everything',
    'http://user@host/ https://host/a:b@c',
    'key: value',
    '',
  ].join('\n');
  const { left, files } = await adopt({ 'etc/opt/web/x.yml': text });
  assert.deepEqual([left, files], [[], ['/etc/opt/web/x.yml']]);
});

test('a unit with a password stops everything until somebody decides', async () => {
  const units = {
    'etc/containers/systemd/a.container': `${image}Environment=TZ=UTC "DB_PASSWORD=hunter2"\n`,
    'etc/containers/systemd/b.container': `${image}Exec=server \\\n  --admin-token hunter2\n`,
    'etc/containers/systemd/c.container': `${image}Secret=db_password,type=env,target=DB_PASSWORD\nEnvironment=DB_PASSWORD_FILE=/run/x TOKEN=%i\n`,
  };
  const stopped = await adoptTree({ ...web, ...units });
  assert.deepEqual(
    stopped.blocking.map(({ code, path, message }) => `${code} ${path}: ${message}`),
    [
      'secret_in_unit /etc/containers/systemd/a.container: line 3 gives DB_PASSWORD a value in clear',
      'secret_in_unit /etc/containers/systemd/b.container: line 3 gives admin-token a value in clear',
    ],
  );
  assert.equal(stopped.files.size, 0);
  assert.doesNotMatch(JSON.stringify([stopped.blocking, stopped.left]), /hunter2/);
  const taken = await adoptTree(
    { ...web, ...units },
    { choices: { ...none, includeSecrets: ['a.container'], exclude: ['b.container'] } },
  );
  assert.deepEqual(
    taken.apps.map(({ name }) => name),
    ['a', 'c', 'web'],
  );
});

test('files for credentials are left out by their names and by their own forms', async () => {
  const netrc = 'machine example.net login me password hunter22\n';
  const paths: GivenTree = {
    'etc/opt/web/.netrc': 'machine example.net\n  login me\n  password hunter22\n',
    'etc/opt/web/.pgpass': 'db:5432:*:me:hunter22\n',
    'etc/opt/web/.git-credentials': 'https://me:hunter22@example.net\n',
    'etc/opt/web/.smbcredentials': 'username=me\n',
    'etc/opt/web/.docker/config.json': '{ "auths": { "ghcr.io": { "auth": "bWU6aHVudGVyMjI=" } } }\n',
    'etc/containers/auth.json': '{ "auths": { "ghcr.io": { "auth": "bWU6aHVudGVyMjI=" } } }\n',
    'etc/opt/web/logins': netrc,
    'etc/opt/web/logins.old': `# mine\n${netrc.replaceAll(' login', '\n\tlogin')}`,
    'etc/opt/web/redis.conf': 'port 6379\nrequirepass hunter22\n',
    'etc/restic/pass': 'hunter22\n',
    'etc/opt/web/db_password.txt': 'hunter22',
    'etc/opt/web/api-token': 'hunter22\n',
  };
  const { left } = await adopt(paths);
  assert.deepEqual(
    left,
    Object.keys(paths)
      .map((path) => `secret /${path}`)
      .sort(),
  );
  const taken = await adopt({ 'etc/opt/web/.netrc': netrc }, { includeSecrets: ['.netrc'] });
  assert.deepEqual(taken.files, ['/etc/opt/web/.netrc']);
});

test('what only speaks of passwords is taken', async () => {
  const texts: GivenTree = {
    'etc/opt/web/readme.md':
      'The password is asked for by the machine, and no default password is set.\nPassword reset\n',
    'etc/opt/web/redis.conf': '# requirepass foobared\nrequirepass $REDIS_PASSWORD\n',
    'etc/opt/web/netrc.md': 'x\n',
    'etc/opt/web/empty/.netrc': '\n',
    'etc/opt/web/tokens': 'one two\n',
    'etc/opt/web/password': '/run/secrets/password\n',
    'etc/opt/web/compass': 'north\n',
    'etc/opt/web/passwd': 'me:$7$101$c2FsdA==$aGFzaA==\n',
  };
  const { left, files } = await adopt(texts);
  assert.deepEqual(left, []);
  assert.deepEqual(
    files,
    Object.keys(texts)
      .map((path) => `/${path}`)
      .sort(),
  );
});
