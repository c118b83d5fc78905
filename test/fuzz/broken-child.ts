// Targets with one fault each, which the engine must find, or its silence about the real ones says nothing.

import { setTimeout as later } from 'node:timers/promises';
import { runChild } from './run-child.ts';
import type { Read, Target } from './target.ts';

const broken = (name: string, read: Read): Target => ({
  name,
  covers: [],
  corpus: () => ['{"name":"a","list":[1,2,3]}', 'x=1\ny=2\n'],
  open: () => read,
});

const isDeep = (value: unknown, depth: number): boolean =>
  typeof value === 'object' &&
  value !== null &&
  (depth === 0 || Object.values(value).some((one) => isDeep(one, depth - 1)));

const parse = (input: Uint8Array): unknown => {
  try {
    return JSON.parse(Buffer.from(input).toString());
  } catch {
    return null;
  }
};

const hoard: Uint8Array[] = [];
const spin = (ms: number): void => {
  const { user } = process.cpuUsage();
  while (process.cpuUsage().user - user < ms * 1000) Math.random();
};

await runChild([
  broken('fine', (input) => ({ ok: input.length > 10, reason: 'too_short' })),
  broken('throws', (input) => {
    if (isDeep(parse(input), 6)) throw new TypeError('it is nested');
    return null;
  }),
  broken('rejects', async (input) => {
    await later(0);
    if (input.length > 200) throw new Error('it is long');
  }),
  broken('undeclared', (input) => (input.includes(0xff) ? { ok: false, reason: 'What is that?' } : null)),
  broken('slow', (input) => {
    if (input.length > 100) spin(1_300);
    return null;
  }),
  broken('hangs', (input) => {
    while (input.length > 100) Math.random();
    return null;
  }),
  broken('exhausts', (input) => {
    const all: unknown[] = [];
    while (input.length > 100) all.push(new Array(1_000_000).fill(all.length));
    return null;
  }),
  broken('exits', (input) => {
    if (input.length > 100) process.exit(3);
    return null;
  }),
  broken('hoards', (input) => {
    if (hoard.length < 3_000) hoard.push(new Uint8Array(200_000 + input.length));
    return null;
  }),
]);
