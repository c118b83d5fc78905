import assert from 'node:assert/strict';
import { test } from 'node:test';
import { filesOf } from '../../support/machine-copy.ts';
import { byHand, byPodlet, type MovedMachine } from './homes.ts';
import { adoptMachine, broughtTo, leftPaths, newPlace, onMachine, releaseOf, repoFiles } from './moved.ts';

/** Files that the repo is to bring, and no others, each as the machine has it. */
function kept(machine: MovedMachine): ReadonlyMap<string, string> {
  const paths = filesOf(machine).map(({ path }) => `/${path}`);
  return onMachine(machine, leftPaths(machine, paths));
}

test('a home by hand moves in, one guest at a time, and what its machines have stays byte for byte', async (t) => {
  const place = newPlace(t);
  const done: MovedMachine[] = [];
  let before: ReadonlyMap<string, string> = new Map();
  for (const machine of byHand) {
    await adoptMachine(place, machine);
    const check = await place.writ('config', 'check', '--repo', place.repo);
    assert.equal(check.exit, 0, check.out);
    const now = repoFiles(place.repo);
    // What is there is never touched, but for homelab.yaml, which gets the machine.
    for (const [path, text] of before) if (path !== 'homelab.yaml') assert.equal(now.get(path), text, path);
    before = now;
    done.push(machine);
    const release = await releaseOf(place.repo);
    for (const one of done) assert.deepEqual(broughtTo(release, one.name), kept(one), one.name);
  }
  const again = await adoptMachineAgain(place, byHand[0]!);
  assert.match(again, /There is nothing new/);
  const units = [...before.keys()].filter((path) => /\.(container|service|mount)$/.test(path));
  // Of the host, these are the distribution's.
  const services = [...before.values()].filter((text) => /^service: /m.test(text));
  assert.deepEqual([units.length, services.length], [43, 5]);
});

async function adoptMachineAgain(
  place: ReturnType<typeof newPlace>,
  { name, words }: MovedMachine,
): Promise<string> {
  const archive = `${place.folder}/${name}.tar`;
  return (await place.writ('adopt', archive, '--on', name, '--into', place.repo, ...words)).out;
}

test('a unit with its password in clear stops the move until somebody decides', async (t) => {
  const place = newPlace(t);
  const [machine] = byHand;
  await assert.rejects(
    adoptMachine(place, { ...machine!, words: machine!.words.slice(0, 4) }),
    /secret_in_unit/,
  );
  assert.throws(() => repoFiles(place.repo), /ENOENT/);
});

test('a home that podlet made of docker-compose moves in', async (t) => {
  const place = newPlace(t);
  const adopted = await adoptMachine(place, byPodlet);
  const told = JSON.parse(adopted.out) as { apps: { name: string; units: string[]; route?: unknown }[] };
  assert.deepEqual(told.apps.find(({ name }) => name === 'paperless')?.units.length, 6);
  assert.equal(told.apps.filter(({ route }) => route !== undefined).length, 7);
  const release = await releaseOf(place.repo);
  assert.deepEqual(broughtTo(release, 'dockerhost'), kept(byPodlet));
});
