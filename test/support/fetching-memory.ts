import type { MachineResult, Ran } from '../../relay/machine/machine.ts';
import { ok } from '../../schema/result.ts';
import type { ReleaseApp } from '../../schema/wire/release.ts';
import { artifactOf, sha256Of } from './fetching-home.ts';
import type { MemoryMachine } from './memory-machine.ts';

type Artifact = ReleaseApp['artifacts'][number];

/** What a machine in memory may fetch, and what it has asked for. */
export type Elsewhere = {
  readonly asked: string[];
  /** Texts by their addresses. */
  readonly served: Map<string, string>;
  /** An artifact of this text; or an archive of such files, by their paths. */
  serve(name: string, what: string | Readonly<Record<string, string>>, more?: Partial<Artifact>): Artifact;
};

/** Gives a machine in memory the programs that fetch and unpack. An archive is what `serve` makes of one, and no tar. */
export function letFetch(machine: MemoryMachine): Elsewhere {
  const asked: string[] = [];
  const served = new Map<string, string>();
  const { run } = machine;
  const removeAll = async (path: string): Promise<void> => {
    const names = await machine.list(path, 10_000);
    for (const name of names.ok ? names.value : []) await removeAll(`${path}/${name}`);
    await machine.remove(path);
  };
  const wordAfter = (argv: readonly string[], word: string): string => argv[argv.indexOf(word) + 1]!;
  const unpacked = (path: string) =>
    Object.entries(JSON.parse(machine.text(path)!) as Record<string, string>);

  machine.run = async (argv, options): Promise<MachineResult<Ran>> => {
    const ran = await run(argv, options);
    if (!ran.ok) return ran;
    const told = (code: number, stdout = '', stderr = '') => {
      const [out, err] = [stdout, stderr].map((text) => new TextEncoder().encode(text)) as [
        Uint8Array<ArrayBuffer>,
        Uint8Array<ArrayBuffer>,
      ];
      return ok({ code, stdout: out, stderr: err });
    };
    if (argv[0] === 'rm') {
      await removeAll(argv.at(-1)!);
    } else if (argv.includes('download-file')) {
      const [url, path, digest] = argv.slice(-3) as [string, string, string];
      asked.push(url);
      const text = served.get(url);
      if (text === undefined) return told(100, '', `Failed to fetch ${url}  404  Not Found`);
      if (digest !== `SHA256:${sha256Of(Buffer.from(text))}`) return told(100, '', 'Hash Sum mismatch');
      machine.put(path, text);
    } else if (argv.includes('--list')) {
      const rows = unpacked(wordAfter(argv, '--file')).map(
        ([path, text]) => `-rw-r--r-- 0/0 ${text.length} 2026-11-29 14:07 ${path}\n`,
      );
      return told(0, rows.join(''));
    } else if (argv.includes('--extract')) {
      const folder = wordAfter(argv, '--directory');
      for (const [path, text] of unpacked(wordAfter(argv, '--file'))) machine.put(`${folder}/${path}`, text);
    } else if (argv.includes('-printf')) {
      const names = await machine.list(argv[1]!, 10_000);
      const rows = (names.ok ? names.value : []).map(
        (name, at) => `f\t644\t${machine.text(`${argv[1]}/${name}`)!.length}\t1\t${at}\t${name}\0`,
      );
      return told(0, rows.join(''));
    } else return ran;
    return told(0);
  };
  return {
    asked,
    served,
    serve(name, what, more = {}) {
      const isFile = typeof what === 'string';
      const text = isFile ? what : JSON.stringify(what);
      const url = `https://example.net/${name}`;
      served.set(url, text);
      return artifactOf({
        ...{ url, sha256: sha256Of(Buffer.from(text)), unpack: !isFile },
        ...{ to: isFile ? '/etc/opt/web/theme.css' : '/etc/opt/web/pages/', on_change: 'restart' as const },
        ...more,
      });
    },
  };
}
