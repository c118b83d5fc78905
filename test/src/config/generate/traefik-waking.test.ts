import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import {
  askProxy as ask,
  box,
  doubtsOf as codesOf,
  makeProxy,
  readProxy as readerOf,
} from '../../../support/proxy-home.ts';
import type { Tree } from '../../../support/repo-fixture.ts';

const waking = box('page', 'secsvcs', 'route: { host: page, port: 8080, waking: true }');

test('a page answers for public names of a proxy that may sleep', () => {
  const far = {
    ...box('film', 'websvcs', 'route: { host: film, port: 80, public: true }'),
    ...box('hidden', 'websvcs', 'route: { host: hidden, port: 80 }'),
    ...box('any', 'websvcs', 'route: { host: "*.film", port: 80, public: true }'),
  };
  const reader = readerOf({ ...waking, ...far });
  for (const entryPoint of ['home', 'public']) {
    assert.equal(ask(reader, 'film.example.net/x', entryPoint), 'http://page:8080');
    assert.equal(ask(reader, 'a.film.example.net', entryPoint), 'http://page:8080');
    assert.equal(ask(reader, 'hidden.example.net', entryPoint), 'nothing');
  }
  assert.equal(ask(readerOf(far), 'film.example.net'), 'nothing');
  const near = box('near', 'secsvcs', 'route: { host: ["*", "a.film"], port: 80, public: true }');
  const both = readerOf({ ...waking, ...far, ...near });
  assert.equal(ask(both, 'film.example.net', 'public'), 'http://page:8080');
  assert.equal(ask(both, 'b.film.example.net', 'public'), 'http://page:8080');
  assert.equal(ask(both, 'a.film', 'public'), 'http://near:80');
});

test('behind a proxy that is awake, the page answers when the app’s health does not', () => {
  const far = (health: string): Tree =>
    box(
      'film',
      'websvcs',
      'route: { host: film, port: 80, via: secsvcs, access: admins }',
      ...(health === '' ? [] : [health]),
    );
  const reader = readerOf({ ...waking, ...far('health: { path: /ok, status: 204, port: 81 }') });
  const answer = reader.route({ entryPoint: 'home', sni: 'film.example.net' });
  assert.ok(answer?.kind === 'http');
  assert.deepEqual([answer.servers, answer.fallback], [['http://192.168.20.12:80'], ['http://page:8080']]);
  const text = makeProxy({
    ...waking,
    ...box(
      'film',
      'websvcs',
      'health: { path: /ok }',
      'route: { host: film, port: 80, via: secsvcs, scheme: h2c }',
    ),
  }).dynamicText;
  assert.deepEqual(parse(text).http.services['_awake.film.websvcs'].loadBalancer.healthCheck, {
    path: '/ok',
    status: 200,
    interval: '10s',
    timeout: '3s',
    scheme: 'http',
  });
  assert.deepEqual(codesOf({ ...waking, ...far('') }), ['warning health_missing']);
  assert.deepEqual(codesOf({ ...waking, ...far('health: { scheme: tcp }') }), ['warning health_missing']);
});

test('a page that not everybody may see does not answer for others', () => {
  const far = box('film', 'websvcs', 'route: { host: film, port: 80, public: true }');
  for (const more of ['access: admins', 'access: inside', 'when: { path: /a }', 'scheme: tcp']) {
    const page = box('page', 'secsvcs', `route: { host: page, port: 8080, waking: true, ${more} }`);
    assert.deepEqual(codesOf({ ...far, ...page }), ['error waking_unfit'], more);
  }
});
