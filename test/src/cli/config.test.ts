import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { smallHome, type Tree, writeTree } from '../../support/repo-fixture.ts';
import { runWrit } from './terminal-fixture.ts';

const main = join(import.meta.dirname, '../../../src/cli/main.ts');

/** `writ` as a process of its own. */
function writ(words: readonly string[], env: Readonly<Record<string, string>> = {}, cwd?: string) {
  const ran = spawnSync(process.execPath, [main, ...words], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH, ...env },
    ...(cwd !== undefined && { cwd }),
  });
  return { exit: ran.status, out: ran.stdout, err: ran.stderr };
}

const broken: Tree = {
  ...smallHome,
  'apps/web/app.yaml': (smallHome['apps/web/app.yaml'] as string).replace('on: websvcs', 'on: websvc'),
  'apps/two/app.yaml': 'on: secsvcs\nfiles: [{ from: x.j2, to: /etc/x }]\n',
  'apps/two/x.j2': 'a\n  {{ nope }}\n',
};

test('check tells everything at once, each with its place, and exits with 1', async (t) => {
  const repo = writeTree(t, broken);
  const ran = await runWrit(['config', 'check', '--repo', repo]);
  assert.equal(ran.exit, 1);
  assert.equal(
    ran.out,
    `apps/two/x.j2:2:6: error: nope is not defined [template_undefined]
apps/web/app.yaml:1:1: error: there is no guest or host websvc. Did you mean websvcs? [unknown_target]
2 errors.
`,
  );
  const json = await runWrit(['config', 'check', '--repo', repo, '--json']);
  assert.equal(json.exit, 1);
  const value = JSON.parse(json.out) as {
    errors: number;
    warnings: number;
    digest: null;
    findings: unknown[];
  };
  assert.deepEqual([value.errors, value.warnings, value.digest], [2, 0, null]);
  assert.deepEqual(value.findings[1], {
    file: 'apps/web/app.yaml',
    line: 1,
    column: 1,
    severity: 'error',
    code: 'unknown_target',
    message: 'there is no guest or host websvc',
    suggestion: 'Did you mean websvcs?',
  });
});

test('a good repo checks with 0, from its own folder too', (t) => {
  const repo = writeTree(t, smallHome);
  const ran = writ(['config', 'check'], {}, repo);
  assert.equal(ran.exit, 0, ran.err);
  assert.match(ran.out, /^No errors: 1 apps on 1 machines, sha256:[0-9a-f]{64}\n$/);
});

test('warnings alone exit with 0', async (t) => {
  const repo = writeTree(t, { ...smallHome, 'apps/stray': 'x' });
  const ran = await runWrit(['config', 'check', '--repo', repo]);
  assert.equal(ran.exit, 0);
  assert.match(ran.out, /^apps\/stray:1:1: warning: .* \[stray_file\]\n1 warning\.\nNo errors/);
});

test('links, huge files and odd names are told, and never read', async (t) => {
  const repo = writeTree(t, smallHome);
  symlinkSync('/etc/passwd', join(repo, 'apps/web/passwd'));
  symlinkSync('/etc', join(repo, 'apps/web/etc'));
  writeFileSync(join(repo, 'apps/web/huge'), '');
  truncateSync(join(repo, 'apps/web/huge'), 2 * 1024 ** 3);
  writeFileSync(join(repo, 'apps/web/od\u001bd'), '');
  execFileSync('mkfifo', [join(repo, 'apps/web/pipe')]);
  mkdirSync(join(repo, 'photos'));
  symlinkSync('/etc', join(repo, 'photos/etc'));
  const ran = await runWrit(['config', 'check', '--repo', repo]);
  assert.equal(ran.exit, 1);
  assert.equal(
    ran.out,
    `apps/web/etc:1:1: error: a link is not followed: put the file itself here [symlink]
apps/web/huge:1:1: error: it has 2147483648 bytes; a file of a repo has at most 8388608 [file_too_large]
apps/web/odd:1:1: error: its name has control characters, backslashes or bytes that are not UTF-8 [bad_file_name]
apps/web/passwd:1:1: error: a link is not followed: put the file itself here [symlink]
apps/web/pipe:1:1: error: it is neither a file nor a folder [no_file]
5 errors.
`,
  );
});

