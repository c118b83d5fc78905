import { runMain } from '../runner/run-main.ts';
import { check } from './check.ts';

await runMain(() => Date.now(), check);
