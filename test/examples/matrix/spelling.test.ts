import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildExample, exampleRepo } from '../example.ts';
import { gains, type Probe, type Verdict } from './cell.ts';
import { compareAll, tellDisagreements } from './compare.ts';
import { filesOfRelease, saidOf, withFile } from './home-files.ts';
import { probesOf } from './probes.ts';
import type { Files } from './programs.ts';
import type { Route } from './said.ts';

/** Names written otherwise than the manifest has them, and a name in the hello that is not the one asked for. */

const { release } = await buildExample();
const files = filesOfRelease(release!);
const said = saidOf(exampleRepo());

const upper = (name: string): string => name.toUpperCase();
const dotted = (name: string): string => `${name}.`;
/** In the hello, in the header, and in both. */
const spelledBy =
  (spell: (name: string) => string) =>
  (route: Route): Probe[] =>
    probesOf(route).flatMap((probe) => {
      const { host } = probe;
      return [
        { hello: spell(host), header: host },
        { hello: host, header: spell(host) },
        { hello: spell(host), header: spell(host) },
      ].map((spelling) => ({ ...probe, spelling }));
    });

/** Nobody gets further than by the name itself, and nowhere else. */
const isNoFurther = (oracle: Verdict, found: Verdict): boolean =>
  gains.indexOf(found.outcome) < gains.indexOf(oracle.outcome) ||
  found.outcome === 'nothing' ||
  (found.outcome === oracle.outcome && found.answers === oracle.answers && found.asks === oracle.asks);

/** Public names, of which the hello tells one while another is asked for; what is not opened has no header. */
const hellos = said.routes.filter((route) => route.public && !route.unread).map(({ hosts: [name] }) => name!);
const fronted = (route: Route): Probe[] =>
  probesOf(route).flatMap((probe) =>
    hellos.map((hello) => ({ ...probe, spelling: { hello, header: probe.host } })),
  );

/** The page that tells who sleeps is for everybody: its proxy has it at any name of a machine that may. */
const { container, port } = said.routes.find(({ waking }) => waking)!;
const isPage = ({ answers }: Verdict): boolean => answers === `${container}:${port}`;

const compareUpper = (all: Files) => compareAll(all, said, { probes: spelledBy(upper) });
const compareDotted = (all: Files) =>
  compareAll(all, said, { probes: spelledBy(dotted), isEnough: isNoFurther });
const compareFronted = (all: Files) =>
  compareAll(all, said, {
    probes: fronted,
    vantages: ['public'],
    isEnough: (oracle, found) => isPage(found) || isNoFurther(oracle, found),
  });

test('a name in upper case is the same name, at every route, from everywhere, for everybody', () => {
  const { probes, disagreements } = compareUpper(files);
  assert.equal(tellDisagreements(disagreements.slice(0, 3)), '');
  assert.ok(probes > 5000, String(probes));
});

test('with a dot behind its name nobody gets further than without', () => {
  const { probes, disagreements } = compareDotted(files);
  assert.equal(tellDisagreements(disagreements.slice(0, 3)), '');
  assert.ok(probes > 5000, String(probes));
});

test('behind a public name in the hello nobody from outside gets further at any other name', () => {
  const { probes, disagreements } = compareFronted(files);
  assert.equal(tellDisagreements(disagreements.slice(0, 3)), '');
  assert.ok(probes > 5000, String(probes));
});

test('it is noticed when HAProxy compares names by their letters’ case', () => {
  const strict = withFile(files, /\/haproxy\.cfg$/, 'cloud', (text) =>
    text.replace('req.ssl_sni,lower,', 'req.ssl_sni,'),
  );
  const told = compareUpper(strict).disagreements.map(
    ({ vantage, files: found }) => `${vantage} ${found.outcome}`,
  );
  assert.deepEqual([...new Set(told)].sort(), ['home nothing', 'public nothing', 'tailnet nothing']);
});

test('it is noticed when Traefik has a name of the home at its public door, behind another name', () => {
  const open = withFile(files, /\/dynamic\/home\.yml$/, 'secsvcs', (text) =>
    text.replace(/(- 'home'\n)(\s+rule: 'Host\(`users)/, "$1        - 'public'\n$2"),
  );
  assert.deepEqual(
    [...new Set(compareFronted(open).disagreements.map(({ route }) => route))],
    ['lldap@secsvcs'],
  );
});

test('it is noticed when a name with a dot is asked nothing', () => {
  const open = withFile(files, /\/access-control\.yml$/, 'secsvcs', (text) =>
    text.replace(/default_policy: '?deny'?/, 'default_policy: bypass'),
  );
  assert.ok(compareDotted(open).disagreements.some(({ files: found }) => found.outcome === 'in'));
});
