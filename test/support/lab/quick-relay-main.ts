// Runs in a guest in the place of `writ-relay run`: the same relay, but that it waits for seconds, and not for a
// minute, until an origin which a change has silenced answers again.

import { formatJsonLine } from '../../../relay/log.ts';
import { startRelay } from '../../../relay/start.ts';

const stop = new AbortController();
process.on('SIGTERM', () => stop.abort());
const started = await startRelay({
  stateDir: '/var/lib/writ-relay',
  overrides: { confirmMs: 2_000 },
  log: (entry) => console.log(formatJsonLine(entry)),
});
if (!started.ok) throw new Error(`${started.reason}: ${started.detail}`);
if (!stop.signal.aborted) await new Promise((resolve) => stop.signal.addEventListener('abort', resolve));
await started.value.stop();
