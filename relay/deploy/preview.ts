import { refuse } from '../../schema/result.ts';
import type { Machine, MachineResult, Ran } from '../machine/machine.ts';
import { blobPath, type Op } from './target-state.ts';

const timeoutMs = 60_000;
const maxBytes = 1024 * 1024;
/** Folders of a machine in which a preview shows what would be. */
const shown: ReadonlySet<string> = new Set(['/etc', '/opt', '/srv', '/usr']);

/** Exit code of a preview that could not be made. No checker ends with it. */
const noPreview = 121;
/** Exit code of a shell that finds no such program (sh(1)). */
export const noSuchProgram = 127;

/**
 * In a mount namespace of its own, lays a layer over the given folders (the first words, up to `--`), makes there the
 * changes that stdin names, and becomes the program of the words that are left. What is written goes with the namespace.
 */
const previewProgram = `trap 'exit ${noPreview}' EXIT
umask 022; place=/run/writ-preview; mkdir -p "$place"; mount -t tmpfs -o mode=0755 writ "$place"; cd "$place"
while [ "$1" != -- ]; do
  up="$place/up$1"; work="$place/work$1"; mkdir -p "$up" "$work"
  mount -t overlay -o "lowerdir=$1,upperdir=$up,workdir=$work" writ "$1"; shift
done
shift; tab=$(printf '\\t')
while IFS="$tab" read -r what path blob; do
  case $what in
    put) mkdir -p -- "\${path%/*}"; cp --remove-destination -- "$blob" "$path" ;;
    folder) mkdir -p -- "$path" ;;
    remove) if [ -d "$path" ]; then rmdir -- "$path" 2>/dev/null || :; else rm -f -- "$path"; fi ;;
  esac
done
cd /; trap - EXIT; exec "$@" </dev/null`;

/**
 * Runs a program of the target as if the changes were made: it sees the files under their own names, with all others
 * that are there. Nothing of the target changes. `noSuchProgram`: there is none of that name.
 *
 * @param scratch folders besides, in which it may write without a trace; those that are there
 */
export async function runInPreview(
  machine: Machine,
  ops: readonly Op[],
  argv: readonly [string, ...string[]],
  scratch: readonly string[] = [],
): Promise<MachineResult<Ran>> {
  const topOf = (path: string): string => `/${path.split('/')[1]}`;
  const visible = ops.filter(({ path }) => shown.has(topOf(path)));
  const tops = new Set(visible.map(({ path }) => topOf(path)));
  const lines = visible.flatMap((op) => {
    // No path holds a tab or a newline.
    if (op.do === 'put') return [`put\t${op.path}\t${blobPath(op.digest)}\n`];
    // Where a link leads is shown besides, or is there already.
    return op.do === 'listing' || op.do === 'link' ? [] : [`${op.do}\t${op.path}\t\n`];
  });
  const ran = await machine.run(
    [
      ...(['unshare', '--mount', '--propagation', 'private', '--', 'sh', '-ec'] as const),
      previewProgram,
      'preview',
      ...[...tops, ...scratch].sort(),
      '--',
      ...argv,
    ],
    { stdin: new TextEncoder().encode(lines.join('')), timeoutMs, maxBytes },
  );
  if (!ran.ok || ran.value.code !== noPreview) return ran;
  const said = new TextDecoder().decode(ran.value.stderr).trim();
  return refuse('machine_error', `a preview cannot be made on ${machine.name}: ${said.slice(0, 300)}`);
}
