import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import type { Disk } from '../../../relay/agent/disk.ts';
import type { Journal } from '../../../relay/agent/journal.ts';
import type { JournalEntry } from '../../../relay/agent/journal-format.ts';
import {
  acceptToldTrust,
  openTrustStore,
  type TrustStore,
  trustFile,
  writeFirstTrust,
} from '../../../relay/agent/trust-store.ts';
import { createLog } from '../../../relay/log.ts';
import { digestOf } from '../../../schema/jose/digest.ts';
import { generateKey } from '../../../schema/jose/keys.ts';
import { signTrust, type Trust } from '../../../schema/trust/read.ts';
import { maxTrustChainBytes } from '../../../schema/wire/limits.ts';
import type { TrustJws } from '../../../schema/wire/relay-api.ts';
import { makeTestHome, type TestHome } from '../../support/relay-home.ts';

let home: TestHome;
/** Versions 1 to 4. */
let trusts: readonly Trust[];

before(async () => {
  home = await makeTestHome({ origins: [{ url: 'https://writ.example.net' }] });
  const made = [home.trust()];
  for (let year = 2090; year < 2093; year += 1) {
    made.push(await home.amend((document) => ({ ...document, expires: `${year}-01-01T00:00:00Z` })));
  }
  trusts = made;
});

const versions = (...numbers: readonly number[]): TrustJws[] =>
  numbers.map((number) => home.versions[number - 1]!);
const chainOf = (list: readonly TrustJws[]): string => JSON.stringify({ versions: list });

/** A state folder and a journal that fail when they are told to, and what was written. */
function openPlace(options: { file?: string | null; names?: number; home?: string } = {}) {
  const named = trusts[(options.names ?? 1) - 1]!;
  const place = {
    file: options.file === undefined ? chainOf(versions(1)) : options.file,
    fault: null as string | null,
    journalFails: false,
    journal: [] as JournalEntry[],
    log: [] as unknown[][],
    writes: 0,
  };
  const fail = (): void => {
    if (place.fault !== null) throw Object.assign(new Error('no'), { code: place.fault });
  };
  const disk: Pick<Disk, 'read' | 'replace'> = {
    async read(name) {
      assert.equal(name, trustFile);
      fail();
      return place.file === null ? null : Buffer.from(place.file);
    },
    async replace(name, bytes) {
      assert.equal(name, trustFile);
      fail();
      place.writes += 1;
      place.file = Buffer.from(bytes).toString();
    },
  };
  const state = {
    trust: { version: named.document.version, digest: named.digest },
    home: options.home ?? home.id,
  };
  const journal = {
    state,
    append: async (entries: readonly JournalEntry[]) => {
      if (place.journalFails) return { ok: false, reason: 'journal_unwritable' };
      place.journal.push(...entries);
      return { ok: true, value: true };
    },
  };
  const log = createLog({
    now: () => 0,
    write: ({ level, event, fields }) => place.log.push([level, event, fields]),
  });
  const deps = { disk: disk as Disk, journal: journal as unknown as Journal, log };
  return { place, state, deps };
}

async function openStore(options?: Parameters<typeof openPlace>[0]) {
  const { place, deps } = openPlace(options);
  const store = await openTrustStore(deps);
  assert.ok(store.ok, JSON.stringify(store));
  return { place, deps, store: store.value };
}

const versionOf = (store: TrustStore): number => store.current().document.version;
const entryOf = (number: number): JournalEntry => ({
  k: 'trust',
  version: number,
  digest: trusts[number - 1]!.digest,
});
const none = { changed: false, refusal: null };
const taken = { changed: true, refusal: null };

