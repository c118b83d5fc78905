// node test/adversary/main.ts [--traces N] [--seed N]: plays traces and tells what it reached as it goes.

import { parseArgs } from 'node:util';
import { playTraces } from './play-traces.ts';

const { values } = parseArgs({
  options: { traces: { type: 'string', default: '10000' }, seed: { type: 'string' } },
});
const wanted = Number(values.traces);
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 30));
const started = performance.now();
const tell = (played: number, counts: object): void => {
  const minutes = (performance.now() - started) / 60_000;
  console.log(`seed ${seed}: ${played} traces in ${minutes.toFixed(1)} min, ${JSON.stringify(counts)}`);
};
console.log(`seed ${seed}: ${wanted} traces`);
const all = await playTraces({ wanted, seed }, ({ played, counts }) => tell(played, counts));
console.log(all.failure ?? `all of ${all.played} traces did only what is allowed`);
process.exitCode = all.failure === null ? 0 : 1;
