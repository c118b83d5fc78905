import { runMain } from '../runner/run-main.ts';
import { deploy } from './deploy.ts';

await runMain(() => Date.now(), deploy);
