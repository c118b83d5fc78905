import assert from 'node:assert/strict';
import { test } from 'node:test';
import { guestLook, guestPackages } from '../../../schema/actions/guest-look.ts';

const all = {
  ...{ podman: true, age: true, 'qemu-guest-agent': true, 'aardvark-dns': true, catatonit: true },
};

test('what a guest lacks is counted, each package that releases need', () => {
  assert.deepEqual(Object.keys(all), [...guestPackages]);
  assert.equal(guestLook.done(all), 'has all that releases need');
  for (const name of guestPackages) {
    assert.equal(
      guestLook.done({ ...all, [name]: false }),
      'has been looked at; it lacks 1 of what releases need',
    );
  }
  assert.equal(
    guestLook.done({ ...all, age: false, podman: false }),
    'has been looked at; it lacks 2 of what releases need',
  );
});
