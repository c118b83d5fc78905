import { parseArgs } from 'node:util';
import { isControl } from './attack.ts';
import { attackHome } from './attack-home.ts';
import { findAttacks } from './find.ts';
import { exitCodeOf, type Outcome } from './run.ts';
import { lineOf, painter, summaryOf } from './tell.ts';

const stop = new AbortController();
const interrupted = stop.signal;

const usage = `npm run attack [-- OPTIONS]

Brings up a whole home on this machine's loopback, gives its control plane to a thief, and lets the thief try every
attack in test/attack/attacks/. docs/attack.md says what counts as won, and how to add an attack.

  --only NAME   this attack alone, and the controls; may be given several times
  --list        name the attacks, and start nothing
  --json        one JSON object with every outcome
  --seed N      for what is random (default: 1)
  --keep        leave the home's folder with all state and logs
  --help        this

Exit code: 0, nothing was won; 1, something was won; 2, wrong options; 3, the program could not do its work.
`;

async function main(): Promise<number> {
  let values: ReturnType<typeof parse>;
  try {
    values = parse();
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return 2;
  }
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  const all = await findAttacks();
  const unknown = values.only.filter((name) => !all.some((attack) => attack.name === name));
  if (unknown.length > 0) {
    process.stderr.write(`There is no attack ${unknown.join(', ')}. See --list.\n`);
    return 2;
  }
  if (!Number.isSafeInteger(Number(values.seed))) {
    process.stderr.write('--seed is a whole number.\n');
    return 2;
  }
  const attacks = all.filter(
    (attack) => values.only.length === 0 || isControl(attack) || values.only.includes(attack.name),
  );
  if (values.list) {
    for (const { name, threat, about } of all) process.stdout.write(`threat ${threat}  ${name}: ${about}\n`);
    return 0;
  }
  const paint = painter(process.stdout, process.env);
  const say = (text: string): void => void process.stderr.write(`${text} …\n`);
  let done = 0;
  const tell = (outcome: Outcome): void => {
    done += 1;
    const place = `[${String(done).padStart(2)}/${attacks.length}]`;
    if (!values.json) process.stdout.write(`${lineOf(outcome, place, paint)}\n`);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort());
  try {
    const outcomes = await attackHome(attacks, {
      seed: Number(values.seed),
      keep: values.keep,
      say,
      tell,
      signal: interrupted,
    });
    if (values.json) process.stdout.write(`${JSON.stringify({ seed: Number(values.seed), outcomes })}\n`);
    else process.stdout.write(`\n${summaryOf(outcomes)}\n`);
    return exitCodeOf(outcomes);
  } catch (error) {
    process.stderr.write(
      `The home could not be attacked: ${error instanceof Error ? error.message : String(error)}\n`,
    );
    return 3;
  }
}

const parse = () =>
  parseArgs({
    options: {
      only: { type: 'string', multiple: true, default: [] },
      list: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      seed: { type: 'string', default: '1' },
      keep: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  }).values;

process.exitCode = await main();
// Whoever interrupted it does not wait for what was still being brought up: the home's guardian ends that.
if (interrupted.aborted) process.exit();
