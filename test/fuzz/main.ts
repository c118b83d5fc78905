// node test/fuzz/main.ts [TARGET …] [--seconds N] [--seed N] [--jobs N], or TARGET --input BASE64 to read one input again.

import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { asBytes, type Fuzzed, tryInput } from './engine.ts';
import { targets } from './targets.ts';
import { fuzzInChild } from './watch.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: process.env.WRIT_FUZZ_S ?? '20' },
    seed: { type: 'string' },
    jobs: { type: 'string', default: process.env.WRIT_FUZZ_JOBS ?? String(2 * availableParallelism()) },
    input: { type: 'string' },
  },
});

const wanted = positionals.length === 0 ? targets : targets.filter(({ name }) => positionals.includes(name));
const unknown = positionals.filter((name) => !targets.some((target) => target.name === name));
if (unknown.length > 0) throw new Error(`there is no target ${unknown.join(', ')}`);

/** Reads one input that a run told of. */
async function readAgain(base64: string): Promise<boolean> {
  const [target] = wanted;
  const { fault } = await tryInput(await target!.open(), asBytes(Buffer.from(base64, 'base64')));
  console.log(fault === null ? `${target!.name} reads it as it should` : `${fault.kind}: ${fault.detail}`);
  return fault === null;
}

function tell({ target, seed, inputs, kept, reached, grownBytes, fault }: Fuzzed): void {
  const mb = (grownBytes / 1e6).toFixed(1);
  console.log(
    `${target}: ${inputs} inputs, ${kept} kept, ${reached} blocks reached, ${mb} MB grown, seed ${seed}`,
  );
  if (fault === null) return;
  console.log(`${target}: FAILED, ${fault.kind}: ${fault.detail}`);
  console.log(`  again: node test/fuzz/main.ts ${target} --seed ${seed}`);
  if (fault.input === null) return;
  console.log(
    `  or: node test/fuzz/main.ts ${target} --input ${Buffer.from(fault.input).toString('base64')}`,
  );
}

/** Fuzzes all that are asked for, some side by side; true when none has a fault. */
async function fuzzAll(): Promise<boolean> {
  const seconds = Number(values.seconds);
  const first = Number(values.seed ?? process.env.WRIT_SEED ?? Math.floor(Math.random() * 2 ** 30));
  console.log(`${wanted.length} targets, ${seconds} s each, seed ${first}`);
  const left = [...wanted];
  let faults = 0;
  let inputs = 0;
  const work = async (): Promise<void> => {
    for (let target = left.shift(); target !== undefined; target = left.shift()) {
      const done = await fuzzInChild(target.name, { seed: first, seconds });
      inputs += done.inputs;
      if (done.fault !== null) faults += 1;
      tell(done);
    }
  };
  await Promise.all(Array.from({ length: Number(values.jobs) }, work));
  console.log(`${inputs} inputs in ${wanted.length} targets, ${faults} with a fault`);
  return faults === 0;
}

const passed = values.input === undefined ? await fuzzAll() : await readAgain(values.input);
process.exit(passed ? 0 : 1);
