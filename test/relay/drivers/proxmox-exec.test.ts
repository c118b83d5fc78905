import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { systemDriverClock } from '../../../relay/drivers/clock.ts';
import { createHttpsClient, type HttpsClient } from '../../../relay/drivers/https-client.ts';
import { createAgentExec } from '../../../relay/drivers/proxmox-exec.ts';
import { createProxmoxHttp } from '../../../relay/drivers/proxmox-http.ts';
import { createRemoteMachine, type Exec } from '../../../relay/machine/remote-machine.ts';
import { runProgram } from '../../../relay/machine/run-program.ts';
import { machineContract } from '../../support/machine-contract.ts';
import { missing } from '../../support/missing.ts';
import type { ExecEnd } from '../../support/proxmox/options.ts';
import { loadSchemaCheck } from '../../support/proxmox/schema-check.ts';
import { type ProxmoxSimulator, startProxmoxSimulator } from '../../support/proxmox/simulator.ts';

const token = 'writ@pve!relay=6f1c2a4e-9d0b-4c1e-8a57-000000000001';
const guest = { kind: 'qemu', vmid: 102 } as const;

const stop = new AbortController();

/** This host in the place of the guest. */
async function runHere(argv: readonly string[], stdin: string): Promise<ExecEnd> {
  const [program, ...args] = argv as [string, ...string[]];
  const { signal } = stop;
  const options = { stdin: new TextEncoder().encode(stdin), timeoutMs: 60_000, maxBytes: 2 ** 24, signal };
  const ran = await runProgram([program, ...args], options);
  if (!ran.ok) return { code: 127, stdout: '', stderr: ran.reason };
  const { code, stdout, stderr } = ran.value;
  return { code, stdout: Buffer.from(stdout).toString(), stderr: Buffer.from(stderr).toString() };
}

let simulator: ProxmoxSimulator;
let client: HttpsClient;
let exec: Exec;
const base = mkdtempSync(join(tmpdir(), 'writ-agent-'));

before(async () => {
  const schema = loadSchemaCheck();
  simulator = await startProxmoxSimulator({
    node: 'pve2',
    guests: [
      {
        ...guest,
        name: 'websvcs',
        uuid: 'x',
        running: true,
        agent: { enabled: true, answersAfterMs: 0, exec: runHere },
      },
    ],
    tokens: [{ token }],
    // What the oldest servers take.
    maxBodyBytes: 65_536,
    ...(schema && { schema }),
  });
  client = createHttpsClient({ pin: simulator.pins.spki });
  const clock = systemDriverClock();
  const http = createProxmoxHttp({ client, baseUrl: simulator.url, token, clock });
  exec = createAgentExec(http, 'pve2', guest, clock);
});
after(async () => {
  client.close();
  assert.deepEqual(simulator.violations, [], 'every request and answer is of the official schema');
  await simulator.close();
  rmSync(base, { recursive: true, force: true });
});

if (process.getuid?.() !== 0) missing('root, to give files to other owners');
else {
  machineContract('a guest through its agent', () =>
    Promise.resolve({ machine: createRemoteMachine('websvcs', exec), folder: mkdtempSync(join(base, 'x-')) }),
  );
}

test('a guest that is gone in the middle is unreachable: whether it was done is not known', async () => {
  const running = exec.run(['sleep', '600'], { stdin: '', timeoutMs: 60_000 });
  while (!simulator.requests.some(({ path }) => path.endsWith('/agent/exec-status'))) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  await simulator.powerOff();
  stop.abort();
  const ran = await running;
  assert.equal(!ran.ok && ran.reason, 'unreachable');
  const machine = createRemoteMachine('websvcs', exec);
  const read = await machine.read('/etc/hostname', 1000);
  assert.equal(!read.ok && read.reason, 'unreachable');
});
