// npm run bench [-- [--json] [--only NAME …]]: every figure as a ratio or a count, reached or not.

import { mkdtemp, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { activation } from './activation.ts';
import { configuration } from './config.ts';
import { type Figure, lineOf } from './figure.ts';
import { footprint } from './footprint.ts';
import { parkedRelays } from './parked.ts';
import { rivals } from './rivals.ts';
import { roundTrip } from './round-trip.ts';
import { syncsPerJob } from './syncs.ts';

type Group = { readonly name: string; readonly run: (folder: string) => Promise<Figure[]> };

const groups: readonly Group[] = [
  { name: 'round-trip', run: roundTrip },
  { name: 'syncs', run: syncsPerJob },
  { name: 'rivals', run: rivals },
  { name: 'footprint', run: footprint },
  { name: 'parked', run: parkedRelays },
  { name: 'config', run: configuration },
  { name: 'activation', run: activation },
];

/** On it nothing is ever synced, so that all that is measured would be untrue. */
const tmpfsType = 0x01021994;

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true, default: [] },
    /** Exits with 1 when a figure misses its limit. */
    strict: { type: 'boolean', default: false },
  },
});
const unknown = values.only.filter((name) => !groups.some((group) => group.name === name));
if (unknown.length > 0) {
  console.error(
    `Not a part of the bench: ${unknown.join(', ')}. There are ${groups.map(({ name }) => name).join(', ')}.`,
  );
  process.exit(2);
}
const folder = await mkdtemp(join(process.env.WRIT_BENCH_DIR ?? tmpdir(), 'writ-bench-'));
let missed = 0;
try {
  if ((await statfs(folder)).type === tmpfsType) {
    console.error(`${folder} is in memory: name a folder on a disk by WRIT_BENCH_DIR.`);
    process.exitCode = 2;
  } else {
    for (const { name, run } of groups) {
      if (values.only.length > 0 && !values.only.includes(name)) continue;
      if (!values.json && process.stderr.isTTY) process.stderr.write(`… ${name}\n`);
      for (const one of await run(folder)) {
        console.log(values.json ? JSON.stringify(one) : lineOf(one));
        if (one.reached === false) missed += 1;
      }
    }
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
if (values.strict && missed > 0) process.exitCode = 1;
