import assert from 'node:assert/strict';
import { test } from 'node:test';
import { groupUnits } from '../../../../src/config/adopt/group.ts';

const image = '[Container]\nImage=docker.io/library/x:1\n';

/** `app: units` of each group; a unit's text by its name, its folder before a `|`. */
function groups(units: Readonly<Record<string, string>>): Record<string, string> {
  const given = Object.entries(units).map(([key, text]) => {
    const [hint, unit] = key.includes('|') ? key.split('|') : [undefined, key];
    return { unit: unit!, text, ...(hint !== undefined && { hint }) };
  });
  return Object.fromEntries(groupUnits(given).map(({ name, units: own }) => [name, own.join(' ')]));
}

const cases: Readonly<Record<string, [Record<string, string>, Record<string, string>]>> = {
  'one name is one app, whatever the kinds': [
    { 'a.container': image, 'a.volume': '', 'a.timer': '', 'a@.container': image, 'b.container': image },
    { a: 'a.container a.timer a.volume a@.container', b: 'b.container' },
  ],
  'a volume goes to the one app that uses it, and stays alone where two do': [
    {
      'a.container': `${image}Volume=data.volume:/d\nVolume=both.volume:/b\n`,
      'b.container': `${image}Mount=type=volume,source=both.volume,target=/b\n`,
      'data.volume': '',
      'both.volume': '',
    },
    { a: 'a.container data.volume', b: 'b.container', both: 'both.volume' },
  ],
  'an image and a build go to who is made of them, through a volume too': [
    {
      'a.container': `[Container]\nImage=own.build\nVolume=v.volume:/v\n`,
      'own.build': '[Build]\nImageTag=localhost/own\nFile=/x\nNetwork=n.network\n',
      'v.volume': '[Volume]\nDriver=image\nImage=base.image\n',
      'base.image': '[Image]\nImage=docker.io/library/x:1\n',
      'n.network': '',
    },
    { a: 'a.container base.image n.network own.build v.volume' },
  ],
  'networks that several use, or none, are one app': [
    {
      'a.container': `${image}Network=lan.network\n`,
      'b.container': `${image}Network=lan.network:ip=10.1.1.1\nNetwork=b-only.network\n`,
      'lan.network': '',
      'b-only.network': '',
      'spare.network': '',
    },
    { a: 'a.container', b: 'b-only.network b.container', networks: 'lan.network spare.network' },
  ],
  'a volume that nobody names goes to whose name it begins with': [
    { 'grafana.container': image, 'grafanadata.volume': '', 'x.container': image, 'xdata.volume': '' },
    { grafana: 'grafana.container grafanadata.volume', x: 'x.container', xdata: 'xdata.volume' },
  ],
  'a pod has its containers': [
    { 'web.pod': '', 'one.container': `${image}Pod=web.pod\n`, 'two.container': `${image}Pod=web.pod\n` },
    { web: 'one.container two.container web.pod' },
  ],
  'x-db belongs to x where there is an x': [
    { 'paperless.container': image, 'paperless-redis.container': image, 'paperless-redis.volume': '' },
    { paperless: 'paperless-redis.container paperless-redis.volume paperless.container' },
  ],
  'x-db and x-web are one app where one names the other': [
    {
      'immich-server.container': `[Unit]\nRequires=immich-db.service\n${image}`,
      'immich-db.container': image,
      'node-exporter.container': image,
      'node-red.container': `[Unit]\nAfter=immich-db.service\n${image}`,
    },
    {
      immich: 'immich-db.container immich-server.container',
      'node-exporter': 'node-exporter.container',
      'node-red': 'node-red.container',
    },
  ],
  'a timer, a socket and a path go to what they start': [
    {
      'nightly.timer': '[Timer]\nUnit=backup.service\n',
      'backup.container': image,
      'api.socket': '[Socket]\nService=web.service\n',
      'web.service': '[Service]\n',
      'look.path': '[Path]\nUnit=web.service\n',
    },
    { backup: 'backup.container nightly.timer', api: 'api.socket look.path web.service' },
  ],
  'drop-ins go to what takes them: by the unit, its service, or the beginning of its name': [
    {
      'db.container': image,
      'db.container.d/a.conf': '',
      'pool.volume': '',
      'web.container': `${image}Volume=pool.volume:/p\n`,
      'pool-volume.service.d/a.conf': '',
      'web-.container.d/all.conf': '',
      'web-a.container': image,
    },
    {
      db: 'db.container db.container.d/a.conf',
      web: 'pool-volume.service.d/a.conf pool.volume web-.container.d/all.conf web-a.container web.container',
    },
  ],
  'folders say what belongs together, and keep what has one name apart': [
    {
      'media|sonarr.container': image,
      'media|radarr.container': image,
      'other|sonarr-db.container': image,
      'sonarr-web.container': image,
      'media.container': image,
    },
    {
      media: 'media.container radarr.container sonarr.container',
      other: 'sonarr-db.container',
      'sonarr-web': 'sonarr-web.container',
    },
  ],
};

for (const [name, [units, expected]] of Object.entries(cases)) {
  test(name, () => assert.deepEqual(groups(units), expected));
}

test('a unit of the distribution with drop-ins is the service of its app', () => {
  const services = (units: Record<string, string>) =>
    groupUnits(Object.entries(units).map(([unit, text]) => ({ unit, text }))).map(
      ({ name, service }) => `${name} ${service}`,
    );
  assert.deepEqual(services({ 'haproxy.service.d/a.conf': '', 'getty@tty1.service.d/a.conf': '' }), [
    'getty getty@tty1.service',
    'haproxy haproxy.service',
  ]);
  // Neither a template alone nor Podman's own units are services that can be named.
  for (const unit of ['user@.service.d/a.conf', 'gone.container.d/a.conf', 'machine.slice.d/a.conf'])
    assert.match(services({ [unit]: '' })[0]!, / undefined$/, unit);
  assert.match(services({ 'x.service.d/a.conf': '', 'x.service': '' })[0]!, / undefined$/);
});