test('a template that does not end is stopped, and told with the rest', (t) => {
  const loop = '{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}';
  const repo = writeTree(t, { ...broken, 'apps/two/x.j2': loop });
  const ran = writ(['config', 'check', '--repo', repo]);
  assert.equal(ran.exit, 1);
  assert.match(
    ran.out,
    /^apps\/two\/x\.j2:1:1: error: it was stopped after 2 s \[template_timeout\]\napps\/web\/app\.yaml/,
  );
});

test('one digest on other paths, in other time zones and locales, as processes', (t) => {
  const places = [
    { TZ: 'Pacific/Kiritimati', LANG: 'tr_TR.UTF-8', LC_ALL: 'tr_TR.UTF-8' },
    { TZ: 'America/St_Johns', LANG: 'C', LC_ALL: 'C' },
  ];
  const built = places.map((env) => {
    const repo = writeTree(t, {
      ...smallHome,
      'apps/web/web.ini.j2':
        "{{ ['I', 'i', 'ı', 'z', 'ä', 'a'] | sort | join }} {{ 'Iİi' | lower }} {{ 1.5 }}\n",
    });
    const file = join(repo, 'home.tar');
    const ran = writ(['config', 'build', '--repo', repo, '-o', join(repo, 'out'), '--release', file], env);
    assert.equal(ran.exit, 0, ran.err);
    return {
      out: ran.out,
      tar: readFileSync(file),
      names: readdirSync(join(repo, 'out/websvcs'), { recursive: true }),
    };
  });
  assert.deepEqual(built[1], built[0]);
});

test('build writes every machine’s files and the manifest, and replaces what it wrote alone', async (t) => {
  const repo = writeTree(t, smallHome);
  const out = join(repo, 'out');
  const build = () => runWrit(['config', 'build', '--repo', repo, '--output', out]);
  const first = await build();
  assert.equal(first.exit, 0, first.err);
  assert.match(first.out, /^websvcs {2}1 apps {2}4 files {2}\d+ bytes\nsha256:[0-9a-f]{64}\n$/);
  assert.deepEqual(
    readdirSync(out, { recursive: true })
      .map(String)
      .filter((path) => /[.]|motd/.test(path))
      .sort(),
    [
      'manifest.json',
      'websvcs/etc/containers/systemd/web.container',
      'websvcs/etc/containers/systemd/webdata.volume',
      'websvcs/etc/opt/web/motd',
      'websvcs/etc/opt/web/web.ini',
    ],
  );
  assert.equal(
    readFileSync(join(out, 'websvcs/etc/opt/web/web.ini'), 'utf8'),
    'address = 192.168.20.11\ncolour = blue\n',
  );
  assert.equal((await build()).exit, 0);

  const other = await runWrit(['config', 'build', '--repo', repo, '--output', join(repo, 'apps')]);
  assert.equal(other.exit, 2);
  assert.match(other.err, /was not made by writ config build\. Nothing was written/);
  assert.ok(existsSync(join(repo, 'apps/web/app.yaml')));
});

test('what cannot be written whole leaves what was there, and nothing half', async (t) => {
  const repo = writeTree(t, smallHome);
  const [out, tar] = [join(repo, 'out'), join(repo, 'home.tar')];
  assert.equal(
    (await runWrit(['config', 'build', '--repo', repo, '--output', out, '--release', tar])).exit,
    0,
  );
  const before = {
    tar: readFileSync(tar),
    files: readdirSync(out, { recursive: true }).sort(),
    names: readdirSync(repo).sort(),
  };
  // The repo changes, and the disk takes no file above 1 KiB any more.
  writeFileSync(join(repo, 'apps/web/motd'), 'x'.repeat(100_000));
  for (const words of [
    ['--output', out],
    ['--release', tar],
  ]) {
    const line = 'ulimit -f 1; exec "$@"';
    const ran = spawnSync(
      'bash',
      ['-c', line, 'bash', process.execPath, main, 'config', 'build', '--repo', repo, ...words],
      { encoding: 'utf8' },
    );
    assert.equal(ran.status, 1, ran.stdout);
    assert.match(ran.stderr, /EFBIG.*\n\(system_error\)/);
    assert.deepEqual(
      {
        tar: readFileSync(tar),
        files: readdirSync(out, { recursive: true }).sort(),
        names: readdirSync(repo).sort(),
      },
      before,
    );
  }
  // Neither does a repo that is wrong.
  writeFileSync(join(repo, 'vars.yaml'), 'a: [');
  const wrong = await runWrit(['config', 'build', '--repo', repo, '--output', out, '--release', tar]);
  assert.equal(wrong.exit, 1);
  assert.match(wrong.out, /Nothing was written\.\n$/);
  assert.deepEqual(readFileSync(tar), before.tar);
});

