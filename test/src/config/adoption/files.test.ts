import assert from 'node:assert/strict';
import { test } from 'node:test';
import { container, home } from './built.ts';
import { rows } from './rows.ts';

test(rows.files, async () => {
  const { told, text, files, app } = await home({
    'apps/web/app.yaml': `on: secsvcs
files:
  - { from: web.conf, to: /etc/opt/web/renamed.conf, mode: "0640", owner: 472 }
  - { from: rules/*.yml, to: /etc/opt/web/rules/, owner: "911:1000", prune: true, on_change: reload }
  - { from: tree/, to: /srv/tree/, owner: www-data }
  - { from: page.html.j2, to: /srv/index.html, owner: postgres:70 }
`,
    'apps/web/web.conf': 'a\n',
    'apps/web/rules/a.yml': 'a\n',
    'apps/web/rules/b.yml.j2': '',
    'apps/web/rules/c.yml': 'c\n',
    'apps/web/rules/deep/d.yml': 'd\n',
    'apps/web/tree/x': 'x\n',
    'apps/web/tree/sub/y.j2': '{{ target.name }}\n',
    'apps/web/page.html.j2': '<h1>{{ app.title }}</h1>\n',
  });
  assert.deepEqual(told, []);
  assert.deepEqual(files('secsvcs', 'web'), [
    '/etc/opt/web/renamed.conf 0640 472:472',
    '/etc/opt/web/rules/a.yml 0644 911:1000 reload',
    '/etc/opt/web/rules/c.yml 0644 911:1000 reload',
    '/srv/index.html 0644 postgres:70',
    '/srv/tree/sub/y 0644 www-data:www-data',
    '/srv/tree/x 0644 www-data:www-data',
  ]);
  assert.deepEqual(app('secsvcs', 'web').prune, ['/etc/opt/web/rules']);
  assert.equal(text('secsvcs', '/srv/tree/sub/y'), 'secsvcs\n');
});

test(rows.dirs, async () => {
  const { told, app, files } = await home({
    'apps/web/app.yaml':
      'on: secsvcs\ndirs: [{ path: /var/opt/web/data, mode: "0700", owner: 1000 }, { path: /var/opt/web }]\n',
  });
  assert.deepEqual(told, []);
  assert.deepEqual(app('secsvcs', 'web').dirs, [
    { path: '/var/opt/web', mode: '0755', owner: 'root:root' },
    { path: '/var/opt/web/data', mode: '0700', owner: '1000:1000' },
  ]);
  assert.deepEqual(files('secsvcs', 'web'), []);
});

test(rows.seeds, async () => {
  const tree = {
    'apps/hass/app.yaml': `on: homesvcs
units: [hass.container, config.volume]
files:
  - { from: automations.yaml, to: /etc/opt/hass/automations.yaml, manage: seed }
  - { from: configuration.yaml, to: volume:config/configuration.yaml, owner: 1000, on_change: reload }
  - { from: themes/, to: volume:config/themes/, manage: seed, owner: 1000 }
`,
    'apps/hass/hass.container': container('Volume=config.volume:/config'),
    'apps/hass/config.volume': '[Volume]\nVolumeName=hass-config\n',
    'apps/hass/automations.yaml': '[]\n',
    'apps/hass/configuration.yaml': 'homeassistant:\n',
    'apps/hass/themes/dark.yaml': 'dark:\n',
  };
  const { told, files, text } = await home(tree);
  assert.deepEqual(told, []);
  assert.deepEqual(files('homesvcs', 'hass'), [
    '/etc/containers/systemd/config.volume 0644 root:root unit',
    '/etc/containers/systemd/hass.container 0644 root:root unit',
    '/etc/opt/hass/automations.yaml 0644 root:root seed',
    'volume:config/configuration.yaml 0644 1000:1000 reload in hass-config',
    'volume:config/themes/dark.yaml 0644 1000:1000 seed in hass-config',
  ]);
  assert.equal(text('homesvcs', 'volume:config/themes/dark.yaml'), 'dark:\n');
  const wrong = await home({
    ...tree,
    'apps/hass/app.yaml': (tree['apps/hass/app.yaml'] as string)
      .replace('volume:config/configuration.yaml', 'volume:confg/configuration.yaml')
      .replace('volume:config/themes/, manage', 'volume:config/themes/, prune: true, manage'),
  });
  assert.deepEqual(wrong.told, [
    'apps/hass/app.yaml:5 error volume_missing: no unit of hass makes the volume: there is no confg.volume',
    'apps/hass/app.yaml:6 error volume_pruned: prune would remove what hass keeps in the volume',
  ]);
  const byPath = '/var/lib/containers/storage/volumes/hass-config/_data/themes/, prune: true, manage';
  const pruned = (tree['apps/hass/app.yaml'] as string).replace('volume:config/themes/, manage', byPath);
  assert.match(
    (await home({ ...tree, 'apps/hass/app.yaml': pruned })).told.join(),
    /:6 error volume_pruned: /,
  );
});

