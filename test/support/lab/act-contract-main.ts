// Runs in a guest, under the confinement of writ-relay-act.service: what every machine must do, of the host as the helper
// reaches it.

import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after } from 'node:test';
import { createConfinedHost } from '../../../relay/act/confined-host.ts';
import { runInUnit } from '../../../relay/act/outside-exec.ts';
import { machineContract } from '../machine-contract.ts';

const base = mkdtempSync('/etc/contract-');
after(() => rmSync(base, { recursive: true, force: true }));
machineContract('this host, from the helper', async () => ({
  machine: createConfinedHost('here', runInUnit),
  folder: mkdtempSync(join(base, 'x-')),
}));
