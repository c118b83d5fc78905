// A relay of the bench, on a Proxmox that answers at once: what is measured is Writ, not a hypervisor.

import { startRelay } from '../../relay/start.ts';
import { instantProxmox } from './instant-proxmox.ts';

const stateDir = process.argv[2];
if (stateDir === undefined) throw new Error('the state folder is missing');
const started = await startRelay({ stateDir, overrides: { proxmox: instantProxmox } });
if (!started.ok) throw new Error(`${started.reason}: ${started.detail}`);
process.stdout.write('started\n');
process.stdin.on('end', () => void started.value.stop().then(() => process.exit(0))).resume();
