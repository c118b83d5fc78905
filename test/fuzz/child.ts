// node child.ts TARGET SEED SECONDS FILE: one target in a process of its own.

import { runChild } from './run-child.ts';
import { targets } from './targets.ts';

await runChild(targets);