describe('trust that was told at the console', () => {
  test('threat 3: is taken by its digest wherever it stands, and only what follows it is looked at', async () => {
    for (const [list, digestOf, version] of [
      [[1], 1, 1],
      [[1, 2, 3], 2, 3],
      [[3, 1], 3, 3],
      [[4, 3, 1], 1, 1],
      [[1, 3], 1, 1],
      [[2, 3, 4], 2, 4],
    ] as const) {
      const told = await acceptToldTrust(versions(...list), trusts[digestOf - 1]!.digest);
      assert.deepEqual(told.ok && told.value.jws, trusts[version - 1]!.jws, `${list}`);
    }
  });

  test('threat 34: another one in its place is refused', async () => {
    const missing = {
      ok: false,
      reason: 'trust_digest',
      detail: 'the document that was told is not among those given',
    };
    assert.deepEqual(await acceptToldTrust([], trusts[0]!.digest), missing);
    assert.deepEqual(await acceptToldTrust(versions(2, 3), trusts[0]!.digest), missing);
    const broken = { ...versions(1)[0]!, payload: '!' };
    assert.deepEqual(await acceptToldTrust([broken], trusts[0]!.digest), missing);
    const unsigned = { ...versions(1)[0]!, signatures: [] };
    const refused = await acceptToldTrust([unsigned], trusts[0]!.digest);
    assert.equal(refused.ok ? '' : refused.reason, 'trust_threshold');
  });

  test('what cannot be read before it does not hold up what comes after it', async () => {
    const broken = { ...versions(1)[0]!, payload: '!' };
    const told = await acceptToldTrust([broken, ...versions(1, 2)], trusts[0]!.digest);
    assert.deepEqual(told.ok && told.value.jws, trusts[1]!.jws);
  });

  test('is written as a chain of one', async () => {
    const { place, deps } = openPlace({ file: null });
    await writeFirstTrust(deps.disk, trusts[1]!);
    assert.equal(place.file, chainOf(versions(2)));
    assert.equal(trustFile, 'trust.json', 'relays in the field have it under this name');
  });
});

describe('the stored trust', () => {
  test('is the document that the journal names, and what follows it', async () => {
    assert.equal(versionOf((await openStore()).store), 1);
    assert.equal(versionOf((await openStore({ file: chainOf(versions(1, 2, 3)), names: 2 })).store), 3);
  });

  test('threat 2: missing, unreadable, malformed or foreign it is refused, each with its reason', async () => {
    const judge = async (options: Parameters<typeof openPlace>[0], fault: string | null = null) => {
      const { place, deps } = openPlace(options);
      place.fault = fault;
      const opened = await openTrustStore(deps);
      assert.ok(!opened.ok);
      return opened;
    };
    assert.deepEqual(await judge({ file: null }), { ok: false, reason: 'trust_missing' });
    assert.deepEqual(await judge({}, 'EACCES'), { ok: false, reason: 'trust_unreadable', detail: 'EACCES' });
    assert.deepEqual(await judge({ file: '{}' }), {
      ok: false,
      reason: 'trust_malformed',
      detail: 'versions is missing',
    });
    assert.deepEqual(await judge({ file: '{' }), {
      ok: false,
      reason: 'trust_malformed',
      detail: 'malformed JSON at character 1',
    });
    const chain = chainOf(versions(1));
    const longest = chain + ' '.repeat(maxTrustChainBytes - chain.length);
    assert.equal(versionOf((await openStore({ file: longest })).store), 1);
    assert.equal((await judge({ file: `${longest} ` })).reason, 'trust_malformed');
    assert.equal((await judge({ file: chainOf(versions(2)) })).reason, 'trust_digest');
    assert.deepEqual(await judge({ home: `h_${'0'.repeat(26)}` }), { ok: false, reason: 'trust_home' });
  });

  test('threat 3: the version that the journal names is never gone below', async () => {
    const { deps, state } = openPlace();
    state.trust = { version: 2, digest: trusts[0]!.digest };
    assert.deepEqual(await openTrustStore(deps), { ok: false, reason: 'trust_version' });
  });
});

