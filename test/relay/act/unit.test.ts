import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { actSocket } from '../../../relay/drivers/act-messages.ts';
import { neverTouched } from '../../../schema/trust/paths.ts';

const folder = join(import.meta.dirname, '../../../debian/writ-relay');
const unit = readFileSync(join(folder, 'writ-relay-act.service'), 'utf8');
const socket = readFileSync(join(folder, 'writ-relay-act.socket'), 'utf8');

/** The values of a setting, of all its lines. */
const valuesOf = (text: string, name: string): string[] =>
  [...text.matchAll(new RegExp(`^${name}=(.*)$`, 'gm'))]
    .flatMap((match) => match[1]!.split(' '))
    .filter(Boolean);
const pathsOf = (name: string): string[] => valuesOf(unit, name).map((path) => path.replace(/^-/, ''));

/** Whether a path is one of these, or below one. */
const isIn = (path: string, folders: readonly string[]): boolean =>
  folders.some((one) => path === one || path.startsWith(`${one}/`));

/** Patterns that a mount cannot stand for, each with who keeps to it: the judge alone. */
const namesOnly: readonly RegExp[] = [
  // By name, in folders that releases do write.
  /^\/etc\/systemd\/system\/(\*\.(wants|requires|d)\/\*?)?writ\*/,
  /^\/etc\/containers\/systemd\/(\*\*\/)?writ\*/,
  /^\/usr\/local\/bin\/writ\*$/,
  // Its own state and the engine's are written by it, and what secrets are filled into.
  /^\/run\/writ\*/,
  /^\/var\/lib\/writ\*/,
];

test('threat 31: what no release may touch is read-only to the helper, by the kernel as well', () => {
  const writable = pathsOf('ReadWritePaths');
  const closed = [...pathsOf('ReadOnlyPaths'), ...pathsOf('InaccessiblePaths')];
  assert.deepEqual(valuesOf(unit, 'ProtectSystem'), ['strict']);
  const open = neverTouched.filter((pattern) => {
    if (namesOnly.some((regex) => regex.test(pattern))) return false;
    // Up to the first part with a star: what is there covers all that the pattern does.
    const parts = pattern.split('/');
    const first = parts.findIndex((part) => part.includes('*'));
    const fixed = parts.slice(0, first < 0 ? parts.length : first).join('/');
    const stem = first < 0 ? '' : parts[first]!.replace(/\*.*$/, '');
    if (isIn(fixed, closed)) return false;
    // `/etc/cron*/**`: each that there is.
    if (stem !== '' && closed.some((path) => path.startsWith(`${fixed}/${stem}`))) return false;
    return isIn(fixed, writable);
  });
  assert.deepEqual(open, [], 'name them in ReadOnlyPaths of debian/writ-relay/writ-relay-act.service');
});

test('the helper has no network, and its socket is the relay’s alone', () => {
  assert.deepEqual(valuesOf(unit, 'RestrictAddressFamilies'), ['AF_UNIX']);
  assert.deepEqual(valuesOf(unit, 'IPAddressDeny'), ['any']);
  assert.deepEqual(valuesOf(unit, 'PrivateNetwork'), ['yes']);
  assert.doesNotMatch(unit, /IPAddressAllow|AmbientCapabilities=\S/);
  assert.deepEqual(valuesOf(socket, 'ListenStream'), [actSocket]);
  assert.deepEqual(valuesOf(socket, 'SocketMode'), ['0600']);
  assert.deepEqual(valuesOf(socket, 'SocketUser'), ['writ']);
  const control = readFileSync(join(folder, '../writ/writ.service'), 'utf8');
  assert.ok(valuesOf(control, 'InaccessiblePaths').includes('-/run/writ-relay'));
});
