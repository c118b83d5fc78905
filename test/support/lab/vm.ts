import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import type { ExecEnd } from '../proxmox/options.ts';
import { vmRoot } from './vm-root.ts';

/** A virtual machine with a kernel and a guest agent of its own, to which nothing else leads. */
export type Vm = {
  /** Switches it on, and waits until its agent answers. */
  boot(): Promise<void>;
  /** Pulls the plug. What it wrote stays. */
  cut(): Promise<void>;
  /** Runs a program there by its agent, as Proxmox VE's `agent/exec` does; throws where the agent does not answer. */
  exec(argv: readonly string[], stdin: string): Promise<ExecEnd>;
  close(): Promise<void>;
};

const memoryMib = 768;
const bootMs = 300_000;
const answerMs = 60_000;
const lookEveryMs = 10;

/** Makes a machine; it is off until `boot`. The processor is emulated, which takes its time. */
export async function makeVm(): Promise<Vm> {
  const { root, disk, kernel, initrd } = await vmRoot((line) => process.stderr.write(`${line}\n`));
  const folder = mkdtempSync(join(process.env.WRIT_LAB_DIR ?? tmpdir(), 'writ-vm-'));
  mkdirSync(join(folder, 'tmp'));
  copyFileSync(kernel, join(folder, 'kernel'));
  copyFileSync(initrd, join(folder, 'initrd'));
  await ended(spawn('cp', ['--sparse=always', '--reflink=auto', disk, join(folder, 'disk')]));
  let running: ChildProcess | null = null;
  let agent: Agent | null = null;

  const cut = async (): Promise<void> => {
    agent?.close();
    agent = null;
    if (running === null) return;
    const gone = running.exitCode === null ? once(running, 'exit') : null;
    running.kill('SIGKILL');
    await gone;
    running = null;
  };

  return {
    async boot() {
      rmSync(join(folder, 'agent'), { force: true });
      const child = spawn(
        // Ends with this process, however that ends.
        'setpriv',
        [
          ...['--pdeathsig', 'KILL', 'unshare', '--mount', '--propagation', 'private'],
          ...['--pid', '--fork', '--kill-child'],
          ...qemu(root, folder),
        ],
        {
          stdio: ['ignore', 'ignore', 'pipe'],
        },
      );
      running = child;
      let said = '';
      child.stderr!.on('data', (chunk: Buffer) => (said += chunk.toString()));
      const until = Date.now() + bootMs;
      for (;;) {
        if (child.exitCode !== null) throw new Error(`QEMU ended: ${said}`);
        if (Date.now() > until) throw new Error(`the virtual machine did not boot in time: ${said}`);
        // One connection for all the time: QEMU keeps what is said until somebody listens in the machine.
        if (existsSync(join(folder, 'agent'))) {
          agent = await openAgent(join(folder, 'agent'), bootMs);
          return;
        }
        await pause(100);
      }
    },
    cut,
    async exec(argv, stdin) {
      if (agent === null) throw new Error('the virtual machine is off');
      return agent.exec(argv, stdin);
    },
    async close() {
      await cut();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** QEMU from its own root, with the machine's folder at /mnt there. */
const qemu = (root: string, folder: string): string[] => [
  ...[
    'sh',
    '-ec',
    'mount --rbind /dev "$0/dev"; mount -t proc proc "$0/proc"; mount --bind "$1" "$0/mnt"; root=$0; shift; exec chroot "$root" "$@"',
  ],
  ...[root, folder, 'qemu-system-x86_64', '-nodefaults', '-no-user-config', '-display', 'none'],
  ...['-machine', 'q35', '-accel', 'tcg,thread=multi', '-cpu', 'max', '-smp', '2', '-m', String(memoryMib)],
  ...['-kernel', '/mnt/kernel', '-initrd', '/mnt/initrd'],
  ...['-append', 'root=/dev/vda rw console=ttyS0 quiet mitigations=off tsc=reliable systemd.show_status=0'],
  ...['-serial', 'file:/mnt/console', '-drive', 'file=/mnt/disk,if=none,id=disk,format=raw,cache=unsafe'],
  ...['-device', 'virtio-blk-pci,drive=disk', '-device', 'virtio-rng-pci', '-device', 'virtio-serial-pci'],
  ...['-chardev', 'socket,path=/mnt/agent,server=on,wait=off,id=agent'],
  ...['-device', 'virtserialport,chardev=agent,name=org.qemu.guest_agent.0'],
];

async function ended(child: ChildProcess): Promise<void> {
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`${child.spawnfile} ended with ${code}`);
}

type Agent = { exec(argv: readonly string[], stdin: string): Promise<ExecEnd>; close(): void };
type Status = {
  readonly exited: boolean;
  readonly exitcode?: number;
  readonly signal?: number;
  readonly 'out-data'?: string;
  readonly 'err-data'?: string;
};
type Answer = { readonly return?: unknown; readonly error?: { readonly desc: string } };

/** Speaks the guest agent's protocol (QEMU's qga reference): a line of JSON there, a line back, one after the other. */
async function openAgent(path: string, waitMs: number): Promise<Agent> {
  const socket = connect({ path });
  await once(socket, 'connect');
  const lines = createInterface({ input: socket });
  const answers = lines[Symbol.asyncIterator]();
  socket.on('error', () => socket.destroy());
  // A socket that is destroyed does not end.
  socket.on('close', () => lines.close());

  const next = async (timeoutMs: number): Promise<Answer> => {
    const late = setTimeout(() => socket.destroy(), timeoutMs);
    const line = await answers.next().finally(() => clearTimeout(late));
    if (line.done === true) throw new Error('the agent does not answer');
    return JSON.parse(line.value) as Answer;
  };
  const say = (execute: string, given: object): void =>
    void socket.write(`${JSON.stringify({ execute, arguments: given })}\n`);

  let last: Promise<unknown> = Promise.resolve();
  const ask = <T>(execute: string, given: object): Promise<T> => {
    const asked = last.then(async () => {
      say(execute, given);
      const answer = await next(answerMs);
      if (answer.error !== undefined) throw new Error(answer.error.desc);
      return answer.return as T;
    });
    last = asked.catch(() => {});
    return asked;
  };

  try {
    // What was asked before, by somebody who did not wait, is answered first.
    const id = randomInt(2 ** 31);
    say('guest-sync', { id });
    while ((await next(waitMs)).return !== id);
  } catch (error) {
    socket.destroy();
    throw error;
  }
  return {
    close: () => socket.destroy(),
    async exec([path = '', ...arg], stdin) {
      const input = stdin === '' ? {} : { 'input-data': Buffer.from(stdin).toString('base64') };
      const { pid } = await ask<{ pid: number }>('guest-exec', {
        path,
        arg,
        ...input,
        'capture-output': true,
      });
      for (;;) {
        const status = await ask<Status>('guest-exec-status', { pid });
        const decoded = (data = ''): string => Buffer.from(data, 'base64').toString();
        if (status.exited) {
          const code = status.exitcode ?? 128 + (status.signal ?? 0);
          return { code, stdout: decoded(status['out-data']), stderr: decoded(status['err-data']) };
        }
        await pause(lookEveryMs);
      }
    },
  };
}
