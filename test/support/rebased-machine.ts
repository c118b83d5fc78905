import type { Machine, RunOptions } from '../../relay/machine/machine.ts';

/**
 * A machine whose `/` is a folder of another machine, as far as its own calls go. Programs are run by it as they are; where they
 * are told a path of Writ's own, it is the one below that folder.
 *
 * @param more given to programs besides what they are given
 */
export function rebase(machine: Machine, root: string, more: Partial<RunOptions> = {}): Machine {
  const at = (path: string): string => `${root}${path}`;
  const word = (text: string): string => text.replaceAll('/var/lib/writ-', `${root}/var/lib/writ-`);
  return {
    ...machine,
    run: ([program, ...words], options) =>
      machine.run([program, ...words.map(word)], { ...options, env: { ...options.env, ...more.env } }),
    read: (path, maxBytes) => machine.read(at(path), maxBytes),
    write: (path, bytes, how) => machine.write(at(path), bytes, how),
    makeFolder: (path, how) => machine.makeFolder(at(path), how),
    setListing: (path, how) => machine.setListing(at(path), how),
    rename: (from, to) => machine.rename(at(from), at(to)),
    remove: (path) => machine.remove(at(path)),
    list: (path, most) => machine.list(at(path), most),
    stat: (paths) => machine.stat(paths.map(at)),
    digest: (paths) => machine.digest(paths.map(at)),
    look: (look) => machine.look({ ...look, read: look.read.map(at), paths: look.paths.map(at) }),
    writeAll: (files) => machine.writeAll(files.map((file) => ({ ...file, path: at(file.path) }))),
    change: (steps) =>
      machine.change(
        steps.map((step) => ({
          ...step,
          path: at(step.path),
          ...(step.do === 'copy' && { from: at(step.from) }),
        })),
      ),
  };
}
