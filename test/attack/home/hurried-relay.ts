import { formatTextLine } from '../../../relay/log.ts';
import { startRelay } from '../../../relay/start.ts';

/*
 * `hurried-relay.ts STATE MS`: a relay as `writ-relay run` starts it, which alarms its owner after MS without a
 * heartbeat. Ends when it is killed.
 */
const [stateDir, limitMs] = process.argv.slice(2) as [string, string];
const started = await startRelay({
  stateDir,
  overrides: { heartbeatLimitMs: Number(limitMs) },
  log: (entry) => void process.stdout.write(`${formatTextLine(entry)}\n`),
});
if (!started.ok) throw new Error(`the relay does not start: ${started.reason}`);
