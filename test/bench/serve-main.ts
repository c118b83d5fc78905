// The control plane of the bench, on any port or the one that is named. Says its origin and setup code in one JSON
// line, and ends with its input.

import { serve } from '../../src/main.ts';

const [dataDir, port = '0'] = process.argv.slice(2);
if (dataDir === undefined) throw new Error('the data folder is missing');
const many = 1_000_000_000;
const started = await serve({
  dataDir,
  listen: [{ host: '127.0.0.1', port: Number(port) }],
  write: (entry) => {
    if (entry.level === 'error') process.stderr.write(`${JSON.stringify(entry)}\n`);
  },
  // One caller stands for a crowd here.
  limits: {
    http: { tokenBurst: many, ownBurst: many, openAtOnce: many },
    listener: { maxConnections: 20_000 },
  },
});
if (!started.ok) throw new Error(`${started.reason}: ${started.detail}`);
const server = started.value;
process.stdout.write(`${JSON.stringify({ origin: server.origins[0], setupCode: server.setupCode })}\n`);
process.stdin.on('end', () => void server.close().then(() => process.exit(0))).resume();
