import assert from 'node:assert/strict';
import type { Check, Patient, Ran } from '../../../relay/cli/doctor/check.ts';
import { fastTime } from '../../support/relay.ts';
import { makeTestHome } from '../../support/relay-home.ts';

export const home = await makeTestHome({ origins: [{ url: 'https://127.0.0.1:1' }] });

export const programs =
  (answers: Readonly<Record<string, Ran>>) =>
  async (argv: readonly string[]): Promise<Ran> =>
    answers[argv.slice(0, 2).join(' ')] ?? answers[argv[0]!] ?? null;

const patientWith = (given: Partial<Patient> = {}): Patient => ({
  stateDir: '/var/lib/writ-relay',
  credentials: '/etc/writ/credentials',
  clock: fastTime(1).clock,
  isRoot: true,
  nodeVersion: 'v20.19.2',
  relay: 'pve2',
  trust: home.trust(),
  config: {
    ...{ v: 1, home: home.id, relay: 'pve2', trial: false },
    proxmox: {
      ...{ url: 'https://127.0.0.1:8006', node: 'pve2', token_file: '/etc/writ/credentials/proxmox-token' },
      ...{ pin: `sha256:${'0'.repeat(64)}`, pin_kind: 'certificate' as const },
    },
  },
  proxmox: null,
  helper: { ok: true, value: { home: home.id, relay: 'pve2', version: 1 } },
  helperFolder: '/var/lib/writ-relay-act',
  run: programs({}),
  stat: async () => null,
  list: async () => null,
  read: async () => null,
  ...given,
});

/** `code state`, of each finding; all of one code name it once. */
export const statesOf = async (check: Check, given: Partial<Patient>): Promise<string[]> => {
  const findings = await check(patientWith(given));
  for (const { state, mend, says } of findings) {
    assert.equal(mend !== null, state === 'fault' || state === 'warning', says);
    assert.match(says, /\.$/);
  }
  return findings.map(({ code, state }) => `${code} ${state}`);
};

export const gives = (out: string, status = 0): Ran => ({ status, out });
