import { openSync, writeSync } from 'node:fs';
import { fuzz } from './engine.ts';
import type { Target } from './target.ts';

/** Fuzzes a target as `TARGET SEED SECONDS FILE` of this process's arguments say; the input at work is in FILE. */
export async function runChild(targets: readonly Target[]): Promise<void> {
  const [name, seed, seconds, file] = process.argv.slice(2) as [string, string, string, string];
  const target = targets.find((one) => one.name === name);
  if (target === undefined) throw new Error(`there is no target ${name}`);
  const fd = openSync(file, 'w');
  const head = Buffer.alloc(16);
  let number = 0;
  const done = await fuzz(target, {
    seed: Number(seed),
    seconds: Number(seconds),
    before(input) {
      number += 1;
      head.writeUIntBE(number, 0, 6);
      head.writeUInt32BE(input.length, 8);
      writeSync(fd, input, 0, input.length, head.length);
      writeSync(fd, head, 0, head.length, 0);
    },
  });
  const { fault } = done;
  const input = fault?.input == null ? null : Buffer.from(fault.input).toString('base64');
  process.send!({ ...done, fault: fault === null ? null : { ...fault, input } }, () => process.exit(0));
}
