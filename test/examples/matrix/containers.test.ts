import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answering, containersOf } from './containers.ts';

/** What an app of unit files, all of which it brings, is known by. */
function hostOf(units: Readonly<Record<string, string>>, container?: string): string | null | undefined {
  const files = new Map(Object.entries(units).map(([name, text]) => [`apps/wiki/${name}`, text]));
  const all = containersOf('wiki', { units: Object.keys(units) }, { units: [] }, files);
  return answering('wiki', container, all)?.host;
}

const named = (name: string): string => `[Container]\nImage=a\nContainerName=${name}\n`;
const plain = '[Container]\nImage=a\n';

test('a container is known by what its unit says, or by what Quadlet says of its unit', () => {
  assert.equal(hostOf({ 'wiki.container': named('pages') }), 'pages');
  assert.equal(hostOf({ 'wiki.container': plain }), 'systemd-wiki');
  assert.equal(hostOf({ 'wiki.container.j2': `${named('old')}ContainerName = new \n` }), 'new');
  assert.equal(
    hostOf({ 'wiki.container': named('old'), 'wiki.container.d/10.conf': named('new') }),
    'new',
    'a drop-in is said later',
  );
  assert.equal(hostOf({ 'wiki.container': `${named('pages')}Network=host\n` }), null);
  assert.equal(hostOf({ 'wiki.service': '[Service]\n' }), undefined);
});

test('of several it is the one that the route names, or that is named like the app', () => {
  const several = { 'wiki.container': named('pages'), 'search.container': named('finder') };
  assert.equal(hostOf(several), 'pages');
  assert.equal(hostOf(several, 'search'), 'finder');
  assert.equal(hostOf(several, 'finder'), 'finder');
  const others = { 'one.container': plain, 'two.container': plain };
  assert.throws(() => hostOf(others), /not clear/);
  assert.throws(() => hostOf(others, 'three'), /not clear/);
});

test('what is in a pod is known by the pod', () => {
  const inside = `${named('pages')}Pod=wiki.pod\n`;
  const both = { 'one.container': inside, 'two.container': `${plain}Pod=wiki.pod\n` };
  assert.equal(hostOf({ ...both, 'wiki.pod': '[Pod]\nPodName=all\n' }), 'all');
  assert.equal(hostOf({ ...both, 'wiki.pod': '[Pod]\n' }), 'systemd-wiki');
  assert.equal(hostOf({ ...both, 'wiki.pod': '[Pod]\nNetwork=host\n' }, 'pages'), null);
  assert.throws(() => hostOf(both), /wiki.pod is not of wiki/);
});

test('units are those that the app lists, by pattern too, and those of its place', () => {
  const files = new Map([
    ['apps/wiki/wiki.container.j2', plain],
    ['apps/wiki/left.container', plain],
    ['apps/wiki/here.container', plain],
    ['apps/other/wiki.container', named('other')],
  ]);
  const told = containersOf('wiki', { units: ['wiki*'] }, { units: [{ unit: 'here.container' }] }, files);
  assert.deepEqual(told.map(({ unit }) => unit).sort(), ['here', 'wiki']);
  const text = new Map([['apps/wiki/wiki.container.j2', named('{{ vars.name }}')]]);
  assert.throws(() => containersOf('wiki', { units: ['wiki*'] }, {}, text), /not read here/);
});
