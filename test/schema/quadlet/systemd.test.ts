import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemdKeys } from '../../../schema/quadlet/systemd-keys.ts';
import { missing } from '../../support/missing.ts';

const cache = process.env.WRIT_LAB_CACHE ?? '/var/cache/writ-lab';
const program = '/usr/lib/systemd/systemd';

/** What the systemd of Debian 13 says of its keys: this machine's, or that of a root of the lab. */
function askSystemd(): string | null {
  const roots = existsSync(cache) ? readdirSync(cache).map((name) => join(cache, name, 'root')) : [];
  const asks = [
    [program],
    ...roots.filter((root) => existsSync(join(root, program))).map((root) => ['chroot', root, program]),
  ];
  for (const [command, ...args] of asks) {
    const version = spawnSync(command!, [...args, '--version'], { encoding: 'utf8' });
    if (!/^systemd 257 /.test(version.stdout ?? '')) continue;
    return spawnSync(command!, [...args, '--dump-configuration-items'], { encoding: 'utf8' }).stdout;
  }
  return null;
}

const said = askSystemd();
if (said === null) missing('systemd 257, whose keys the table of unit files is checked against');
else {
  test('our table has the keys of systemd 257, no more and no fewer', () => {
    let section = '';
    const keys = new Map<string, string[]>();
    for (const line of said.split('\n')) {
      const header = /^\[(\w+)\]$/.exec(line);
      if (header !== null) section = header[1]!;
      else if (line.includes('=')) keys.set(section, [...(keys.get(section) ?? []), line.split('=')[0]!]);
    }
    assert.ok(keys.size > 10);
    for (const [name, own] of keys) {
      assert.deepEqual([...(systemdKeys(name) ?? [])].sort(), [...new Set(own)].sort(), name);
    }
    assert.equal(systemdKeys('Container'), undefined);
  });
}
