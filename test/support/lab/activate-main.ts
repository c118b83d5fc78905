// Runs in a guest: activate-main.mjs REQUEST, where REQUEST is JSON (engine-request.ts). Does with the guest itself what
// it says, and prints what came of it, a line of JSON.

import { appendFileSync, readFileSync } from 'node:fs';
import { createPathWatch } from '../../../relay/agent/confirm.ts';
import { activate, revertPending } from '../../../relay/deploy/activate.ts';
import { createTargetLook } from '../../../relay/deploy/look-target.ts';
import { readTargetState } from '../../../relay/deploy/target-state.ts';
import { createHostMachine } from '../../../relay/machine/host-machine.ts';
import type { Machine } from '../../../relay/machine/machine.ts';
import { createRemoteMachine, type Exec } from '../../../relay/machine/remote-machine.ts';
import { runProgram } from '../../../relay/machine/run-program.ts';
import { digestBytes, toBytes } from '../../../schema/jose/digest.ts';
import { ok, refuse } from '../../../schema/result.ts';
import { canonicalJson } from '../../../schema/wire/canonical.ts';
import { readReleaseFile } from '../../../src/config/build/release-file.ts';
import type { EngineAnswer, EngineRequest } from './engine-request.ts';
import { createFaultyMachine } from './faulty-machine.ts';

const request = JSON.parse(process.argv[2]!) as EngineRequest;
let programs = 0;

/** The guest as its agent shows it. */
const exec: Exec = {
  maxStdin: 65_536,
  maxStdout: 4 * 1024 * 1024,
  async run([program, ...args], { stdin, timeoutMs, signal }) {
    programs += 1;
    const ran = await runProgram([program!, ...args], {
      stdin: new TextEncoder().encode(stdin),
      timeoutMs,
      maxBytes: 16 * 1024 * 1024,
      ...(signal && { signal }),
    });
    if (!ran.ok) return ran;
    const { code, stdout, stderr } = ran.value;
    return ok({ code, stdout: Buffer.from(stdout).toString(), stderr: Buffer.from(stderr).toString() });
  },
};
const host = createHostMachine('guest');
const counted = {
  ...host,
  run: (...given: Parameters<typeof host.run>) => {
    programs += 1;
    return host.run(...given);
  },
};

/** The machine, whose every call is kept with its result, byte for byte. */
const recorded = (of: Machine, file: string): Machine =>
  new Proxy(of, {
    get(_, name: keyof Machine) {
      if (name === 'name') return of.name;
      const method = of[name] as (...given: unknown[]) => Promise<unknown>;
      return async (...given: unknown[]) => {
        const result = await method(...given);
        const text = JSON.stringify([name, given, result], (_key, value) =>
          value?.type === 'Buffer' || value instanceof Uint8Array
            ? Buffer.from(value).toString('latin1')
            : value,
        );
        appendFileSync(file, `${text}\n`);
        return result;
      };
    },
  });
const guest = request.by === 'exec' ? createRemoteMachine('guest', exec) : counted;
const { machine, api, at, asked } = createFaultyMachine(
  request.record === undefined ? guest : recorded(guest, request.record),
  () => programs,
  request.fault,
  request.disks ?? [],
);
const pace = request.pace ?? 1;
const clock = {
  uptimeMs: () => performance.now(),
  sleep: (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms / pace)),
};

/** The control plane is reached by one way, and that by no part of the guest. */
const watchPath = createPathWatch({
  origins: () => [{ url: 'https://writ.example.net' }],
  clock,
  ask: () => api('ask', () => true, false),
  patienceMs: 60_000 / pace,
});

async function doActivate(): Promise<Omit<EngineAnswer, 'asked'>> {
  const release = await readReleaseFile(new Uint8Array(readFileSync(request.release!)));
  if (!release.ok) throw new Error(release.reason);
  const part = release.value.manifest.parts.find(({ target }) => target === request.target)!;
  const bytes = toBytes(canonicalJson(part));
  const progress: string[] = [];
  const wanted = { part, bytes, digest: await digestBytes(bytes) };
  const begun = performance.now();
  const activation = await activate(
    {
      machine,
      clock,
      signal: new AbortController().signal,
      blob: (digest) => {
        const lacks = refuse('blob_missing', digest);
        const found = request.lost === true ? undefined : release.value.blobs.get(digest);
        return api('blob', () => (found === undefined ? lacks : ok(found)), lacks);
      },
      watchPath,
      progress: (phase) => progress.push(phase),
      at,
    },
    wanted,
    request.again,
  );
  return { activation, progress, ms: [performance.now() - begun] };
}

async function doLook(): Promise<Omit<EngineAnswer, 'asked'>> {
  const look = createTargetLook(machine);
  const ms: number[] = [];
  for (let index = 0; ; index += 1) {
    const begun = performance.now();
    const seen = await look();
    ms.push(performance.now() - begun);
    if (!seen.ok) throw new Error(`${seen.reason}: ${seen.detail}`);
    if (index + 1 >= (request.times ?? 1)) return { sight: seen.value, ms };
  }
}

async function doGoBack(): Promise<Omit<EngineAnswer, 'asked'>> {
  at('back');
  const begun = performance.now();
  const state = await readTargetState(machine);
  const back = state.ok ? await revertPending({ machine }, state.value) : state;
  return { back, ms: [performance.now() - begun] };
}

async function doSettle(): Promise<Omit<EngineAnswer, 'asked'>> {
  const before = await doLook();
  const { back } = await doGoBack();
  const after = await doLook();
  return { before: before.sight!, back: back!, sight: after.sight!, ms: [] };
}

const work = { activate: doActivate, look: doLook, 'go-back': doGoBack, settle: doSettle }[request.do];
console.log(JSON.stringify({ ...(await work()), asked: asked() }));
