import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildExample, exampleRepo } from '../example.ts';
import { compareAll, type Disagreement } from './compare.ts';
import { filesOfRelease, saidOf, withFile } from './home-files.ts';

const { release } = await buildExample();
const files = filesOfRelease(release!);
const said = saidOf(exampleRepo());

const traefik = /\/dynamic\/home\.yml$/;
const traefikStatic = /\/traefik\.yml$/;
const haproxy = /\/haproxy\.cfg$/;
const map = /\/names\.map$/;
const authelia = /\/authelia\//;
const policy = /\/policy\.json$/;
const records = /\/records\.json$/;
const zone = /\/unbound\.conf\.d\/home\.conf$/;

type Change = (text: string) => string;
const replace =
  (before: string | RegExp, after: string): Change =>
  (text) =>
    text.replace(before, after);

/** Takes what a router says of its middlewares away, or one of them. */
const without =
  (router: string, middleware: string): Change =>
  (text) => {
    const from = text.indexOf(`\n    ${router}:\n`);
    const at = text.indexOf(`        - '${middleware}'\n`, from);
    return from < 0 || at < 0
      ? text
      : text.slice(0, at) + text.slice(at + `        - '${middleware}'\n`.length);
  };

/** Changes rules of Authelia as lists of lines, one rule each. */
const rules =
  (change: (all: string[]) => string[]): Change =>
  (text) => {
    const start = text.indexOf('  rules:\n') + '  rules:\n'.length;
    const length = text.slice(start).search(/^(?! {4}|$)/m);
    const end = length < 0 ? text.length : start + length;
    const all = text
      .slice(start, end)
      .trimEnd()
      .split(/\n(?= {4}- )/);
    return `${text.slice(0, start)}${change(all).join('\n')}\n${text.slice(end)}`;
  };

type Case = {
  readonly of: RegExp;
  readonly on: string;
  readonly change: Change;
  /** A route and a vantage that must disagree, and what becomes of the request by the manifest and by the files. */
  readonly at: readonly [route: string, vantage: string, means: string, becomes: string];
};

