import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { generateKey } from '../../../schema/jose/keys.ts';
import type { TrustDocument } from '../../../schema/trust/document.ts';
import { changesInWords } from '../../../src/cli/trust-changes.ts';
import { makeFixture } from './home-fixture.ts';

let document: TrustDocument;
before(async () => {
  document = (await makeFixture()).trust.document;
});

const told = async (change: (changed: TrustDocument) => void): Promise<string[]> => {
  const changed = structuredClone(document);
  changed.version += 1;
  change(changed);
  const lines = await changesInWords(document, changed);
  assert.match(lines.at(-1)!, /^Trust version \d+ holds until /);
  return lines.slice(0, -1);
};
const mayOf = (changed: TrustDocument, name: string) => {
  const identity = changed.identities[name];
  assert.ok(identity?.kind === 'key');
  return identity.may;
};

test('a version that changes nothing says so, however its members and grants are ordered', async () => {
  assert.deepEqual(await told(() => {}), ['Who may order what stays as it is.']);
  const shuffled = await told((changed) => {
    changed.house.hosts = Object.fromEntries(Object.entries(changed.house.hosts).reverse());
    const may = mayOf(changed, 'controller');
    const split = may.flatMap((grant) => grant.on.map((target) => ({ ...grant, on: [target] })));
    may.splice(0, may.length, ...split.reverse());
  });
  assert.deepEqual(shuffled, ['Who may order what stays as it is.']);
});

test('rights are told one by one: what goes, what comes, and at which limit', async () => {
  const lines = await told((changed) => {
    const may = mayOf(changed, 'controller');
    may.find(({ action }) => action === 'host.wake')!.limit = '2/1h';
    const start = may.find(({ action }) => action === 'guest.start')!;
    start.on = [...start.on.filter((name) => name !== 'macos'), 'router'];
  });
  assert.deepEqual(lines, [
    'controller may no longer wake pve2, at most 6 times in an hour.',
    'controller may no longer start macos, at most 20 times in an hour.',
    'controller may wake pve2, at most 2 times in an hour.',
    'controller may start router, at most 20 times in an hour.',
  ]);
});

test('keys, relays and roots that come, go or change are told with their fingerprints', async () => {
  const { signing } = await generateKey();
  const print = '[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}';
  const one = async (change: (changed: TrustDocument) => void, pattern: string): Promise<void> => {
    const lines = await told(change);
    assert.equal(lines.length, 1, lines.join('\n'));
    assert.match(lines[0]!, new RegExp(pattern.replaceAll('PRINT', print)));
  };
  const { jwk } = signing;
  await one((changed) => {
    delete changed.identities.pve2;
  }, "^pve2's relay is dismissed");
  await one((changed) => {
    changed.identities.pve2 = { kind: 'relay', jwk };
  }, "^pve2's relay has another key \\(PRINT\\)");
  await one((changed) => {
    changed.identities.laptop = { kind: 'key', jwk, may: [] };
  }, '^laptop \\(PRINT\\) is new\\.$');
  await one((changed) => {
    changed.roots = changed.roots.slice(0, 1);
  }, '^root-paper is a root no longer');
  await one((changed) => {
    changed.roots.push({ kid: 'root-safe', jwk });
  }, '^root-safe \\(PRINT\\) is a new root');
  await one((changed) => {
    changed.roots[0]!.jwk = jwk;
  }, '^root-desk is replaced by PRINT: what the old one \\(PRINT\\) signs');
  await one((changed) => {
    changed.threshold = 2;
  }, '^From now on 2 of 2 roots must sign');
});

test('the same address with another pin is another control plane', async () => {
  const spki = `sha256:${'a'.repeat(64)}` as const;
  assert.deepEqual(await told((changed) => Object.assign(changed.origins[0]!, { spki })), [
    'Relays reach the control plane at https://127.0.0.1:8420 (pinned).',
  ]);
  document.origins[0]!.spki = `sha256:${'b'.repeat(64)}`;
  assert.deepEqual(await told((changed) => Object.assign(changed.origins[0]!, { spki })), [
    'Relays reach the control plane at https://127.0.0.1:8420 (pinned).',
    'The pin is another.',
  ]);
  delete document.origins[0]!.spki;
});

test('the house is told member by member, and whatever else a document says as it stands', async () => {
  const lines = await told((changed) => {
    changed.house.guests.gaming!.identity = 'the-uuid';
    changed.house.guests.devtop!.vmid = 299;
    changed.house.guests.devtop!.exclusive = [];
    delete changed.house.guests.macos;
    changed.house.hosts.pve3 = { proxmox: true, sleeps: false };
    changed.alarm = { ntfy: 'https://ntfy.example.net/home' };
    changed.origins = [{ url: 'https://writ.example.net' }];
  });
  assert.deepEqual(lines, [
    'pve3 is a new host.',
    'gaming is adopted: it is the-uuid.',
    'devtop: vmid 299 instead of 202 and exclusive [] instead of ["gpu0"].',
    'macos is no guest of the house any more.',
    'Relays reach the control plane at https://writ.example.net.',
    'alarm: {"ntfy":"https://ntfy.example.net/home"}, instead of nothing.',
  ]);
});

test('what a relay reported of a guest begins no line of its own, by its end or by many spaces', async () => {
  const words = 'Who may order what stays as it is.';
  const before = document.house.guests.gaming!.identity ?? 'nothing';
  for (const [identity, seen] of [
    [`x\n${words}`, `"x\\n${words}"`],
    [`x${' '.repeat(3)}${words}`, `"x\\u0020\\u0020\\u0020${words}"`],
    ['x\u00a0\u202ey', '"x\u00a0\\u202ey"'],
  ] as const) {
    const lines = await told((changed) => {
      changed.house.guests.gaming!.identity = identity;
    });
    assert.equal(lines.length, 1);
    assert.ok(lines[0]!.includes(seen), lines[0]);
    assert.ok(before === 'nothing' || lines[0]!.includes(before));
  }
});
