#!/usr/bin/env node
// writ-relay-act: does as root what an authority signed for this host and its containers. Started by systemd when the
// relay asks, and ends when nobody has asked for a while.

import { nodeDisk } from '../agent/node-disk.ts';
import { createFrameLink } from '../drivers/frame-link.ts';
import { readContainerRoot } from '../drivers/proxmox-files.ts';
import { createLog, formatJsonLine } from '../log.ts';
import { actClock } from './act-clock.ts';
import { actFolder, openActState } from './act-state.ts';
import { handedSocket, serveUntilIdle } from './listen.ts';
import { endLeftPrograms, runInUnit } from './outside-exec.ts';
import { createActService, refuseAll } from './service.ts';
import { findTargetMachine } from './target-machine.ts';
import { createTargetWork } from './target-work.ts';

const idleMs = 30_000;

// Node 20 calls Ed25519 experimental (RFC 8032 is not); everything else that it warns of is printed.
process.removeAllListeners('warning');
process.on('warning', (warning) => {
  if (warning.name !== 'ExperimentalWarning') process.stderr.write(`${warning.stack ?? warning.message}\n`);
});
// Whoever reads the log may go away: the work goes on.
process.stdout.on('error', () => {});

const log = createLog({
  now: actClock.now,
  write: (entry) => void process.stdout.write(`${formatJsonLine(entry)}\n`),
});
const stop = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stop.abort());

const fd = handedSocket(process.env, process.pid);
if (fd === null) {
  process.stderr.write('writ-relay-act is started by systemd: systemctl start writ-relay-act.socket\n');
  process.exit(2);
}
// Not awaited: the bundle is CommonJS, which has no await out here.
void serve(fd);

async function serve(fd: number): Promise<void> {
  const state = await openActState(nodeDisk(actFolder));
  if (!state.ok) log.error('act_state_refused', { code: state.reason, detail: state.detail ?? null });
  const service = state.ok
    ? createActService({
        state: state.value,
        work: createTargetWork(actClock),
        machineOf: (target) => {
          const { house } = state.value.trust().document;
          return findTargetMachine({ house, relay: state.value.relay }, target, {
            outside: runInUnit,
            rootOf: (vmid) => readContainerRoot(vmid),
          });
        },
        clock: actClock,
        log,
        stop: stop.signal,
      })
    : refuseAll(state.reason);
  const recovered = service.recover(endLeftPrograms);
  await serveUntilIdle({ fd }, { idleMs, stop: stop.signal, meanwhile: recovered }, (socket) =>
    service.serve(createFrameLink(socket)),
  );
}