const cases: Readonly<Record<string, Case>> = {
  'Traefik does not ask who somebody is': {
    of: traefik,
    on: 'secsvcs',
    change: without('grafana', '_auth'),
    at: ['grafana@secsvcs', 'public', 'asked', 'in'],
  },
  'Traefik does not look at addresses': {
    of: traefik,
    on: 'websvcs',
    change: without('jellyfin', '_from.guests'),
    at: ['jellyfin@websvcs', 'tailnet', 'denied', 'in'],
  },
  'Traefik takes addresses of the tailnet for those of the home': {
    of: traefik,
    on: 'websvcs',
    change: replace("'192.168.20.0/24'", "'100.64.0.0/10'"),
    at: ['jellyfin@websvcs', 'tailnet', 'denied', 'in'],
  },
  'Traefik has a name of the home at the door to the internet': {
    of: traefik,
    on: 'secsvcs',
    change: replace(/(- 'home'\n)(\s+rule: 'Host\(`alerts)/, "$1        - 'public'\n$2"),
    at: ['victoriametrics/alerts@secsvcs', 'taken', 'nothing', 'asked'],
  },
  'Traefik leads a name to another app': {
    of: traefik,
    on: 'secsvcs',
    change: replace("url: 'http://grafana:3000'", "url: 'http://lldap:17170'"),
    at: ['grafana@secsvcs', 'home', 'in', 'in'],
  },
  'Traefik tries the wider route first': {
    of: traefik,
    on: 'homesvcs',
    change: replace('priority: 1000', 'priority: 100'),
    at: ['homeassistant/phone@homesvcs', 'public', 'in', 'asked'],
  },
  'Traefik lets a path pass that is not meant': {
    of: traefik,
    on: 'homesvcs',
    change: replace(' && !PathPrefix(`/api/hassio`)', ''),
    at: ['homeassistant/phone@homesvcs', 'public', 'asked', 'in'],
  },
  'Traefik believes nobody who tells whose connection it passes on': {
    of: traefikStatic,
    on: 'homesvcs',
    change: replace("- '100.64.0.1'", "- '100.64.0.9'"),
    at: ['homeassistant/page@homesvcs', 'public', 'asked', 'nothing'],
  },
  'the Traefik before Authelia does not believe the others': {
    of: traefikStatic,
    on: 'secsvcs',
    change: replace("- '192.168.21.12'", "- '192.168.21.13'"),
    at: ['homeassistant/page@homesvcs', 'home', 'in', 'denied'],
  },
  'the door to the internet is on another port': {
    of: traefikStatic,
    on: 'websvcs',
    change: replace("':8443'", "':8444'"),
    at: ['forgejo@websvcs', 'public', 'in', 'nothing'],
  },
  'HAProxy passes a name of the home on': {
    of: map,
    on: 'cloud',
    change: (text) => `${text}users.example.net be_secsvcs\n`,
    at: ['lldap@secsvcs', 'public', 'nothing', 'nothing'],
  },
  'HAProxy does not know a public name': {
    of: map,
    on: 'cloud',
    change: replace(/^git\..*\n/m, ''),
    at: ['forgejo@websvcs', 'public', 'in', 'nothing'],
  },
  'HAProxy passes a name on to another machine': {
    of: map,
    on: 'cloud',
    change: replace('home.example.net be_homesvcs', 'home.example.net be_secsvcs'),
    at: ['homeassistant/page@homesvcs', 'public', 'asked', 'nothing'],
  },
  'HAProxy goes to the door for people at home': {
    of: haproxy,
    on: 'cloud',
    change: replace('100.64.0.11:8443', '100.64.0.11:443'),
    at: ['grafana@secsvcs', 'public', 'asked', 'nothing'],
  },
  'HAProxy passes on whatever it is asked for': {
    of: haproxy,
    on: 'cloud',
    change: (text) =>
      text
        .replace('    tcp-request content silent-drop unless { var(txn.backend) -m found }\n', '')
        .replace('use_backend %[var(txn.backend)]', '$&\n    default_backend be_secsvcs'),
    at: ['lldap@secsvcs', 'public', 'nothing', 'nothing'],
  },
  'Authelia lets another group pass': {
    of: authelia,
    on: 'secsvcs',
    change: rules((all) =>
      all.map((rule) =>
        rule.includes('graph.example.net') ? rule.replaceAll('group:admins', 'group:family') : rule,
      ),
    ),
    at: ['grafana@secsvcs', 'home', 'denied', 'in'],
  },
  'Authelia asks for one factor alone': {
    of: authelia,
    on: 'secsvcs',
    change: rules((all) =>
      all.map((rule) =>
        rule.includes('users.example.net') ? rule.replace('two_factor', 'one_factor') : rule,
      ),
    ),
    at: ['lldap@secsvcs', 'tailnet', 'asked', 'asked'],
  },
  'Authelia has a wider rule before the others': {
    of: authelia,
    on: 'secsvcs',
    change: rules((all) => ["    - domain: ['*.example.net']\n      policy: 'one_factor'", ...all]),
    at: ['victoriametrics/alerts@secsvcs', 'home', 'denied', 'in'],
  },
  'Authelia lacks a rule': {
    of: authelia,
    on: 'secsvcs',
    change: rules((all) => all.filter((rule) => !rule.includes('status.example.net'))),
    at: ['gatus@secsvcs', 'public', 'asked', 'denied'],
  },
  'Authelia has the rules of two names in each other’s place': {
    of: authelia,
    on: 'secsvcs',
    change: rules((all) =>
      all.map((rule) =>
        rule.includes('status.example.net')
          ? rule.replace('status.', 'users.')
          : rule.replace('users.', 'status.'),
      ),
    ),
    at: ['lldap@secsvcs', 'home', 'denied', 'in'],
  },
  'Headscale opens the doors for people at home to the public machine': {
    of: policy,
    on: 'cloud',
    change: replace('"tag:guest:8443"', '"tag:guest:443,8443"'),
    at: ['lldap@secsvcs', 'taken', 'nothing', 'asked'],
  },
  'Headscale closes the way of what is public': {
    of: policy,
    on: 'cloud',
    change: replace(/("src": \["tag:edge"\], "dst": \["tag:guest:)8443/, '$18444'),
    at: ['forgejo@websvcs', 'public', 'in', 'nothing'],
  },
  'Headscale lets the owner alone in': {
    of: policy,
    on: 'cloud',
    change: replace('["autogroup:member"]', '["group:admins"]'),
    at: ['gatus@secsvcs', 'tailnet', 'asked', 'nothing'],
  },
  'Headscale says another machine of a name': {
    of: records,
    on: 'cloud',
    change: replace(/("home\.example\.net".*?)100\.64\.0\.12/s, '$1100.64.0.11'),
    at: ['homeassistant/page@homesvcs', 'tailnet', 'asked', 'nothing'],
  },
  'Unbound lacks a name': {
    of: zone,
    on: 'secsvcs',
    change: replace(/^.*local-data: "films\..*\n/m, ''),
    at: ['jellyfin@websvcs', 'home', 'in', 'nothing'],
  },
  'Unbound says the public address of a name': {
    of: zone,
    on: 'secsvcs',
    change: replace(/local-data: "git\..*"/, 'local-zone: "git.example.net." transparent'),
    at: ['forgejo@websvcs', 'home', 'in', 'nothing'],
  },
  'Unbound denies names that are known outside alone': {
    of: zone,
    on: 'secsvcs',
    change: replace('"writ.example.net." transparent', '"writ.example.net." static'),
    at: ['writ@cloud', 'home', 'in', 'nothing'],
  },
};

const tell = ({ route, vantage, oracle, files: found }: Disagreement): string =>
  `${route} ${vantage} ${oracle.outcome} ${found.outcome}`;

for (const [name, { of, on, change, at }] of Object.entries(cases)) {
  test(`it is noticed when ${name}`, () => {
    const { disagreements } = compareAll(withFile(files, of, on, change), said);
    const told = [...new Set(disagreements.map(tell))];
    assert.ok(told.includes(at.join(' ')), `${at.join(' ')} is not among ${told.join('; ')}`);
  });
}
