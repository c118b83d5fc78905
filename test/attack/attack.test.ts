import assert from 'node:assert/strict';
import { test } from 'node:test';
import { threats } from '../support/threats.ts';
import { isControl } from './attack.ts';
import { attackHome } from './attack-home.ts';
import { findAttacks } from './find.ts';
import { isGood } from './run.ts';

const options = { seed: 1, keep: false, say: () => {}, tell: () => {} };

test('there are attacks of each kind, each of a threat that SECURITY.md has, and controls of what is seen', async () => {
  const attacks = await findAttacks();
  assert.ok(attacks.filter((attack) => !isControl(attack)).length >= 30);
  assert.deepEqual(
    new Set(attacks.map(({ must }) => must)),
    new Set([undefined, 'refuse', 'execute', 'win']),
  );
  for (const { name, threat } of attacks)
    assert.ok(Object.hasOwn(threats, threat), `${name}: threat ${threat}`);
});

test('threat 1: with the controller’s key, database and place, and cloud’s relay, no attack makes a relay at home do anything outside the grants', async () => {
  const outcomes = await attackHome(await findAttacks(), options);
  const bad = outcomes.filter((outcome) => !isGood(outcome));
  assert.deepEqual(bad, []);
  const of = (name: string) => outcomes.find((outcome) => outcome.name === name);
  // Executions are seen, …
  assert.equal(of('granted-order')?.result, 'executed');
  // … and so are wins: of what the thief ordered, not of the trust document alone.
  assert.equal(of('broken-home')?.result, 'won');
  assert.match(of('broken-home')!.why.join(), /Proxmox was told \/nodes\/pve1\/qemu\/101\/status\/stop/);
});
