import assert from 'node:assert/strict';
import { test } from 'node:test';
import { container, home } from './built.ts';
import { rows } from './rows.ts';

const sum = (digit: string): string => digit.repeat(64);

const victoria = {
  'apps/metrics/app.yaml': `on: secsvcs
service: victoria-metrics.service
packages: [victoria-metrics, { name: jq, version: "1.7*" }]
apt:
  - { name: victoria, uri: https://packages.example.com/deb, suites: stable, components: main, key: victoria.asc }
artifacts:
  - url: https://github.com/example/vmutils/releases/download/v1.100.1/vmutils-linux-arm64-v1.100.1.tar.gz
    sha256: ${sum('a')}
    to: /opt/vmutils/
    unpack: true
  - { url: https://example.com/geo.db, sha256: ${sum('b')}, to: /var/lib/geo/geo.db, mode: "0640", owner: metrics, on_change: reload }
users:
  - { name: metrics, uid: 970, gid: 970, home: /var/lib/metrics, groups: [adm] }
units:
  - victoria-metrics.service.d/10-limits.conf
  - geo.service
  - geo.timer
files:
  - { from: scrape.yml, to: /etc/victoria/scrape.yml, on_change: reload }
`,
  'apps/metrics/victoria.asc': '-----BEGIN PGP PUBLIC KEY BLOCK-----\n',
  'apps/metrics/victoria-metrics.service.d/10-limits.conf': '[Service]\nMemoryMax=512M\nUser=metrics\n',
  'apps/metrics/geo.service':
    '[Service]\nType=oneshot\nExecStart=/usr/local/bin/geo\nExecStartPost=systemctl reload victoria-metrics.service\n',
  'apps/metrics/geo.timer': '[Timer]\nOnCalendar=weekly\n',
  'apps/metrics/scrape.yml': 'global: {}\n',
};

test(rows.services, async () => {
  const { told, app, files, built } = await home(victoria);
  assert.deepEqual(told, []);
  const metrics = app('secsvcs', 'metrics');
  assert.deepEqual(metrics.packages, [{ name: 'jq', version: '1.7*' }, { name: 'victoria-metrics' }]);
  const [source] = metrics.apt;
  assert.deepEqual(
    { ...source, key: new TextDecoder().decode(built.release!.blobs.get(source!.key)) },
    {
      name: 'victoria',
      uri: 'https://packages.example.com/deb',
      suites: ['stable'],
      components: ['main'],
      key: '-----BEGIN PGP PUBLIC KEY BLOCK-----\n',
    },
  );
  assert.deepEqual(metrics.artifacts, [
    {
      url: 'https://github.com/example/vmutils/releases/download/v1.100.1/vmutils-linux-arm64-v1.100.1.tar.gz',
      sha256: sum('a'),
      to: '/opt/vmutils/',
      mode: '0644',
      owner: 'root:root',
      unpack: true,
      strip: 0,
      on_change: 'restart',
    },
    {
      url: 'https://example.com/geo.db',
      sha256: sum('b'),
      to: '/var/lib/geo/geo.db',
      mode: '0640',
      owner: 'metrics:metrics',
      unpack: false,
      strip: 0,
      on_change: 'reload',
    },
  ]);
  assert.deepEqual(metrics.users, [
    {
      name: 'metrics',
      uid: 970,
      gid: 970,
      home: '/var/lib/metrics',
      groups: ['adm'],
      shell: '/usr/sbin/nologin',
    },
  ]);
  assert.deepEqual(
    metrics.units.map(({ service, files: own }) => [service, own]),
    [
      ['geo.service', ['geo.service']],
      ['geo.timer', ['geo.timer']],
      ['victoria-metrics.service', ['victoria-metrics.service.d/10-limits.conf']],
    ],
  );
  assert.deepEqual(files('secsvcs', 'metrics'), [
    '/etc/systemd/system/geo.service 0644 root:root unit',
    '/etc/systemd/system/geo.timer 0644 root:root unit',
    '/etc/systemd/system/victoria-metrics.service.d/10-limits.conf 0644 root:root unit',
    '/etc/victoria/scrape.yml 0644 root:root reload',
  ]);
});