describe('newer trust', () => {
  test('is in force at once, told to listeners, kept on disk first and then journalled', async () => {
    const { place, store } = await openStore();
    const heard: number[] = [];
    store.onChange((trust) => heard.push(trust.document.version));
    store.onChange((trust) => heard.push(-trust.document.version));
    assert.deepEqual(await store.install(versions(2, 3)), taken);
    assert.equal(store.current().digest, trusts[2]!.digest);
    assert.deepEqual(heard, [3, -3]);
    assert.equal(place.file, chainOf(versions(1, 2, 3)));
    assert.deepEqual(place.journal, [entryOf(3)]);
    assert.deepEqual(place.log, [['info', 'trust_in_force', { version: 3 }]]);
    // From now on the journal names version 3, and the file begins with it.
    assert.deepEqual(await store.install(versions(4)), taken);
    assert.equal(place.file, chainOf(versions(3, 4)));
    assert.deepEqual(place.journal, [entryOf(3), entryOf(4)]);
  });

  test('what is not newer is passed over, and writes nothing', async () => {
    const { place, store } = await openStore({ file: chainOf(versions(2)), names: 2 });
    const heard: number[] = [];
    store.onChange((trust) => heard.push(trust.document.version));
    assert.deepEqual(await store.install(versions(1, 2)), none);
    assert.deepEqual(await store.install([]), none);
    assert.deepEqual([place.writes, heard, place.log, place.journal], [0, [], [], []]);
  });

  test('threat 3: what does not follow is refused and logged, and what held before it is in force', async () => {
    const { place, store } = await openStore();
    const refused = await store.install(versions(2, 4));
    assert.equal(refused.changed, true);
    assert.equal(refused.refusal?.reason, 'trust_version');
    assert.equal(versionOf(store), 2);
    const fork = await signTrust({ ...trusts[2]!.document, previous: trusts[0]!.digest }, [home.root]);
    const forked = await store.install([fork]);
    assert.equal(forked.changed, false);
    assert.equal(forked.refusal?.reason, 'trust_chain');
    assert.deepEqual(place.log, [
      ['warn', 'trust_refused', { reason: 'trust_version', version: 1 }],
      ['info', 'trust_in_force', { version: 2 }],
      ['warn', 'trust_refused', { reason: 'trust_chain', version: 2 }],
    ]);
  });

  test('threat 14: what the disk did not take is in force, and tried again whenever versions are offered', async () => {
    const { place, store } = await openStore();
    place.fault = 'ENOSPC';
    assert.deepEqual(await store.install(versions(2)), taken);
    assert.deepEqual([place.file, place.journal], [chainOf(versions(1)), []]);
    assert.deepEqual(place.log.at(-1), ['error', 'trust_not_kept', { version: 2, fault: 'ENOSPC' }]);
    assert.deepEqual(await store.install(versions(3)), taken);
    place.fault = null;
    assert.deepEqual(await store.install([]), none);
    assert.deepEqual([place.file, place.journal], [chainOf(versions(1, 2, 3)), [entryOf(3)]]);
    assert.deepEqual(await store.install([]), none);
    assert.equal(place.writes, 1, 'once it is kept there is nothing to write');
  });

  test('what the journal did not take stays behind the document that it names', async () => {
    const { place, deps, store } = await openStore();
    place.journalFails = true;
    assert.deepEqual(await store.install(versions(2)), taken);
    assert.deepEqual([place.file, place.journal], [chainOf(versions(1, 2)), []]);
    const again = await openTrustStore(deps);
    assert.ok(again.ok);
    assert.equal(versionOf(again.value), 2);
    assert.deepEqual(await again.value.install(versions(3)), taken);
    assert.equal(place.file, chainOf(versions(1, 2, 3)));
    place.journalFails = false;
    assert.deepEqual(await again.value.install(versions(3)), none);
    assert.deepEqual(place.journal, [entryOf(3)]);
  });

  test('threat 13: with another controller the audit log begins anew, and with the same one it goes on', async () => {
    const own = await makeTestHome({ origins: [{ url: 'https://writ.example.net' }] });
    const { jwk } = (await generateKey()).signing;
    const first = own.trust();
    const moved = await own.amend((document) => ({
      ...document,
      identities: {
        ...document.identities,
        controller: { ...document.identities.controller!, jwk },
      },
    }));
    const later = await own.amend((document) => ({ ...document, expires: '2090-01-01T00:00:00Z' }));
    const { place, deps, state } = openPlace({ file: chainOf([first.jws]), home: own.id });
    state.trust = { version: 1, digest: first.digest };
    const store = await openTrustStore(deps);
    assert.ok(store.ok);
    await store.value.install([moved.jws]);
    await store.value.install([later.jws]);
    assert.deepEqual(place.journal, [
      { k: 'trust', version: 2, digest: moved.digest },
      { k: 'audit', seq: 0, hash: await digestOf('audit', '') },
      { k: 'trust', version: 3, digest: later.digest },
    ]);
  });

  test('versions that are offered at once are taken one after the other', async () => {
    const { place, store } = await openStore();
    const both = await Promise.all([store.install(versions(2, 3)), store.install(versions(2, 3, 4))]);
    assert.deepEqual(both, [taken, taken]);
    assert.deepEqual(place.journal, [entryOf(3), entryOf(4)]);
  });
});
