import { join } from 'node:path';
import { build } from 'esbuild';
import { makeServerCertificate } from '../proxmox/certificate.ts';
import type { GuestSpec } from '../proxmox/options.ts';
import { emptyPveum } from '../proxmox/pveum.ts';
import type { Guest } from './guest.ts';

const place = '/opt/pve-stand-in';

/** Bundles a program of the tests for the guests' own Node. */
async function bundle(file: string): Promise<string> {
  const made = await build({
    entryPoints: [join(import.meta.dirname, file)],
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    mainFields: ['module', 'main'],
    write: false,
    logLevel: 'error',
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
  });
  return made.outputFiles[0]!.text;
}

/**
 * Gives a guest of the lab what a Proxmox VE host shows to Writ: /etc/pve, pveum, and the API on port 8006 from its
 * next boot on. All three are stand-ins; Proxmox VE itself cannot be had here.
 */
export async function installProxmoxStandIn(guest: Guest, guests: readonly GuestSpec[]): Promise<void> {
  const certificate = await makeServerCertificate(guest.name);
  const node = `/etc/pve/nodes/${guest.name}`;
  guest.put(`${node}/pve-ssl.pem`, certificate.certPem);
  for (const spec of guests) {
    const lines =
      spec.kind === 'qemu'
        ? [`name: ${spec.name}`, `smbios1: uuid=${spec.uuid}`]
        : [`hostname: ${spec.name}`, `rootfs: ${spec.rootfs}`];
    guest.put(
      `${node}/${spec.kind === 'qemu' ? 'qemu-server' : 'lxc'}/${spec.vmid}.conf`,
      `${lines.join('\n')}\n`,
    );
  }
  guest.put(`${place}/host.json`, JSON.stringify({ node: guest.name, guests, certificate }), 0o600);
  guest.put(`${place}/access.json`, JSON.stringify(emptyPveum()), 0o600);
  guest.put(`${place}/proxmox-host.mjs`, await bundle('proxmox-host.ts'));
  guest.put(`${place}/pveum.mjs`, await bundle('pveum-main.ts'));
  guest.put('/usr/sbin/pveum', `#!/bin/sh\nexec node ${place}/pveum.mjs ${place}/access.json "$@"\n`, 0o755);
  guest.put(
    '/etc/systemd/system/pve-stand-in.service',
    `[Service]\nExecStart=/usr/bin/node ${place}/proxmox-host.mjs ${place}\n`,
  );
  guest.put(
    '/etc/systemd/system/multi-user.target.d/pve-stand-in.conf',
    '[Unit]\nWants=pve-stand-in.service\n',
  );
}