const mounted = (...volumes: string[]) => ({
  'apps/bot/app.yaml':
    'on: secsvcs\nunits: [bot.container]\nfiles:\n  - { from: conf/, to: /etc/opt/bot/ }\nsecrets: [bot_token]\n',
  'apps/bot/conf/bot.yml.j2': "token: {{ secret('bot_token') }}\n",
  'apps/bot/conf/plain.yml': 'a: b\n',
  'apps/bot/bot.container': container(...volumes),
  'secrets/secsvcs/bot_token.age': 'age',
});

test(rows.mounted, async () => {
  const folder = await home(mounted('Volume=/etc/opt/bot:/config:ro', 'Volume=/srv:/srv'));
  assert.deepEqual(folder.told, []);
  assert.equal(folder.text('secsvcs', '/etc/opt/bot/bot.yml'), 'token: ~writ:secret:bot_token~\n');
  assert.deepEqual(folder.files('secsvcs', 'bot'), [
    '/etc/containers/systemd/bot.container 0644 root:root unit',
    '/etc/containers/systemd/bot.container.d/90-writ-secrets.conf 0644 root:root unit',
    '/etc/opt/bot/bot.yml 0644 root:root <bot_token>',
    '/etc/opt/bot/plain.yml 0644 root:root',
  ]);
  assert.equal(
    folder.text('secsvcs', '/etc/containers/systemd/bot.container.d/90-writ-secrets.conf'),
    `# Made by Writ: files with secrets, in folders that the unit mounts.
[Container]
Volume=/etc/opt/bot/bot.yml:/config/bot.yml:ro
`,
  );
  assert.deepEqual(folder.app('secsvcs', 'bot').units, [
    {
      service: 'bot.service',
      files: ['bot.container', 'bot.container.d/90-writ-secrets.conf'],
      kind: 'run',
    },
  ]);
  const bind = await home(mounted('Mount=type=bind,source=/etc/opt,target=/opt'));
  assert.match(
    bind.text('secsvcs', '/etc/containers/systemd/bot.container.d/90-writ-secrets.conf'),
    /^Volume=\/etc\/opt\/bot\/bot\.yml:\/opt\/bot\/bot\.yml:ro$/m,
  );
  // A mount of the file itself is enough, and a folder beside it needs nothing.
  for (const volumes of [
    ['Volume=/etc/opt/bot/bot.yml:/bot.yml:ro'],
    ['Volume=/etc/opt/bot:/config', 'Volume=/etc/opt/bot/bot.yml:/config/bot.yml:ro'],
    ['Volume=/etc/opt/bo:/config'],
    ['Volume=bot.volume:/etc/opt/bot'],
  ]) {
    const { built } = await home({
      ...mounted(...volumes),
      'apps/bot/bot.volume': '[Volume]\n',
      'apps/bot/app.yaml': mounted()['apps/bot/app.yaml'].replace(
        '[bot.container]',
        '[bot.container, bot.volume]',
      ),
    });
    const paths = built.release!.manifest.parts[0]!.files.map(({ path }) => path);
    assert.ok(!paths.some((path) => path.endsWith('90-writ-secrets.conf')), volumes.join());
  }
  const inVolume = await home({
    ...mounted('Volume=bot.volume:/config'),
    'apps/bot/bot.volume': '[Volume]\n',
    'apps/bot/app.yaml':
      'on: secsvcs\nunits: [bot.container, bot.volume]\nfiles:\n  - { from: conf/, to: volume:bot/ }\nsecrets: [bot_token]\n',
  });
  assert.deepEqual(inVolume.told, [
    'apps/bot/app.yaml:4 error volume_secret: volume:bot/bot.yml would lie in the volume with its secrets in clear',
  ]);
  const seeded = await home({
    ...mounted(),
    'apps/bot/app.yaml': mounted()['apps/bot/app.yaml'].replace(/( - \{.*?)( \})/, '$1, manage: seed$2'),
  });
  assert.deepEqual(seeded.told, [
    "apps/bot/app.yaml:4 error secret_misplaced: /etc/opt/bot/bot.yml is the app's own once it is written: nothing fills in its secrets",
  ]);
  const unit = await home({ ...mounted('Environment=T=~writ:secret:bot_token~') });
  assert.deepEqual(unit.told, [
    'apps/bot/bot.container:1 error secret_misplaced: /etc/containers/systemd/bot.container is read before its secrets can be filled in',
  ]);
});