test('what is fetched from elsewhere has a digest, comes by https and has one place', async () => {
  const yaml = victoria['apps/metrics/app.yaml'];
  const wrong: readonly (readonly [from: string, to: string, says: string])[] = [
    [
      'https://example.com',
      'http://example.com',
      'wrong_value: artifacts.1.url must be https://, a name and a path, without a user',
    ],
    [`sha256: ${sum('b')}, `, '', 'wrong_value: artifacts.1.sha256 is missing'],
    [
      sum('b'),
      'abc',
      'wrong_value: artifacts.1.sha256 must be the 64 hexadecimal digits that sha256sum prints',
    ],
    [
      'to: /opt/vmutils/',
      'to: /opt/vmutils',
      'wrong_value: artifacts.0 must go to a folder that ends in / with unpack, to a file without',
    ],
    [
      'to: /var/lib/geo/geo.db',
      'to: volume:a/geo.db',
      'wrong_value: artifacts.1 must go to a path of the machine, not into a volume',
    ],
    [
      'to: /var/lib/geo/geo.db',
      'to: /etc/victoria/scrape.yml',
      'path_twice: /etc/victoria/scrape.yml on secsvcs is a file of this app already',
    ],
    ['key: victoria.asc', 'key: victora.asc', 'file_missing: there is no victora.asc in apps/metrics'],
    [
      'key: victoria.asc',
      'key: ../victoria.asc',
      'wrong_value: apt.0.key must be a path below the folder without "..", "//" or control characters',
    ],
    ['uid: 970', 'uid: 0', 'wrong_value: users.0.uid must be 1 or more: 0 is root'],
    [
      'packages: [',
      'packages: [{ name: jq, version: "1.6" }, ',
      'version_twice: metrics wants jq 1.6 on secsvcs already',
    ],
  ];
  for (const [from, to, says] of wrong) {
    const changed = yaml.replace(from, to);
    assert.notEqual(changed, yaml, from);
    const { told } = await home({ ...victoria, 'apps/metrics/app.yaml': changed });
    assert.equal(told.length, 1, told.join('\n'));
    assert.ok(told[0]!.endsWith(` error ${says}`), `${told[0]} … ${says}`);
  }
});

const comments = (more = '') => ({
  'apps/comments/app.yaml': `on: websvcs
units: [comments.container]
builds:
  comments:
    source: https://github.com/example/comments/archive/refs/tags/v1.4.0.tar.gz
    sha256: ${sum('c')}
    image: localhost/comments:1.4.0
    file: docker/Dockerfile
    stage: server
    args: { VERSION: 1.4.0, LABEL: "100 % $mine", ALT: "a b" }
  helper: { source: https://example.com/helper.tar.gz, sha256: ${sum('d')}, strip: 0 }
${more}`,
  'apps/comments/comments.container': '[Container]\nImage=comments.build\nVolume=/srv:/srv\n',
});

