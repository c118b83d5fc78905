import assert from 'node:assert/strict';
import { test } from 'node:test';
import { askProxy, box, doubtsOf, makeProxy, proxyHome, readProxy } from '../../../support/proxy-home.ts';
import type { Tree } from '../../../support/repo-fixture.ts';
import { readTraefik } from '../../../support/traefik-reader.ts';

const app = (name: string, route: string, on = 'secsvcs'): Tree => box(name, on, `route: { ${route} }`);
const outside = (url: string, tree: Tree, more: object = {}): string =>
  askProxy(readProxy(tree), url, 'public', more);

test('a name that is for home alone goes before all that an owner can say of a wildcard', () => {
  const tree = {
    ...app('any', 'host: "*", port: 80, public: true, priority: 1000000'),
    ...app('nas', 'host: nas, port: 80'),
  };
  assert.equal(outside('nas.example.net', tree), '_refused');
  assert.equal(outside('other.example.net', tree), 'http://any:80');
});

test('a wildcard that is for home alone is refused where it would answer before a name', () => {
  const tree = {
    ...app('desk', 'host: ["*.shop", "*.lab"], port: 80, priority: 5000, when: { header: { X-Desk: "1" } }'),
    ...app('shop', 'host: [a.shop.example.net, b.lab.example.net, c.example.net], port: 80, public: true'),
  };
  const desk = { headers: { 'X-Desk': '1' } };
  for (const name of ['a.shop', 'b.lab']) {
    assert.equal(outside(`${name}.example.net`, tree, desk), '_refused');
    assert.equal(outside(`${name}.example.net`, tree), 'http://shop:80');
  }
  assert.equal(outside('c.example.net', tree, desk), 'http://shop:80');
});

test('TCP for home alone is closed outside, where a wider name is not', () => {
  const tree = {
    ...app('any', 'host: "*", port: 80, public: true, scheme: tcp'),
    ...app('mq', 'host: "*.mq", port: 1883, scheme: tcp'),
    ...app('one', 'host: one, port: 1884, passthrough: true'),
  };
  assert.equal(outside('a.mq.example.net', tree), '_refused > unopened');
  assert.equal(outside('one.example.net', tree), '_refused');
  assert.equal(outside('two.example.net', tree), 'any:80');
});

test('what another proxy has unopened, or before all else there, closes no name of this one', () => {
  const open = {
    ...app('blog', 'host: blog, port: 80, public: true'),
    ...app('shop', 'host: "*.shop", port: 81, public: true'),
    ...app('own', 'host: own, port: 82, public: true, passthrough: true'),
  };
  for (const more of ['passthrough: true', 'priority: 9000']) {
    const tree = { ...open, ...app('far', `host: "*", port: 83, ${more}`, 'websvcs') };
    assert.equal(outside('blog.example.net', tree), 'http://blog:80');
    assert.equal(outside('a.shop.example.net', tree), 'http://shop:81');
    assert.equal(outside('own.example.net', tree), 'own:82 > unopened');
    assert.notEqual(outside('other.example.net', tree), 'http://shop:81');
  }
  // A wider name of this one is still none for what is unopened there.
  const wide = app('any', 'host: "*", port: 84, public: true, scheme: tcp');
  const far = app('far', 'host: "*.far", port: 83, passthrough: true', 'websvcs');
  assert.equal(outside('a.far.example.net', { ...wide, ...far }), '_refused > unopened');
});

test('of two that are equally high, the one for home alone is refused', () => {
  const tree = {
    ...app('open', 'host: app, port: 80, public: true, priority: 7'),
    ...app('shut', 'host: app, port: 81, priority: 7, when: { path: /x }'),
  };
  assert.deepEqual(doubtsOf(tree), ['warning order_unclear']);
  const { staticText, dynamicText } = makeProxy(tree);
  assert.equal(askProxy(readTraefik(staticText, dynamicText), 'app.example.net/x', 'public'), '_refused');
  assert.equal(
    askProxy(readTraefik(staticText, dynamicText), 'app.example.net/y', 'public'),
    'http://open:80',
  );
});

test('what another proxy has for networks of the home alone is not a wider route’s here', () => {
  const any = app('any', 'host: "*", port: 80, public: true');
  const far = (access: string) => ({
    ...any,
    ...app('far', `host: far, port: 80, public: true, access: ${access}`, 'websvcs'),
  });
  assert.equal(outside('far.example.net', far('inside')), '_refused');
  assert.equal(outside('far.example.net', far('anyone')), 'http://any:80');
});

test('where nobody can be asked, no header is taken off', () => {
  const web = app('web', 'host: web, port: 80', 'websvcs');
  assert.doesNotMatch(makeProxy(web, 'websvcs').dynamicText, /_anonymous/);
  const none = makeProxy(app('web', 'host: web, port: 80'), 'secsvcs', {
    forward_auth: { response_headers: [] },
  });
  assert.doesNotMatch(none.dynamicText, /_anonymous/);
});

test('Authelia behind another proxy is none of this one’s', () => {
  const tree = {
    ...app('authelia', 'host: auth, port: 9091, via: websvcs'),
    ...app('web', 'host: web, port: 80, access: admins'),
  };
  assert.deepEqual(doubtsOf(tree), ['error access_unguarded']);
});

test('Authelia is known by its port, also where the address says none', () => {
  const auth = (port: number, more = '') =>
    app('authelia', `host: auth, port: ${port}, access: admins${more}`);
  const ask = (tree: Tree, address: string): string =>
    askProxy(readProxy(tree, 'secsvcs', { forward_auth: { address } }), 'auth.example.net/a');
  assert.equal(ask(auth(80), 'http://authelia/verify'), 'http://authelia:80');
  assert.equal(ask(auth(443), 'https://authelia/verify'), 'http://authelia:443');
  assert.equal(ask(auth(443), 'http://authelia/verify'), 'forwardAuth > http://authelia:443');
  const some = auth(9091, ', when: { path: /a }');
  assert.equal(ask(some, 'https://auth.example.net/verify'), 'forwardAuth > http://authelia:9091');
});

test('an access that nobody has, and groups that bypass, never leave a route open', () => {
  const unknown = makeProxy(app('web', 'host: web, port: 80, access: nope'));
  assert.doesNotMatch(unknown.dynamicText, /web\.example\.net/);
  const groups = (proxyHome['homelab.yaml'] as string).replace(
    '{ policy: bypass }',
    '{ policy: bypass, groups: admins }',
  );
  const tree = { ...app('web', 'host: web, port: 80, access: anyone'), 'homelab.yaml': groups };
  assert.equal(askProxy(readProxy(tree), 'web.example.net'), 'forwardAuth > http://web:80');
});
