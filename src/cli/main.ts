#!/usr/bin/env node
import { webcrypto } from 'node:crypto';
import { homedir } from 'node:os';
import { runCli } from './cli.ts';
import { exits } from './outcome.ts';
import { processTerminal } from './terminal.ts';

// Node 20 calls Ed25519 experimental (RFC 8032 is not); everything else that it warns of is printed.
process.removeAllListeners('warning');
process.on('warning', (warning) => {
  if (warning.name !== 'ExperimentalWarning') process.stderr.write(`${warning.stack ?? warning.message}\n`);
});

const abort = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.once(name, () => {
    abort.abort();
    // A second one ends it at once.
    process.once(name, () => process.exit(exits.failed));
  });
}
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // A reader that went away, as `head` does, is no error of ours.
  if (error.code === 'EPIPE') process.exit(exits.ok);
  process.stderr.write(`Not all could be printed: ${error.message}.\n(output_failed)\n`);
  process.exit(exits.failed);
});

process.exitCode = await runCli(
  {
    terminal: processTerminal(process),
    now: () => Date.now(),
    random: (bytes) => webcrypto.getRandomValues(new Uint8Array(bytes)),
    env: process.env,
    homeDirectory: homedir(),
    signal: abort.signal,
  },
  process.argv.slice(2),
);
