// Runs in a guest: activate-main.mjs RELEASE TARGET [STOP-AT]
// Activates the part of a release file on the guest itself and prints what came of it, a line of JSON. STOP-AT is the number
// of a call to the machine at which the program kills itself, as a power cut would. TARGET `-` only goes back from what a crash left.

import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { activate, revertPending } from '../../../relay/deploy/activate.ts';
import { readTargetState } from '../../../relay/deploy/target-state.ts';
import { createHostMachine } from '../../../relay/machine/host-machine.ts';
import type { Machine } from '../../../relay/machine/machine.ts';
import { digestBytes, toBytes } from '../../../schema/jose/digest.ts';
import { ok, refuse } from '../../../schema/result.ts';
import { canonicalJson } from '../../../schema/wire/canonical.ts';
import { readReleaseFile } from '../../../src/config/build/release-file.ts';

const [file, target, stopAt] = process.argv.slice(2) as [string, string, string | undefined];
let calls = 0;

/** Where this file is, all that goes between the machine and whoever speaks to it is kept in it, byte for byte. */
const record = '/opt/record';
const recorded =
  (method: (...given: unknown[]) => Promise<unknown>) =>
  async (...given: unknown[]): Promise<unknown> => {
    const result = await method(...given);
    const text = JSON.stringify([given, result], (_, value) =>
      value?.type === 'Buffer' || value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : value,
    );
    appendFileSync(record, `${text}\n`);
    return result;
  };

/** The guest, which counts what it is asked for, and dies before the given call. */
const counted = (machine: Machine): Machine =>
  new Proxy(machine, {
    get(of, name) {
      if (name === 'name') return of.name;
      calls += 1;
      if (calls === Number(stopAt)) process.kill(process.pid, 'SIGKILL');
      const method = Reflect.get(of, name) as (...given: unknown[]) => Promise<unknown>;
      return existsSync(record) ? recorded(method) : method;
    },
  });

const machine = counted(createHostMachine('guest'));
const clock = {
  uptimeMs: () => performance.now(),
  sleep: (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)),
};
if (target === '-') {
  const state = await readTargetState(machine);
  const back = state.ok ? await revertPending({ machine }, state.value) : state;
  console.log(JSON.stringify(back));
} else {
  const release = await readReleaseFile(new Uint8Array(readFileSync(file)));
  if (!release.ok) throw new Error(release.reason);
  const part = release.value.manifest.parts.find((one) => one.target === target)!;
  const bytes = toBytes(canonicalJson(part));
  const phases: string[] = [];
  const activation = await activate(
    {
      machine,
      clock,
      signal: new AbortController().signal,
      blob: async (digest) => {
        const found = release.value.blobs.get(digest);
        return found === undefined ? refuse('blob_missing', digest) : ok(found);
      },
      progress: (phase) => phases.push(phase),
    },
    { part, bytes, digest: await digestBytes(bytes) },
  );
  console.log(JSON.stringify({ ...activation, phases, calls }));
}
