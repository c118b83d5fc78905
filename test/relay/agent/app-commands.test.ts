import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TrustGrant } from '../../../schema/trust/grant.ts';
import { type Rig, type RigOptions, startRig } from './fixture.ts';

const command = (target: string) => ({ action: 'app.command', target });

/** A relay of pve2 whose trust grants commands of apps, and nothing else. */
async function rigWith(
  grants: { readonly operator?: TrustGrant['on']; readonly controller?: TrustGrant['on'] },
  options: RigOptions = {},
): Promise<Rig> {
  const rig = await startRig(options);
  await rig.home.amend((document) => {
    const { controller, operator, ...others } = document.identities;
    assert.ok(controller?.kind === 'key' && operator?.kind === 'key');
    const may = (on: TrustGrant['on'] = []) => (on.length === 0 ? [] : [{ action: 'app.command', on }]);
    const limited = may(grants.controller).map((grant) => ({ ...grant, limit: '2/1h' }));
    const identities = {
      ...others,
      controller: { ...controller, may: limited },
      operator: { ...operator, may: may(grants.operator) },
    };
    return { ...document, identities };
  });
  const installed = await rig.state.trust.install(rig.home.versions);
  assert.equal(installed.refusal, null);
  return rig;
}

async function codeOf(rig: Rig, target: string, by = rig.home.operator): Promise<string> {
  const intent = await rig.home.intent([command(target)], { issuedAt: rig.clock.now(), by });
  const outcome = await rig.order(intent);
  return outcome.kind === 'refused' || outcome.kind === 'dropped' ? outcome.code : outcome.kind;
}

const deedsOf = ({ deeds }: Rig): string[] => deeds.map(({ action, target }) => `${action} ${target}`);

test('threat 1: a command of an app runs for whom trust grants it by its full name, and for nobody else', async () => {
  const rig = await rigWith({ operator: ['websvcs/wiki/reindex'] });
  const { controller } = rig.home;
  assert.equal(await codeOf(rig, 'websvcs/wiki/reindex'), 'started');
  await rig.executor.idle();
  for (const other of ['websvcs/wiki/purge', 'websvcs/web/reindex', 'gaming/wiki/reindex']) {
    assert.equal(await codeOf(rig, other), 'not_granted', other);
  }
  assert.equal(await codeOf(rig, 'websvcs/wiki/reindex', controller), 'not_granted');
  assert.equal(await codeOf(rig, 'nobody/wiki/reindex'), 'target_unknown');
  assert.equal(await codeOf(rig, 'websvcs'), 'target_unknown');
  assert.deepEqual(deedsOf(rig), ['app.command websvcs/wiki/reindex']);
  await rig.executor.close();
});

test('threat 1: a grant of the guest itself, or of an app, is none of its commands', async () => {
  const rig = await rigWith({ operator: ['websvcs', 'websvcs/wiki/purge'] });
  for (const target of ['websvcs', 'websvcs/wiki/reindex']) {
    assert.notEqual(await codeOf(rig, target), 'started', target);
  }
  assert.deepEqual(rig.deeds, []);
  await rig.executor.close();
});

test('threat 1: the controller runs what it alone is granted, as often as its limit says', async () => {
  const rig = await rigWith({ controller: ['websvcs/wiki/reindex'] });
  const { controller } = rig.home;
  for (const expected of ['started', 'started', 'limit_reached']) {
    assert.equal(await codeOf(rig, 'websvcs/wiki/reindex', controller), expected);
    await rig.executor.idle();
  }
  assert.equal(rig.deeds.length, 2);
  await rig.executor.close();
});

test('threat 1: trust grants no command on a machine that is not of the house', async () => {
  await assert.rejects(rigWith({ operator: ['nobody/wiki/reindex'] }), /nobody\/wiki\/reindex/);
});

test('a command runs once at a time beside others of its guest, which is not changed meanwhile', async () => {
  const ends: (() => void)[] = [];
  const act = () => new Promise<undefined>((resolve) => ends.push(() => resolve(undefined)));
  const on = ['websvcs/wiki/reindex', 'websvcs/wiki/purge'];
  const rig = await rigWith({ operator: on }, { behaviour: { act } });
  assert.equal(await codeOf(rig, 'websvcs/wiki/reindex'), 'started');
  assert.equal(await codeOf(rig, 'websvcs/wiki/purge'), 'started');
  assert.equal(await codeOf(rig, 'websvcs/wiki/reindex'), 'waiting');
  assert.equal(rig.executor.hold('release.apply', 'websvcs'), null, 'no release is brought there');
  const letGo = rig.executor.hold('release.apply', 'gaming');
  assert.ok(letGo !== null, 'elsewhere one is');
  letGo();
  while (rig.deeds.length < 3) {
    for (const end of ends.splice(0)) end();
    await new Promise(setImmediate);
  }
  for (const end of ends.splice(0)) end();
  await rig.executor.idle();
  assert.notEqual(rig.executor.hold('release.apply', 'websvcs'), null);
  await rig.executor.close();
});

test('after a crash its journal is read, with names of up to 95 characters, and it is never run again', async () => {
  const longest = `websvcs/${'b'.repeat(31)}/${'c'.repeat(31)}`;
  let observed = 0;
  const rig = await rigWith({ operator: [longest] }, { behaviour: { act: () => new Promise(() => {}) } });
  assert.equal(await codeOf(rig, longest), 'started');
  const next = await rig.restart({
    cut: true,
    behaviour: {
      observe: async ({ guest, target }) => {
        observed += 1;
        assert.deepEqual([guest?.vmid, target], [100, longest]);
        return { state: 'unknown', code: 'interrupted' };
      },
    },
  });
  await next.executor.idle();
  assert.equal(observed, 1, 'its guest is of the house');
  const told = next.receipts().map(({ state, code, target }) => [state, code, target]);
  assert.deepEqual(told, [
    ['started', null, longest],
    ['unknown', 'interrupted', longest],
  ]);
  assert.deepEqual(deedsOf(next), [`app.command ${longest}`]);
  await next.executor.close();
});

test('of a failure its exit code is told beside its code, and no other word', async () => {
  const act = async () => ({ state: 'failed', code: 'command_failed', exit: 3, detail: 'a canary' }) as const;
  const rig = await rigWith({ operator: ['websvcs/wiki/reindex'] }, { behaviour: { act } });
  await codeOf(rig, 'websvcs/wiki/reindex');
  await rig.executor.idle();
  const { state, code, result } = rig.receipts().at(-1)!;
  assert.deepEqual([state, code, result], ['failed', 'command_failed', { exit: 3 }]);
  assert.doesNotMatch(
    rig
      .receiptTexts()
      .map((jws) => atob(jws.split('.')[1]!))
      .join(),
    /canary/,
  );
  await rig.executor.close();
});