test('a repo that is not there is told', async () => {
  for (const command of [
    ['config', 'check'],
    ['config', 'build'],
    ['plan'],
    ['config', 'migrate'],
    ['new', 'app', 'x'],
  ]) {
    const ran = await runWrit([...command, '--repo', '/no/such/repo']);
    assert.equal(ran.exit, 2, command.join(' '));
    assert.match(
      ran.err,
      /^There is no folder \/no\/such\/repo\. Name the repo with --repo DIR\.\n\(repo_unreadable\)/,
    );
  }
});

test('new app begins an app that checks, and overwrites none', async (t) => {
  const repo = writeTree(t, smallHome);
  const words = [
    'new',
    'app',
    'graf',
    '--repo',
    repo,
    '--on',
    'secsvcs',
    '--port',
    '3000',
    '--host',
    'graph',
    '--public',
  ];
  const made = await runWrit([...words, '--image', 'docker.io/grafana/grafana:12.2.0']);
  assert.equal(made.exit, 0, made.err);
  assert.equal(
    readFileSync(join(repo, 'apps/graf/app.yaml'), 'utf8'),
    'on: secsvcs\nunits:\n  - graf.container\nroute:\n  host: graph\n  port: 3000\n  public: true\nhealth:\n  path: /\n',
  );
  const checked = await runWrit(['config', 'check', '--repo', repo]);
  assert.equal(checked.exit, 0, checked.out);
  const again = await runWrit(words);
  assert.match(again.err, /has an app\.yaml already\. Nothing was written/);
  assert.match((await runWrit(['new', 'app', 'x', '--repo', repo])).err, /Which machine is it on\?/);
  assert.match(
    (await runWrit(['new', 'app', '../x', '--repo', repo, '--on', 'secsvcs'])).err,
    /is no name for an app/,
  );
  assert.match(
    (await runWrit(['new', 'app', 'x', '--repo', repo, '--on', 'secsvc'])).err,
    /Did you mean secsvcs\?/,
  );
});

test('migrate makes homelab.yaml of a house file, byte for byte', async (t) => {
  const house = 'v: 1\n# mine\nhosts:\n  pve1: {}\n';
  const repo = writeTree(t, { 'house.yaml': house });
  const ran = await runWrit(['config', 'migrate', '--repo', repo]);
  assert.equal(ran.out, 'house.yaml is homelab.yaml now.\n');
  assert.deepEqual(readdirSync(repo), ['homelab.yaml']);
  assert.equal(readFileSync(join(repo, 'homelab.yaml'), 'utf8'), house);
  assert.match((await runWrit(['config', 'migrate', '--repo', repo])).out, /^Nothing to do/);
  writeFileSync(join(repo, 'homelab.yaml'), house.replace('v: 1', 'v: 2'));
  const later = await runWrit(['config', 'migrate', '--repo', repo]);
  assert.equal(later.exit, 2);
  assert.match(
    later.err,
    /homelab\.yaml is of version 2, and this writ knows version 1\. Nothing was changed/,
  );
});

test('schema gives one for each kind of file', async (t) => {
  const folder = writeTree(t, {});
  const ran = await runWrit(['config', 'schema', '-o', folder]);
  assert.equal(ran.exit, 0);
  assert.deepEqual(
    readdirSync(folder).sort(),
    ['app', 'homelab', 'recipients', 'runbook', 'vars'].map((name) => `${name}.schema.json`),
  );
  const app = JSON.parse((await runWrit(['config', 'schema', 'app'])).out) as {
    properties: Record<string, unknown>;
    required: string[];
  };
  assert.deepEqual(app.required, ['on']);
  assert.ok('units' in app.properties && 'uses' in app.properties);
  assert.match((await runWrit(['config', 'schema', 'ap'])).err, /There is no schema ap\. Did you mean app\?/);
});