test(rows.unmanaged, async () => {
  const devices = `devices:
  ap: { kind: access-point, title: the access point, network: wifi, address: 192.168.10.2, mac: "02:00:00:00:00:0A" }
  console: { network: servers, address: 192.168.20.40 }
names:
  wlan: { to: ap }
`;
  const tree = {
    'apps/ap/app.yaml': 'on: ap\nfiles: [{ from: ap.cfg.j2, to: /ap.cfg }]\n',
    'apps/ap/ap.cfg.j2':
      'name {{ target.name }} {{ target.type }} {{ target.mac }}\n{% for n in home.names %}host {{ n.name }} {{ n.address }}\n{% endfor %}{{ home.devices.console.address }}\n',
  };
  const { told, part, text, built } = await home(tree, devices);
  assert.deepEqual(told, []);
  assert.equal(part('ap').relay, undefined);
  assert.equal(
    text('ap', '/ap.cfg'),
    'name ap access-point 02:00:00:00:00:0a\nhost wlan.example.net 192.168.10.2\n192.168.20.40\n',
  );
  assert.deepEqual(built.release!.manifest.facts.names, [
    { name: 'wlan.example.net', address: '192.168.10.2', public: false },
  ]);
  const managed = await home(
    {
      ...tree,
      'apps/ap/app.yaml':
        'on: ap\nunits: [x.container]\nsecrets: [x]\nfiles: [{ from: ap.cfg.j2, to: /ap.cfg }]\n',
      'apps/ap/x.container': container(),
    },
    devices,
  );
  assert.deepEqual(
    managed.told.filter((line) => line.includes(' error ')),
    [
      'apps/ap/app.yaml:2 error device_unmanaged: no relay manages ap, so ap can have files there and nothing else',
      'apps/ap/app.yaml:3 error device_unmanaged: no relay manages ap, so ap can have files there and nothing else',
    ],
  );
  const clashing = await home(
    tree,
    devices
      .replace('192.168.20.40', '192.168.20.11')
      .replace('192.168.10.2', '192.168.20.2')
      .replace('{ to: ap }', '{ to: app }')
      .replace('  console:', '  pve1:'),
  );
  assert.deepEqual(clashing.told, [
    'apps/ap/ap.cfg.j2:3 error template_undefined: home.devices has no member console',
    'homelab.yaml:18 error address_outside: 192.168.20.2 is not in the network wifi (192.168.10.0/24)',
    'homelab.yaml:18 error address_twice: pve2 has the address 192.168.20.2 already',
    'homelab.yaml:19 error name_twice: pve1 is a device and a host',
    'homelab.yaml:19 error address_twice: secsvcs has the address 192.168.20.11 already',
    'homelab.yaml:21 error unknown_target: there is no guest, host or device app',
  ]);
});
