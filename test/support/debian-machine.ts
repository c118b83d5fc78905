import type { Machine } from '../../relay/machine/machine.ts';
import { ok, refuse } from '../../schema/result.ts';
import { createMemoryMachine, type MemoryMachine } from './memory-machine.ts';

/** Programs by the package that brings them. */
const programs: Readonly<Record<string, readonly string[]>> = {
  podman: ['podman'],
  age: ['age', 'age-keygen'],
  'qemu-guest-agent': ['qemu-ga'],
  'aardvark-dns': ['/usr/lib/podman/aardvark-dns'],
  catatonit: ['catatonit'],
};
const encode = (value: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(value);

/** A Debian in memory, as far as preparing it asks: programs tell versions, and apt-get installs. */
export type DebianMachine = Machine & {
  readonly files: MemoryMachine;
  /** Packages that are there. */
  readonly has: Set<string>;
  /** Versions that programs tell, where not the usual one. */
  readonly versions: Map<string, string>;
  /** Runs of apt-get and dpkg, as words; `options` are left out. */
  readonly apt: string[];
  /** What a run of apt-get prints instead of doing it, by how it fails; null: it does it. */
  fails: ((words: string) => string | null) | null;
  /** Awaited before each run, given its words. */
  before: ((words: string) => Promise<void>) | null;
  /** How many programs were run. */
  runs: number;
};

export function createDebianMachine(has: readonly string[] = ['qemu-guest-agent']): DebianMachine {
  const files = createMemoryMachine();
  files.put(
    '/usr/lib/os-release',
    'PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nID=debian\nVERSION_ID="13"\n',
  );
  const there = new Set(has);
  const ran: string[] = [];
  const said = (code: number, stdout: string, stderr = '') =>
    ok({ code, stdout: encode(stdout), stderr: encode(stderr) });
  const machine: DebianMachine = {
    ...files,
    files,
    has: there,
    versions: new Map(),
    apt: ran,
    fails: null,
    before: null,
    runs: 0,
    async run(argv, options) {
      machine.runs += 1;
      const [name, ...words] = argv;
      if (name === 'apt-get' || name === 'dpkg') {
        const spoken = [
          name,
          ...words.filter((word, at) => !/^-o$/.test(word) && words[at - 1] !== '-o'),
        ].join(' ');
        ran.push(spoken);
        if (options.env?.DEBIAN_FRONTEND !== 'noninteractive') throw new Error('it would ask somebody');
        await machine.before?.(spoken);
        const trouble = machine.fails?.(spoken) ?? null;
        // Of lists, apt-get update only warns.
        if (trouble !== null)
          return said(words.includes('update') && /^W:/.test(trouble) ? 0 : 100, '', trouble);
        const at = words.indexOf('--');
        if (at >= 0) for (const one of words.slice(at + 1)) there.add(one);
        return said(0, '');
      }
      await machine.before?.(argv.join(' '));
      if (words.at(-1) === '--version' && name !== 'systemctl') {
        const brought = [...there].some((one) => programs[one]?.includes(name!));
        if (!brought) return refuse('program_missing', name);
        return said(0, `${name} version ${machine.versions.get(name!) ?? '5.4.2'}\n`);
      }
      return name === 'systemctl' && words[0] === '--version'
        ? said(0, 'systemd 257\n')
        : files.run(argv, options);
    },
  };
  return machine;
}
