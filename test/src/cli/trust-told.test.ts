import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import * as v from 'valibot';
import { generateKey, type PublicJwk } from '../../../schema/jose/keys.ts';
import { type Identity, type TrustDocument, trustDocumentSchema } from '../../../schema/trust/document.ts';
import { changesInWords } from '../../../src/cli/trust-changes.ts';
import { deployWorkflow } from '../../support/workflow-pins.ts';
import { makeFixture } from './home-fixture.ts';

/** A document in which every member that there can be is there. */
let document: TrustDocument;
let strange: PublicJwk;

before(async () => {
  const [laptop, other] = await Promise.all([generateKey(), generateKey()]);
  strange = other.signing.jwk;
  const made = structuredClone((await makeFixture()).trust.document);
  made.alarm = { ntfy: 'https://ntfy.example.net/home' };
  made.mirror = 'https://mirror.example.net/trust.jws';
  made.recipients = ['age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p'];
  made.origins[0]!.spki = `sha256:${'a'.repeat(64)}`;
  made.house.guests.websvcs!.identity = 'the-uuid';
  made.identities.laptop = {
    kind: 'key',
    jwk: laptop.signing.jwk,
    may: [{ action: 'guest.start', on: ['gaming'], limit: '6/1h' }],
  };
  made.identities.deploy = {
    ...deployWorkflow({ on: ['websvcs', 'pve2'] }),
    issuer: 'https://git.example.net/t',
    runner_environment: 'self-hosted',
    min_run: 7,
  };
  made.identities.standing = {
    kind: 'standing',
    may: [{ action: 'release.heal', on: ['websvcs'], limit: '4/1d', paths: ['/etc/opt/**'] }],
  };
  const { pve1 } = made.identities;
  assert.ok(pve1?.kind === 'relay');
  pve1.attests = ['time'];
  assert.ok(v.is(trustDocumentSchema, made));
  document = made;
});

type Tree = { [member: string]: unknown };
type Place = { readonly path: readonly (string | number)[]; readonly value: unknown };

const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null;

function placesOf(value: unknown, path: readonly (string | number)[] = []): Place[] {
  const inner = Array.isArray(value)
    ? // What holds of the first and the last of many holds of those between.
      value.flatMap((item, index) =>
        index === 0 || index === value.length - 1 ? placesOf(item, [...path, index]) : [],
      )
    : isTree(value)
      ? Object.entries(value).flatMap(([member, item]) => placesOf(item, [...path, member]))
      : [];
  return path.length === 0 ? inner : [{ path, value }, ...inner];
}

/** What a value may become: each is tried, and counts where the document still fits its schema. */
function othersOf(value: unknown): unknown[] {
  if (typeof value === 'boolean') return [!value];
  if (typeof value === 'number') return [value + 1, value + 2];
  if (Array.isArray(value)) return [value.slice(1), value.slice(0, -1), [...value, 'pve1']];
  if (typeof value !== 'string') return [null];
  return [
    `${value}x`,
    `${value}0`,
    value.replace(/\d/, (digit) => String((Number(digit) + 1) % 10)),
    value.replace(/[a-z](?=[^a-z]*$)/, 'q'),
    value.replace('/**', ''),
    value.replace(/\w(?=[^/]*$)/, 'q'),
    value.replace('2/', '3/').replace('6/', '7/').replace('4/', '5/'),
    ...['lxc', 'never', 'sessions', 'schedule', strange.x, 'pve1', 'host.reboot', 'guest.stop'],
    ...['age1lggyhqrw2nlhcxprm67z43rta597azn8gknawjehu9d9dl0jq3yqqvfafg', `sha256:${'b'.repeat(64)}`],
  ];
}

function withOther({ path }: Place, value: unknown): TrustDocument {
  const copy = structuredClone(document) as unknown as Tree;
  const at = path.slice(0, -1).reduce<unknown>((tree, key) => (tree as Tree)[key], copy) as Tree;
  const last = path.at(-1)!;
  if (value !== undefined) at[last] = value;
  else if (Array.isArray(at)) at.splice(Number(last), 1);
  else delete at[last];
  return copy as unknown as TrustDocument;
}

/** Numbers, chain and end of every version: the last line tells them, as far as they matter. */
const ofEvery = new Set(['v', 'home', 'version', 'previous', 'expires']);

