// The stand-in for pveum as a program: `pveum-main.mjs FILE WORD…`, with users and rights in FILE.

import { readFileSync, writeFileSync } from 'node:fs';
import { type PveumState, runPveum } from '../proxmox/pveum.ts';

const [file = '', ...words] = process.argv.slice(2);
const state = JSON.parse(readFileSync(file, 'utf8')) as PveumState;
const answer = runPveum(state, words);
writeFileSync(file, JSON.stringify(state));
process.stdout.write(answer.out);
process.stderr.write(answer.err);
process.exitCode = answer.code;
