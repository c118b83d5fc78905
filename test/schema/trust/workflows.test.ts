import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import type { TrustDocument } from '../../../schema/trust/document.ts';
import { evaluateIntent, evaluateOrder, findGrant, isNotary, keyOf } from '../../../schema/trust/evaluate.ts';
import { acceptGenesisTrust } from '../../../schema/trust/read.ts';
import { pins } from '../github/fixture.ts';
import { documentOf, genesis, type Keys, makeKeys, signAny } from './sample.ts';

let keys: Keys;
let first: TrustDocument;

before(async () => {
  keys = await makeKeys();
  first = documentOf(keys);
});

const may = [{ action: 'release.apply', on: ['gaming'], paths: ['/etc/opt/**'] }];
const deploys = { kind: 'github' as const, ...pins, may };
const withIdentities = (more: object) => ({ ...first, identities: { ...first.identities, ...more } });
const judge = async (identities: object): Promise<string> => {
  const read = await acceptGenesisTrust(await signAny(withIdentities(identities), [keys.desk]));
  return read.ok ? 'accepted' : (read.detail ?? read.reason);
};

describe('a workflow that trust names', () => {
  test('is named by all its pins, and by no key', async () => {
    assert.equal(await judge({ deploys }), 'accepted');
    for (const pin of Object.keys(pins)) {
      assert.equal(
        await judge({ deploys: { ...deploys, [pin]: undefined } }),
        `identities.deploys.${pin} is missing`,
      );
    }
    assert.match(await judge({ deploys: { ...deploys, jwk: keys.spare.jwk } }), /deploys\.jwk/);
    assert.match(await judge({ deploys: { ...deploys, attests: ['time'] } }), /deploys\.attests/);
    assert.match(await judge({ deploys: { ...deploys, may: undefined } }), /deploys\.may/);
    // What holds of the controller's key holds of no token.
    assert.equal(await judge({ controller: deploys }), 'there is no controller with a key');
  });

  test('orders releases alone', async () => {
    for (const action of ['guest.start', 'host.shutdown', 'app.command', 'release.applied']) {
      const more = { ...deploys, may: [...may, { action, on: ['gaming'], limit: '1/1h' }] };
      assert.equal(
        await judge({ deploys: more }),
        'deploys is a workflow of GitHub, which may order releases alone',
      );
    }
    assert.match(await judge({ deploys: { ...deploys, may: [...may, ...may] } }), /gaming twice/);
    const strange = [{ ...may[0], on: ['nobody'] }];
    assert.match(await judge({ deploys: { ...deploys, may: strange } }), /nobody, which is not of the house/);
  });

  test('stands once: of two, one’s grants would count for nothing', async () => {
    const twice = 'the workflow of again stands twice';
    assert.equal(await judge({ deploys, again: deploys }), twice);
    assert.equal(
      await judge({ deploys, again: { ...deploys, min_run: 7, event_name: ['schedule'] } }),
      twice,
    );
    const issuer = 'https://token.actions.githubusercontent.com';
    assert.equal(await judge({ deploys, again: { ...deploys, issuer } }), twice);
    for (const other of [
      { issuer: 'https://ghe.example.net' },
      { repository_id: '7' },
      { workflow: '.github/workflows/other.yml' },
      { ref: 'refs/heads/other' },
      { environment: 'other' },
    ]) {
      assert.equal(
        await judge({ deploys, again: { ...deploys, ...other } }),
        'accepted',
        JSON.stringify(other),
      );
    }
  });
});

describe('a look-up by name', () => {
  test('threat 22: finds what trust names, and nothing that every object has', async () => {
    const trust = await genesis(withIdentities({ deploys }) as TrustDocument, [keys.desk]);
    assert.deepEqual(findGrant(trust, 'deploys', 'release.apply', 'gaming'), may[0]);
    for (const name of ['constructor', '__proto__', 'toString', 'hasOwnProperty', 'nobody', '']) {
      assert.equal(findGrant(trust, name, 'release.apply', 'gaming'), null, name);
      assert.equal(isNotary(trust, name), false, name);
      assert.equal(keyOf(trust, 'relay', name)(keys.pve1.kid), undefined, name);
      const step = { relay: 'pve2', action: 'guest.start', target: 'gaming', params: {}, after: [] };
      const intent = { home: trust.document.home, steps: [step], nonce: 'n', issued_at: 0, expires: 1 };
      assert.partialDeepStrictEqual(evaluateIntent(trust, name, intent), {
        ok: false,
        reason: 'not_granted',
      });
    }
    assert.notEqual(keyOf(trust, 'relay', 'pve1')(keys.pve1.kid), undefined);
    assert.equal(keyOf(trust, 'key')(keys.pve1.kid), undefined);
    const polluted = {
      ...trust,
      document: { ...trust.document, identities: Object.create(trust.document.identities) },
    };
    assert.equal(findGrant(polluted, 'deploys', 'release.apply', 'gaming'), null);
    assert.equal(keyOf(polluted, 'relay')(keys.pve1.kid), undefined);
  });

  test('a notary is a relay of which trust says so', async () => {
    const notary = { kind: 'relay', jwk: keys.pve1.jwk, attests: ['time'] };
    const trust = await genesis(withIdentities({ deploys, pve1: notary }) as TrustDocument, [keys.desk]);
    assert.equal(isNotary(trust, 'pve1'), true);
    for (const name of ['pve2', 'operator', 'controller', 'deploys'])
      assert.equal(isNotary(trust, name), false);
  });

  test('a workflow releases to virtual machines alone', async () => {
    const house = structuredClone(first.house);
    house.guests.box = { ...house.guests.gaming!, vmid: 200, kind: 'lxc' };
    const on = ['gaming', 'box', 'pve2'];
    const grant = [{ ...may[0]!, on }];
    const document = { ...withIdentities({ deploys: { ...deploys, may: grant } }), house } as TrustDocument;
    const { operator } = document.identities;
    assert.ok(operator?.kind === 'key');
    document.identities.operator = { ...operator, may: grant };
    const trust = await genesis(document, [keys.desk]);
    const digest = `sha256:${'a'.repeat(64)}`;
    const say = (identity: string, ...targets: string[]) => {
      const parts = targets.map((target) => ({ relay: 'pve2', target, digest }));
      const number = { run_id: 1, run_attempt: 1, desk: 0 };
      const base = { v: 1 as const, home: trust.document.home, release: digest, commit: null, issued_at: 0 };
      const judged = evaluateOrder(trust, identity, { ...base, order: number, parts });
      return judged.ok ? 'accepted' : judged.detail;
    };
    assert.equal(say('deploys', 'gaming'), 'accepted');
    for (const target of ['box', 'pve2']) {
      const why = `a workflow releases to virtual machines alone, and ${target} is none`;
      assert.equal(say('deploys', target), why);
      assert.equal(say('deploys', 'gaming', target), why);
      assert.equal(say('operator', target), 'accepted');
    }
    assert.match(say('deploys', 'constructor')!, /and constructor is none/);
  });
});
