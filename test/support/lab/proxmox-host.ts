// A stand-in for Proxmox VE on a guest of the lab: `proxmox-host.mjs FOLDER`. Its API on port 8006 obeys the users and
// rights that the stand-in for pveum keeps in FOLDER/access.json. Its guests are simulated; switching the node off
// is told by a file, FOLDER/powered-off.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ServerCertificate } from '../proxmox/certificate.ts';
import type { GuestSpec } from '../proxmox/options.ts';
import { type PveumState, tokensOf } from '../proxmox/pveum.ts';
import { startProxmoxSimulator } from '../proxmox/simulator.ts';

export type ProxmoxHost = {
  readonly node: string;
  readonly guests: readonly GuestSpec[];
  readonly certificate: ServerCertificate;
};

const folder = process.argv[2];
if (folder === undefined) throw new Error('the folder is missing');
const readJson = <T>(name: string): T => JSON.parse(readFileSync(join(folder, name), 'utf8')) as T;
const host = readJson<ProxmoxHost>('host.json');
await startProxmoxSimulator({
  node: host.node,
  guests: host.guests,
  certificate: host.certificate,
  port: 8006,
  get tokens() {
    return tokensOf(readJson<PveumState>('access.json'));
  },
  onPowerOff: () => writeFileSync(join(folder, 'powered-off'), ''),
});