test(rows.builds, async () => {
  const { told, app, text } = await home(comments());
  assert.deepEqual(told, []);
  assert.equal(
    text('websvcs', '/etc/containers/systemd/comments.build'),
    `# Made by Writ from apps/comments/app.yaml.
[Build]
ImageTag=localhost/comments:1.4.0
SetWorkingDirectory=/var/opt/writ/sources/${sum('c')}
File=/var/opt/writ/sources/${sum('c')}/docker/Dockerfile
Target=server
PodmanArgs="--build-arg=ALT=a b"
PodmanArgs="--build-arg=LABEL=100 %% $$mine"
PodmanArgs=--build-arg=VERSION=1.4.0
`,
  );
  assert.equal(
    text('websvcs', '/etc/containers/systemd/helper.build'),
    `# Made by Writ from apps/comments/app.yaml.
[Build]
ImageTag=localhost/helper:dddddddddddd
SetWorkingDirectory=/var/opt/writ/sources/${sum('d')}
`,
  );
  assert.deepEqual(
    app('websvcs', 'comments').artifacts.map(({ url, sha256, to, unpack, strip }) => [
      url,
      sha256,
      to,
      unpack,
      strip,
    ]),
    [
      [
        'https://github.com/example/comments/archive/refs/tags/v1.4.0.tar.gz',
        sum('c'),
        `/var/opt/writ/sources/${sum('c')}/`,
        true,
        1,
      ],
      ['https://example.com/helper.tar.gz', sum('d'), `/var/opt/writ/sources/${sum('d')}/`, true, 0],
    ],
  );
  assert.deepEqual(app('websvcs', 'comments').units, [
    { service: 'comments-build.service', files: ['comments.build'], kind: 'resource' },
    { service: 'comments.service', files: ['comments.container'], kind: 'run' },
    { service: 'helper-build.service', files: ['helper.build'], kind: 'resource' },
  ]);

  const images = (update: string, ...names: string[]) =>
    Object.fromEntries(
      names.flatMap((name, index) => [
        [`apps/a${index}/app.yaml`, `on: websvcs\nunits: [a${index}.container]\n${update}`],
        [`apps/a${index}/a${index}.container`, container().replace(/Image=.*/, `Image=${name}`)],
      ]),
    );
  const names = [
    'docker.io/library/nginx',
    'docker.io/library/nginx:latest',
    'docker.io/library/postgres:17',
    'docker.io/library/redis:8.2-alpine',
    'docker.io/library/nginx:1.29.1',
    'docker.io/mcr/ubuntu:noble-20250101',
    `docker.io/library/nginx:latest@sha256:${sum('e')}`,
    'localhost/own:latest',
  ];
  const line = (index: number, says: string, update: string): string =>
    `apps/a${index}/a${index}.container:2 warning image_floating: ${names[index]} ${says}, and a${index} says update: ${update}`;
  const moves = 'stands for another image after each release';
  const later = 'may become a later one';
  const pinned = await home(images('update: pinned\n', ...names));
  assert.deepEqual(pinned.told, [
    line(0, 'names no version', 'pinned'),
    line(1, moves, 'pinned'),
    line(2, later, 'pinned'),
    line(3, later, 'pinned'),
  ]);
  assert.equal(pinned.app('websvcs', 'a0').update, 'pinned');
  const minor = await home(images('', ...names), 'update: minor\n');
  assert.deepEqual(minor.told, [line(0, 'names no version', 'minor'), line(1, moves, 'minor')]);
  assert.equal(minor.app('websvcs', 'a0').update, 'minor');
  for (const update of ['', 'update: floating\n'])
    assert.deepEqual((await home(images(update, ...names))).told, []);
  const updated = await home({
    'apps/a/app.yaml': 'on: websvcs\nunits: [a.container]\nupdate: pinned\n',
    'apps/a/a.container': container('AutoUpdate=registry'),
  });
  assert.deepEqual(updated.told, [
    'apps/a/a.container:2 warning image_floating: the unit updates docker.io/library/busybox:1.37.0 by itself, and a says update: pinned',
  ]);
});

test('a source with another digest is another unit, and what is built of it restarts', async () => {
  const { makePlan } = await import('../../../../src/config/plan/plan.ts');
  const before = await home(comments());
  const yaml = comments()['apps/comments/app.yaml'].replaceAll(sum('c'), sum('f'));
  const after = await home({ ...comments(), 'apps/comments/app.yaml': yaml });
  const plan = makePlan(before.built.release!, after.built.release!);
  assert.deepEqual(
    plan.targets[0]!.apps[0]!.units.map(({ service, effect }) => `${effect} ${service}`),
    ['restart comments-build.service', 'restart comments.service', 'untouched helper-build.service'],
  );
});
