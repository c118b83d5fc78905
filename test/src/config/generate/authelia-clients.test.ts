import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { authelia } from '../../../../src/config/generate/authelia.ts';
import type { Doubt } from '../../../../src/config/generate/generator.ts';
import { generateFor, homeOf } from '../../../support/compiled-home.ts';

const homelab = [
  'v: 1',
  'site: { domain: example.net }',
  'networks: { lan: { subnet: 192.168.20.0/24 } }',
  'hosts: { pve1: { network: lan, address: 192.168.20.2 }, pve2: { network: lan, address: 192.168.20.3 } }',
  'access:',
  '  admins: { groups: admins }',
  '  family: { groups: [family, admins], policy: one_factor }',
  '  anyone: { policy: one_factor }',
  '  nobody: { groups: family, policy: deny }',
  '  here: { policy: bypass, from: lan }',
  '  desk: { groups: admins, policy: one_factor, from: [lan, 10.1.2.3] }',
  '',
].join('\n');

type Oidc = {
  clients: Record<string, unknown>[];
  authorization_policies?: Record<string, { default_policy: string; rules: object[] }>;
};
type Made = { text: string; oidc: Oidc; doubts: readonly Doubt[] };

function made(apps: Readonly<Record<string, string>>, options: object = {}, open = false): Made {
  const { home } = homeOf({
    'homelab.yaml': homelab,
    'apps/authelia/app.yaml': `on: pve1\nservice: authelia.service\nroute: { host: auth, port: 9091, public: ${open} }\n`,
    ...Object.fromEntries(Object.entries(apps).map(([app, text]) => [`apps/${app}/app.yaml`, text])),
  });
  const place = { app: 'authelia', target: 'pve1' };
  const { made: one, doubts } = generateFor(authelia, 'clients', home, place, { ...options });
  const text = one.kind === 'file' ? one.text : '';
  return { text, oidc: parse(text)?.identity_providers?.oidc, doubts };
}

const wiki = (use: string, more = '', on = 'pve1'): string =>
  `on: ${on}\nservice: wiki.service\nroute: { host: wiki, port: 80 }\nuses: [{ oidc: { secret: wiki_secret, ${use} } }]\n${more}`;
const told = ({ doubts }: Made): string[] =>
  doubts.map(({ severity, code, message }) => `${severity} ${code}: ${message}`);

test('an app that signs people in is a client, with its hash by reference', () => {
  const one = made({
    wiki: wiki(
      'redirect: [/callback, "https://elsewhere.example.org/back"], access: family',
      'title: Our wiki\n',
    ),
  });
  assert.deepEqual(one.doubts, []);
  assert.deepEqual(one.oidc, {
    authorization_policies: {
      'for-family': {
        default_policy: 'deny',
        rules: [{ policy: 'one_factor', subject: [['group:family'], ['group:admins']] }],
      },
    },
    clients: [
      {
        client_id: 'wiki',
        client_name: 'Our wiki',
        client_secret: '~writ:secret:wiki_secret_hash~',
        authorization_policy: 'for-family',
        redirect_uris: ['https://wiki.example.net/callback', 'https://elsewhere.example.org/back'],
        scopes: ['openid', 'profile', 'email', 'groups'],
        token_endpoint_auth_method: 'client_secret_basic',
      },
    ],
  });
});

test('a path is sent back to at every whole name of the app, on each of its machines', () => {
  const routes =
    'routes: [{ host: [wiki, "*.wiki"], port: 80 }, { name: api, host: api, port: 81 }, { name: raw, host: raw, port: 82, scheme: tcp }]\n';
  const text = wiki('redirect: /cb').replace(/route: .*\n/, routes);
  assert.deepEqual(made({ wiki: text }).oidc.clients[0]!.redirect_uris, [
    'https://api.example.net/cb',
    'https://wiki.example.net/cb',
  ]);
  const both = made({ wiki: wiki('redirect: "https://wiki.example.net/cb"', '', '[pve1, pve2]') });
  assert.equal(both.oidc.clients.length, 1);
  assert.deepEqual(both.oidc.clients[0]!.redirect_uris, ['https://wiki.example.net/cb']);
});

