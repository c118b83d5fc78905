import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { gatus } from '../../../../src/config/generate/gatus.ts';
import type { Tree } from '../../../support/repo-fixture.ts';
import { homelabWith, madeFor } from '../../../support/seen-home.ts';

/** Of YAML, whatever it holds. */
type Endpoint = ReturnType<typeof parse>;

/** A variable of the environment, as Gatus reads it. */
const variable = (name: string): string => `$\{${name}}`;

const make = (changes: Tree = {}, options: Readonly<Record<string, unknown>> = {}) => {
  const made = madeFor(gatus, 'endpoints', { app: 'gatus', target: 'secsvcs' }, changes, options);
  return { ...made, tree: parse(made.text) };
};
const endpointsOf = (changes: Tree = {}, options: Readonly<Record<string, unknown>> = {}): Endpoint[] => {
  const { tree, doubts } = make(changes, options);
  assert.deepEqual(doubts, []);
  return tree.endpoints;
};
const oneOf = (
  name: string,
  changes: Tree = {},
  options: Readonly<Record<string, unknown>> = {},
): Endpoint => {
  const found = endpointsOf(changes, options).filter((endpoint) => endpoint.name === name);
  assert.equal(found.length, 1, `${name}: ${found.length}`);
  return found[0]!;
};
const app = (name: string, ...lines: readonly string[]): Tree => ({
  [`apps/${name}/app.yaml`]: [...lines, ''].join('\n'),
});

const channels = (channelsText: string, send: string): Tree =>
  homelabWith(`notifications: { channels: { ${channelsText} }, send: [${send}] }`);

test('who is told of health is told, by the way that the channel says', () => {
  const phone = 'phone: { ntfy: "https://ntfy.example.org/sub/a-topic" }';
  const { tree } = make(channels(phone, '{ to: phone, about: [backups, health] }'), {
    tokens: { phone: 'NTFY_TOKEN' },
  });
  assert.deepEqual(tree.alerting, {
    ntfy: {
      url: 'https://ntfy.example.org/sub',
      topic: 'a-topic',
      token: variable('NTFY_TOKEN'),
      'default-alert': { 'failure-threshold': 3, 'success-threshold': 2, 'send-on-resolved': true },
    },
  });
  assert.deepEqual(tree.endpoints[0].alerts, [
    { type: 'ntfy', description: 'PostgreSQL on secsvcs does not answer as it should' },
  ]);
  for (const send of ['', '{ to: phone, about: backups }', '{ to: phone, from: critical }']) {
    const without = make(channels(phone, send)).tree;
    assert.deepEqual([without.alerting, without.endpoints[0].alerts], [undefined, undefined]);
  }
});

test('Gatus tells of what it is to tell of, where others judge its metrics', () => {
  const changes = channels('phone: { ntfy: "https://ntfy.sh/a" }', '{ to: phone }');
  const toldOf = (alerts: unknown): string[] =>
    endpointsOf(changes, { alerts })
      .filter((endpoint) => endpoint.alerts !== undefined)
      .map(({ name }) => name);
  assert.equal(toldOf(true).length, 4);
  assert.deepEqual(toldOf(['postgres', 'git.example.net']), ['postgres', 'git.example.net']);
  assert.deepEqual([toldOf(false), make(changes, { alerts: false }).tree.alerting], [[], undefined]);
  assert.deepEqual(make(changes, { alerts: ['postgre'] }).doubts, [
    'error wrong_option: options.alerts: nothing named postgre is asked',
  ]);
});

test('of two channels of one kind neither is told with the token of the other', () => {
  const two = channels(
    'phone: { ntfy: "https://ntfy.sh/a" }, wall: { ntfy: "https://ntfy.example.org/b" }',
    '{ to: [wall, phone] }',
  );
  const { tree } = make(two, { tokens: { phone: 'PHONE_TOKEN' } });
  assert.equal(tree.alerting.ntfy.token, undefined);
  assert.deepEqual(
    tree.endpoints[0].alerts.map((alert: Endpoint) => alert['provider-override']),
    [
      { url: 'https://ntfy.sh', topic: 'a', token: variable('PHONE_TOKEN') },
      { url: 'https://ntfy.example.org', topic: 'b' },
    ],
  );
});

test('a webhook is posted JSON, an address is sent mail by the server that is said', () => {
  const both = channels(
    'hook: { webhook: "https://hooks.example.org/x" }, mail: { email: [a@example.net, b@example.net] }',
    '{ to: [hook, mail] }',
  );
  const email = {
    from: 'g@example.net',
    host: 'smtp.example.net',
    port: 587,
    password: variable('SMTP_PASSWORD'),
  };
  const { tree, doubts } = make(both, { tokens: { hook: 'HOOK_TOKEN' }, email });
  assert.deepEqual(doubts, []);
  const { custom } = tree.alerting;
  assert.deepEqual([custom.url, custom.method], ['https://hooks.example.org/x', 'POST']);
  assert.equal(custom.headers.Authorization, `Bearer ${variable('HOOK_TOKEN')}`);
  assert.equal(JSON.parse(custom.body).text, '[ALERT_DESCRIPTION]');
  assert.equal(tree.alerting.email.to, 'a@example.net,b@example.net');
  assert.equal(tree.alerting.email.password, variable('SMTP_PASSWORD'));
  assert.match(make(both).doubts.join(), /^error wrong_option: the channel mail is an address of email/);
});

test('a channel of ntfy without a topic is told', () => {
  for (const url of ['https://ntfy.sh', 'https://ntfy.sh/a?b=c']) {
    const { doubts } = make(channels(`phone: { ntfy: "${url}" }`, '{ to: phone }'));
    assert.match(doubts.join(), /^error wrong_value: \S+ of the channel phone names no topic/, url);
  }
});

test('a text of the manifest is no variable, and holds no quote where Gatus takes none', () => {
  const hostile = app(
    'web',
    `title: ${JSON.stringify(`${variable('HOME')} "x\\y" $$ no: [a]`)}`,
    'on: secsvcs',
    'route: { host: web, port: 80 }',
    `health: { path: "/$HOME/${variable('X')}" }`,
  );
  const { url, alerts } = oneOf('web.example.net', {
    ...hostile,
    ...channels('hook: { webhook: "https://hooks.example.org/$HOME" }', '{ to: hook }'),
  });
  assert.equal(url, `https://web.example.net/$$HOME/$${variable('X')}`);
  assert.equal(alerts[0].description, `$${variable('HOME')}  x y  $$$$ no: [a] does not answer as it should`);
});
