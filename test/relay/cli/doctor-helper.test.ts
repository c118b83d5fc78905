import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FileFacts, Patient, Ran } from '../../../relay/cli/doctor/check.ts';
import { checkHelper } from '../../../relay/cli/doctor/helper.ts';
import { gives, home, programs, statesOf } from './doctor-fixture.ts';

test('the helper as root: who may ask it, what confines it, whom it obeys', async () => {
  const files =
    (facts: Readonly<Record<string, FileFacts>>): Patient['stat'] =>
    async (path) =>
      path in facts
        ? facts[path]!
        : { uid: path.startsWith('/var/lib/writ-relay-act') ? 0 : 997, mode: 0o600, isFolder: false };
  const shipped = {
    ...{ NoNewPrivileges: 'yes', ProtectSystem: 'strict', ProtectHome: 'yes', PrivateNetwork: 'yes' },
    ...{ PrivateDevices: 'yes', RestrictAddressFamilies: 'AF_UNIX', MemoryDenyWriteExecute: 'yes' },
    RestrictNamespaces: 'yes',
    CapabilityBoundingSet: 'cap_chown cap_dac_override cap_dac_read_search cap_fowner cap_fsetid',
  };
  const shown = (changes: Readonly<Record<string, string>> = {}): Ran =>
    gives(
      Object.entries({ ...shipped, ...changes })
        .map(([name, value]) => `${name}=${value}\n`)
        .join(''),
    );
  const judged = (given: Partial<Patient> = {}, facts = {}, ran: Ran = shown()) =>
    statesOf(checkHelper, {
      stat: files(facts),
      list: async () => ['state.json'],
      run: programs({ systemctl: ran }),
      ...given,
    });
  const [socket, confined, trust] = ['helper_socket ok', 'helper_confined ok', 'helper_trust ok'];
  assert.deepEqual(await judged(), [socket, confined, trust]);
  const at = '/run/writ-relay/act.sock';
  assert.deepEqual(await judged({}, { [at]: null }), ['helper_socket warning', confined, trust]);
  for (const facts of [
    { uid: 997, mode: 0o660, isFolder: false },
    { uid: 33, mode: 0o600, isFolder: false },
  ]) {
    assert.deepEqual(await judged({}, { [at]: facts }), ['helper_socket fault', confined, trust]);
  }
  const loose = shown({ PrivateNetwork: 'no', CapabilityBoundingSet: 'cap_sys_admin' });
  assert.deepEqual(await judged({}, {}, loose), [socket, 'helper_confined warning', trust]);
  assert.deepEqual(await judged({}, {}, null), [socket, 'helper_confined not_checked', trust]);

  const of = async (helper: Patient['helper'], facts = {}): Promise<string> =>
    (await judged({ helper }, facts))[2]!;
  const kept = { home: home.id, relay: 'pve2', version: 1 };
  assert.equal(await of({ ok: false, reason: 'act_not_seeded' }), 'helper_trust warning');
  assert.equal(await of({ ok: false, reason: 'trust_digest' }), 'helper_trust fault');
  assert.equal(await of({ ok: true, value: { ...kept, home: 'another' } }), 'helper_trust fault');
  assert.equal(await of({ ok: true, value: { ...kept, relay: 'pve1' } }), 'helper_trust fault');
  for (const version of [0, 2])
    assert.equal(await of({ ok: true, value: { ...kept, version } }), 'helper_trust warning');
  assert.equal(await of('not_root'), 'helper_trust not_checked');
  const open = { uid: 0, mode: 0o644, isFolder: false };
  assert.equal(
    await of({ ok: true, value: kept }, { '/var/lib/writ-relay-act/state.json': open }),
    'helper_trust fault',
  );
  const foreign = { uid: 997, mode: 0o600, isFolder: true };
  assert.equal(
    await of({ ok: true, value: kept }, { '/var/lib/writ-relay-act': foreign }),
    'helper_trust fault',
  );
  assert.deepEqual(await judged({ helper: 'none' }), [
    'helper_socket not_checked',
    'helper_confined not_checked',
    'helper_trust not_checked',
  ]);
});