test('who may sign in is what the access says, and two factors where there is none', () => {
  const policyOf = (access: string, options: object = {}): unknown => {
    const { oidc } = made({ wiki: wiki(`redirect: /cb${access}`) }, options);
    const name = oidc.clients[0]!.authorization_policy as string;
    return oidc.authorization_policies?.[name] ?? name;
  };
  assert.equal(policyOf(''), 'two_factor');
  assert.equal(policyOf('', { policy: 'one_factor' }), 'one_factor');
  assert.equal(policyOf(', access: anyone'), 'one_factor');
  assert.deepEqual(policyOf(', access: desk'), {
    default_policy: 'deny',
    rules: [{ policy: 'one_factor', subject: [['group:admins']], networks: ['10.1.2.3', '192.168.20.0/24'] }],
  });
  assert.deepEqual(policyOf(', access: nobody'), {
    default_policy: 'deny',
    rules: [{ policy: 'deny', networks: ['0.0.0.0/0', '::/0'] }],
  });
});

test('networks at a public sign-in are doubted, for there the public machine says where somebody is', () => {
  const use = wiki('redirect: /cb, access: desk');
  assert.deepEqual(told(made({ wiki: use })), []);
  assert.match(
    told(made({ wiki: use }, {}, true)).join(),
    /^warning access_from_outside: people sign in to wiki/,
  );
});

test('what the sign-in cannot be told is an error', () => {
  for (const [use, says] of [
    ['access: family', /wiki does not say where people are sent back to/],
    ['redirect: callback', /callback is neither a path nor a whole URL/],
    ['redirect: "https://a.example.net/#x"', /neither a path nor a whole URL without #/],
    ['redirect: "/a b"', /\/a b is no address/],
    ['redirect: "/{{ env }}"', /is no address/],
    ['redirect: "/a\\nb"', /is no address/],
    ['redirect: /cb, access: here', /the access here is, which asks nobody/],
  ] as const) {
    const found = told(made({ wiki: wiki(use) }));
    assert.equal(found.length, 1, use);
    assert.match(found[0]!, /^error sign_in_value: /, use);
    assert.match(found[0]!, says, use);
  }
  const nameless = wiki('redirect: /cb').replace(/route: .*\n/, '');
  assert.deepEqual(told(made({ wiki: nameless })), [
    'error sign_in_value: wiki has no name at which /cb would be',
  ]);
});

test('titles are only shown, whatever they hold', () => {
  for (const [title, shown] of [
    ["it's: #1 & more", "it's: #1 & more"],
    ['yes', 'yes'],
    ['$HOME "quoted"', '$HOME "quoted"'],
    ['{{{ secret "/x" }}', '{ { { secret "/x" }}'],
  ] as const) {
    const { text, oidc } = made({ wiki: wiki('redirect: /cb', `title: ${JSON.stringify(title)}\n`) });
    assert.equal(oidc.clients[0]!.client_name, shown);
    // Where Authelia reads its files as templates, one would begin by this.
    assert.ok(!text.includes('{{'));
  }
});

test('the owner’s own members are merged over all clients, over one, and over the whole', () => {
  const { oidc, doubts } = made(
    { wiki: wiki('redirect: /cb') },
    {
      client: { consent_mode: 'implicit', scopes: ['openid'] },
      clients: { wiki: { require_pkce: true, consent_mode: null }, none: {} },
      extra_oidc: { lifespans: { access_token: '2h' } },
    },
  );
  const [client] = oidc.clients;
  assert.deepEqual(
    [client!.require_pkce, client!.consent_mode, client!.scopes],
    [true, undefined, ['openid']],
  );
  assert.deepEqual((oidc as Record<string, unknown>).lifespans, { access_token: '2h' });
  assert.deepEqual(
    doubts.map(({ code, message }) => `${code}: ${message}`),
    ['wrong_option: options.clients.none is of no client: no app has uses: [{ oidc: … }] by that name'],
  );
});

test('without clients there is nothing, for Authelia takes no empty list', () => {
  const { text } = made({});
  assert.equal(text.split('\n')[1], '{}');
  const { home } = homeOf({
    'homelab.yaml': homelab,
    'apps/wiki/app.yaml': 'on: pve1\nservice: w.service\n',
  });
  assert.deepEqual(authelia.outputs.clients!.needed(home), []);
});

test('it is needed where an app signs people in and the rules are placed', () => {
  const needed = (files: string): unknown =>
    authelia.outputs.clients!.needed(
      homeOf({
        'homelab.yaml': homelab,
        'apps/authelia/app.yaml': `on: pve1\nservice: authelia.service\nroute: { host: auth, port: 9091 }\n${files}`,
        'apps/wiki/app.yaml': wiki('redirect: /cb'),
      }).home,
    );
  assert.deepEqual(needed('files: [{ generate: authelia/access-control, to: /etc/authelia/rules.yml }]\n'), [
    { target: 'pve1', why: 'wiki signs people in by it' },
  ]);
  assert.deepEqual(needed(''), []);
});