const linesOf = (before: TrustDocument, after: TrustDocument): Promise<string[]> =>
  changesInWords(before, after);

/** What a version means, whatever the order and the number of times in which it says it. */
const meaningOf = (value: unknown): unknown =>
  Array.isArray(value)
    ? [...new Set(value.map((item) => JSON.stringify(meaningOf(item))))].sort()
    : isTree(value)
      ? Object.fromEntries(
          Object.keys(value)
            .filter((member) => member !== 'paths' || (value.paths as unknown[]).length > 0)
            .sort()
            .map((member) => [member, meaningOf(value[member])]),
        )
      : value;

test('whatever member of a document is other than before is told before it is signed', async () => {
  const nothing = await linesOf(document, document);
  assert.equal(nothing.length, 2);
  const untried: string[] = [];
  let tried = 0;
  for (const place of placesOf(document)) {
    if (ofEvery.has(String(place.path[0]))) continue;
    let fitting = 0;
    for (const value of [undefined, ...othersOf(place.value)]) {
      const changed = withOther(place, value);
      const isOther = JSON.stringify(meaningOf(changed)) !== JSON.stringify(meaningOf(document));
      if (!isOther || !v.is(trustDocumentSchema, changed)) continue;
      fitting += 1;
      for (const [one, other] of [
        [document, changed],
        [changed, document],
      ] as const) {
        const lines = await linesOf(one, other);
        const where = `${place.path.join('.')}: ${JSON.stringify(value)}\n${lines.join('\n')}`;
        assert.notDeepEqual(lines, nothing, where);
        // What is lost and what is gained in the very same words is no telling.
        const gained = new Set(lines.map((line) => line.replace(' may no longer ', ' may ')));
        assert.equal(gained.size, lines.length, where);
      }
    }
    tried += fitting;
    if (fitting === 0) untried.push(place.path.join('.'));
  }
  // Parts of a whole that is tried itself: a literal, or a member without which nothing fits.
  const fixed =
    /(^|\.)(kind|kty|crv|may\.\d+\.on\.\d+|jwk|roots|house(\.hosts|\.guests)?|identities|origins(\.0)?|attests\.0)$/;
  assert.deepEqual(
    untried.filter((path) => !fixed.test(path)),
    [],
  );
  assert.ok(tried > 500, `${tried}`);
});

test('workflows, keys and notaries that come or go are told with all that they are', async () => {
  const without = structuredClone(document);
  delete without.identities.deploy;
  const { pve1 } = without.identities;
  assert.ok(pve1?.kind === 'relay');
  delete pve1.attests;
  const text = (await linesOf(without, document)).join('\n');
  for (const words of [
    'deploy is new: GitHub workflow writ.yml of repository 1296269 on main.',
    'Tokens of deploy must say the owner 583231, the environment home, the event push or workflow_dispatch, a runner of yours, run 7 or a later one, the issuer https://git.example.net/t.',
    'deploy may apply releases to websvcs under /etc/opt.',
    'deploy may apply releases to pve2 under /etc/opt; root on this machine (which is not taken there yet: workflows release to virtual machines alone).',
    "pve1's relay becomes a notary, which says when it saw tokens, and nothing else.",
  ]) {
    assert.ok(text.includes(words), `${words}\n${text}`);
  }
  const back = (await linesOf(document, without)).join('\n');
  assert.match(back, /deploy is revoked: no release of its workflow is taken any more\./);
  assert.match(back, /pve1's relay is a notary no longer/);

  // Every member of a new workflow is in its words: two that differ are told differently.
  const told = new Map<string, string>();
  const pins = document.identities.deploy as Extract<Identity, { kind: 'github' }>;
  for (const place of placesOf(pins)) {
    for (const value of [undefined, ...othersOf(place.value)]) {
      const full: Place = { path: ['identities', 'deploy', ...place.path], value: place.value };
      const changed = withOther(full, value);
      if (!v.is(trustDocumentSchema, changed)) continue;
      const lines = (await linesOf(without, changed)).join('\n');
      const meaning = JSON.stringify(meaningOf(changed.identities.deploy));
      assert.equal(told.get(lines) ?? meaning, meaning, `${full.path.join('.')}\n${lines}`);
      told.set(lines, meaning);
    }
  }
  assert.ok(told.size > 20);
});
