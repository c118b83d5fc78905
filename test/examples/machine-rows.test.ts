import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildExample, exampleRepo, lookInto, partOf } from './example.ts';

/** What living homelabs were seen to need of their machines, each said by an app of the example. */
const built = await buildExample();
const { home, parts, fileOf, textOf, appOf, routesOf } = lookInto(built);

const rows: Readonly<Record<string, () => void | Promise<void>>> = {
  'images that the machine builds of a source with a digest': () => {
    const unit = textOf('websvcs', '/etc/containers/systemd/isso.build');
    const [source] = appOf('websvcs', 'comments').artifacts;
    assert.match(source!.url, /\/isso-0\.14\.0\.tar\.gz$/);
    assert.ok(unit.includes(`SetWorkingDirectory=${source!.to.replace(/\/$/, '')}\n`));
    assert.match(textOf('websvcs', '/etc/containers/systemd/comments.container'), /^Image=isso\.build$/m);
  },
  'packages, and what is fetched by its digest': () => {
    assert.deepEqual(
      appOf('pve1', 'ups').packages.map(({ name }) => name),
      ['nut-client', 'nut-server'],
    );
    assert.deepEqual(appOf('cloud', 'haproxy').packages, [{ name: 'haproxy', version: '3.0.*' }]);
    const [fonts] = appOf('websvcs', 'website').artifacts;
    assert.match(`${fonts!.to} ${fonts!.sha256}`, /^\/var\/lib\/website\/fonts\/ [0-9a-f]{64}$/);
  },
  'containers of one app together, in a pod or in a network of their own': () => {
    const unit = (name: string): string => textOf('websvcs', `/etc/containers/systemd/${name}`);
    for (const name of ['paperless', 'paperless-broker'])
      assert.match(unit(`${name}.container`), /^Pod=paperless\.pod$/m);
    assert.match(unit('paperless.pod.d/50-writ-network.conf'), /^Network=paperless_traefik\.network$/m);
    assert.equal(routesOf('paperless')[0]!.upstream!.host, 'paperless');
    for (const name of ['guacamole', 'guacd'])
      assert.match(unit(`${name}.container.d/50-writ-network.conf`), /^Network=guacamole\.own\.network$/m);
  },
  'work that is done once before a start': () => {
    const unit = textOf('websvcs', '/etc/containers/systemd/guacamole-fill.container');
    assert.match(unit, /^Type=oneshot$/m);
    const script = textOf('websvcs', '/etc/opt/guacamole/fill.sh');
    assert.ok(script.startsWith('set -eu\n'));
  },
  'the UPS, and who obeys it, without a password in clear': () => {
    const { rack } = home.ups;
    assert.match(
      textOf('pve1', '/etc/nut/ups.conf'),
      new RegExp(`^\\[rack\\]\n {4}driver = ${rack!.driver}$`, 'm'),
    );
    assert.deepEqual(fileOf('pve1', '/etc/nut/upsd.users').secrets, [
      'ups_primary_password',
      'ups_secondary_password',
    ]);
    // The tower knows the password of those that are shut down first alone.
    assert.deepEqual(fileOf('pve2', '/etc/nut/upsmon.conf').secrets, ['ups_secondary_password']);
    assert.ok(
      partOf(parts, 'pve2').apps.every(({ secrets }) => secrets.every(({ name }) => !/primary/.test(name))),
    );
  },
  'users of the machine': () => {
    const [user] = appOf('websvcs', 'paperless').users;
    assert.deepEqual([user!.name, user!.uid], ['paperless', 970]);
  },
  'things that no relay manages have names, and files that a person brings': () => {
    const named = home.names.find(({ name }) => name === 'ap.example.net');
    assert.equal(named!.address, home.devices.ap!.address);
    const { relay } = partOf(parts, 'ap');
    assert.equal(relay, undefined);
    assert.match(textOf('ap', '/etc/config/system'), /^\toption log_ip '192\.168\.21\.11'$/m);
  },
  'middlewares of the proxy that one route names': () => {
    assert.deepEqual(routesOf('comments')[0]!.middlewares, ['slowly']);
    assert.match(textOf('websvcs', '/etc/opt/traefik/dynamic/home.yml'), /^ {4}slowly:\n {6}rateLimit:$/m);
  },
  'devices of the machine': () => {
    const unit = textOf('homesvcs', '/etc/containers/systemd/zigbee2mqtt.container');
    assert.match(unit, /^AddDevice=\/dev\/serial\/by-id\/\S+:\/dev\/ttyUSB0$/m);
  },
  'images that stay, and images that may become their own fixes': async () => {
    const floating = 'docker.io/library/nginx:stable';
    const unit = (name: string, image: string): Record<string, string> => {
      const path = `apps/${name}/${name}.container`;
      const text = new TextDecoder().decode(exampleRepo().files.get(path));
      return { [path]: text.replace(/^Image=.*$/m, `Image=${image}`) };
    };
    const doubtsOf = async (change: Record<string, string>): Promise<string[]> =>
      (await buildExample(change)).findings.map(({ code }) => code);
    assert.deepEqual(await doubtsOf(unit('website', 'docker.io/library/nginx:1.29')), []);
    assert.deepEqual(await doubtsOf(unit('website', floating)), ['image_floating']);
    const half = 'docker.io/vaultwarden/server:1.35';
    assert.deepEqual(await doubtsOf(unit('vaultwarden', half)), ['image_floating']);
  },
};

for (const [name, check] of Object.entries(rows)) test(name, check);
